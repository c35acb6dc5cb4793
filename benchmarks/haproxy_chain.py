"""Three HAProxy hops in front of the engine, a yardstick for the network: plain HTTP/1.1 from the
caller, HTTP/2 over mutual TLS between the hops, plain HTTP/1.1 to the engine; a process of one
thread each. It relays and does no more: nothing is sealed, attested or paid for."""
import atexit
import os
import shutil
import socket
import subprocess
import time

CONFIG = """
global
  nbthread 1
defaults
  mode http
  option http-no-delay
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind {listen}
  default_backend out
backend out
  http-reuse always
  server next {server}
"""
TLS = "ssl crt {folder}/node.pem ca-file {folder}/ca.pem verify required alpn h2"


def available():
    return shutil.which("haproxy") is not None


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make_certificate(folder):
    """One P-256 certificate that all hops show and trust: what they check of each other."""
    key, certificate = f"{folder}/key.pem", f"{folder}/ca.pem"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=hop")
    with open(f"{folder}/node.pem", "w") as node:
        for part in (certificate, key):
            with open(part) as text:
                node.write(text.read())


class HaproxyChain:
    """Running until stop(), or the program ends. `url` is where it listens, `pids` its three
    processes."""

    def __init__(self, engine_url, folder):
        make_certificate(folder)
        tls = TLS.format(folder=folder)
        ports = free_ports(3)
        engine = engine_url.split("//")[1].split("/")[0]
        ways = [f"127.0.0.1:{port}" for port in ports] + [engine]
        self.url = f"http://{ways[0]}/v1"
        self.processes = []
        for hop in range(3):
            listen = ways[hop] if hop == 0 else f"{ways[hop]} {tls}"
            server = ways[hop + 1] if hop == 2 else f"{ways[hop + 1]} {tls}"
            path = f"{folder}/haproxy{hop}.cfg"
            with open(path, "w") as config:
                config.write(CONFIG.format(listen=listen, server=server))
            started = subprocess.Popen(["haproxy", "-db", "-q", "-f", path])
            atexit.register(started.terminate)
            self.processes.append(started)
            self.wait_for(started, ports[hop])
        self.pids = [process.pid for process in self.processes]

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()

    @staticmethod
    def wait_for(process, port):
        while process.poll() is None:
            try:
                return socket.create_connection(("127.0.0.1", port)).close()
            except ConnectionRefusedError:
                time.sleep(0.01)
        raise RuntimeError(f"haproxy ended at once with status {process.returncode}")
