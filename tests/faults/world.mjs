// A network of the real programs with a faulty link on each connection: one client, some proxies,
// some workers with an engine each. Every process can be killed and started again by itself.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getKey, setKey } from '../support/role_config.mjs';
import { run, start, until } from '../support/process.mjs';
import { MODEL, startEngine } from './engine.mjs';
import { Link } from './link.mjs';
import { makeRandom } from './random.mjs';

/** Below the ports that Linux gives to outgoing connections (ip_local_port_range: from 32768): one of
 * those could be taken while the process that has to come back to it is dead. */
const FIRST_PORT = 20_000;
const PORTS = 12_000;

/** A port that is free now, and stays so but for other servers. */
async function stablePort(random) {
  for (;;) {
    const port = FIRST_PORT + random.below(PORTS);
    const server = createServer();
    const free = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

/** The account of a role's folder, as hexadecimal digits. */
const accountOf = (folder) => {
  const { x } = createPublicKey(readFileSync(join(folder, 'account.key'))).export({ format: 'jwk' });
  return Buffer.from(x, 'base64url').toString('hex');
};

/** A program that runs most of the time. */
class Role {
  constructor(name, kind, config, links) {
    Object.assign(this, { name, kind, config, links });
    this.process = undefined;
    this.downs = []; // [from, to] in performance.now(); to is Infinity while it is down
    this.crashes = []; // ends that nobody asked for
  }

  get account() {
    return accountOf(getKey(this.config, 'state_dir'));
  }

  async start() {
    this.process = start(`cocoon-${this.kind}`, ['--config', this.config]);
    const started = this.process;
    this.born ??= performance.now();
    started.ended.then((ended) => {
      // Its last words may come after its end: its log is read when it is needed.
      if (this.asked !== started) this.crashes.push({ ...ended, log: () => started.errors().slice(-2000) });
    });
    await started.line(this.kind === 'worker' ? 'started ' : 'listening ');
    if (this.downs.length > 0) this.downs.at(-1)[1] = performance.now();
  }

  /** kill -9 or SIGTERM; returns how it ended. */
  async end(signal) {
    this.downs.push([performance.now(), Infinity]);
    this.asked = this.process;
    this.process.kill(signal);
    const ended = await this.process.ended;
    this.lastLog = this.process.errors();
    return ended;
  }

  async page(path) {
    const answer = await fetch(`http://${this.admin}${path}`);
    return answer.text();
  }

  async metric(name) {
    const line = (await this.page('/metrics')).split('\n').find((l) => l.startsWith(`${name} `));
    return line ? Number(line.split(' ').pop()) : 0;
  }

  /** How long the present process has been there. */
  upSeconds() {
    const since = this.downs.length === 0 ? this.born : this.downs.at(-1)[1];
    return Math.round((performance.now() - since) / 1000);
  }

  /** Private memory in KiB and the number of descriptors. */
  usage() {
    const { pid } = this.process;
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const kib = [...rollup.matchAll(/^Private_\w+: +(\d+) kB$/gm)].reduce((s, m) => s + Number(m[1]), 0);
    return { private_kib: kib, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  }
}

export class World {
  roles = new Map();
  links = new Map();
  engines = [];

  /** Lays out a network of so many proxies and workers, with its processes running. */
  static async make({ seed, proxies, workers, executions }) {
    const world = new World();
    world.state = mkdtempSync(join(tmpdir(), 'cocoon-faults-'));
    world.seed = seed;
    // Not of the seed: two runs with the same one may be under way.
    world.ports = makeRandom(process.pid, 'ports');
    world.ledgerFile = join(world.state, 'ledger.sqlite');
    await world.layOut(workers);
    const ports = [];
    for (let i = 1; i <= proxies; ++i) ports.push(await world.addProxy(i));
    await world.addClient(ports);
    for (let i = 1; i <= workers; ++i) await world.addWorker(i, ports, executions);
    for (const role of world.inOrder()) await role.start();
    return world;
  }

  /** cocoon-devnet makes platform, ledger, accounts, channel and configurations. */
  async layOut(workers) {
    const engine = await startEngine(0, undefined);
    const devnet = start('cocoon-devnet', [
      '--backend', `http://127.0.0.1:${engine.port}`, '--listen', '127.0.0.1:0', '--model', MODEL,
      '--state', this.state, '--workers', String(workers),
    ]);
    await devnet.line('ready ');
    devnet.kill('SIGTERM');
    const { code } = await devnet.ended;
    if (code !== 0) throw new Error(`devnet ended with ${code}: ${devnet.errors()}`);
    engine.close();
  }

  config(name) {
    return join(this.state, `${name}.toml`);
  }

  async link(name, port) {
    const link = await Link.open(port, makeRandom(this.seed, `link ${name}`));
    link.name = name;
    this.links.set(name, link);
    return link;
  }

  async ledger(...command) {
    const done = await run('cocoon-ledger', ['--ledger', this.ledgerFile, ...command]);
    if (done.code !== 0) throw new Error(`cocoon-ledger ${command.join(' ')}: ${done.err}`);
    return done.out;
  }

  async addRole(name, kind, file, links) {
    const role = new Role(name, kind, this.config(file), links);
    if (kind !== 'client') {
      role.admin = `127.0.0.1:${await stablePort(this.ports)}`;
      setKey(role.config, 'admin_listen', role.admin);
    }
    this.roles.set(name, role);
    return role;
  }

  async addProxy(number) {
    if (number > 1) await this.registerProxy(number);
    const file = number === 1 ? 'proxy' : `proxy-${number}`;
    const port = await stablePort(this.ports);
    setKey(this.config(file), 'listen', `127.0.0.1:${port}`);
    await this.addRole(`proxy-${number}`, 'proxy', file, []);
    return port;
  }

  /** What devnet does for the first one. */
  async registerProxy(number) {
    const folder = join(this.state, `proxy-${number}`);
    mkdirSync(folder, { mode: 0o700 });
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(join(folder, 'account.key'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
    const file = this.config(`proxy-${number}`);
    writeFileSync(file, readFileSync(this.config('proxy')));
    setKey(file, 'state_dir', folder);
    // Where it listens is for those who look into the registry; here all are told.
    await this.ledger('allow', 'proxy', accountOf(folder), '--endpoint', '127.0.0.1:1');
    const client = accountOf(join(this.state, 'client'));
    await this.ledger('open', '--client', client, '--proxy', accountOf(folder), '--deposit', '100 TON');
  }

  async addClient(ports) {
    const links = [];
    for (const [i, port] of ports.entries()) links.push(await this.link(`client-proxy-${i + 1}`, port));
    const role = await this.addRole('client', 'client', 'client', links);
    setKey(role.config, 'proxies', links.map((link) => `127.0.0.1:${link.port}`));
    this.gateway = { host: '127.0.0.1', port: await stablePort(this.ports) };
    setKey(role.config, 'listen', `127.0.0.1:${this.gateway.port}`);
  }

  async addWorker(number, ports, executions) {
    const name = `worker-${number}`;
    const engine = await startEngine(number, executions);
    this.engines.push(engine);
    const toEngine = await this.link(`${name}-engine`, engine.port);
    const links = [];
    for (const [i, port] of ports.entries()) links.push(await this.link(`${name}-proxy-${i + 1}`, port));
    const role = await this.addRole(name, 'worker', name, links);
    role.toEngine = toEngine;
    setKey(role.config, 'proxies', links.map((link) => `127.0.0.1:${link.port}`));
    setKey(role.config, 'engine_url', `http://127.0.0.1:${toEngine.port}`);
    setKey(role.config, 'capacity', 64);
  }

  ofKind(kind) {
    return [...this.roles.values()].filter((role) => role.kind === kind);
  }

  inOrder() {
    return [...this.ofKind('proxy'), ...this.ofKind('worker'), ...this.ofKind('client')];
  }

  /** Waits until every worker is well, the client is back at every proxy, and the gateway serves the model. */
  async untilServed() {
    for (const worker of this.ofKind('worker')) {
      await until(`${worker.name} to be well`, async () => {
        try {
          const connected = (await worker.metric('cocoon_worker_proxies')) === worker.links.length;
          return connected && (await worker.page('/healthz')) === 'ok\n';
        } catch {
          return false;
        }
      });
    }
    // It signs for what it owes a proxy when it is connected to it, and at its end at the latest.
    for (const proxy of this.ofKind('proxy')) {
      await until(`the client to be connected to ${proxy.name}`, async () => {
        try {
          return (await proxy.metric('cocoon_proxy_clients')) > 0;
        } catch {
          return false;
        }
      });
    }
    await until('the gateway to serve', async () => {
      try {
        const url = `http://${this.gateway.host}:${this.gateway.port}/v1/models`;
        return (await (await fetch(url)).text()).includes(`"id":"${MODEL}"`);
      } catch {
        return false;
      }
    });
  }

  close() {
    for (const link of this.links.values()) link.close();
    for (const engine of this.engines) engine.close();
  }

  discard() {
    rmSync(this.state, { recursive: true, force: true });
  }
}
