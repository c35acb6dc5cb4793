/// cocoon-devnet: a whole development network on this machine, as separate processes.

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "billing/amount.h"
#include "cocoon/version.h"
#include "network.h"

namespace {

std::atomic<int> signals_received{0};

void on_signal(int) {
  if (++signals_received > 1) _exit(130);  // the children die with us
}

/// What is wrong with it; empty: nothing.
std::string is_amount(const std::string& text) {
  const auto amount = cocoon::billing::parse_amount(text);
  return amount ? std::string() : amount.error().detail();
}

/// A directory of its own, gone at the end, for a network that nobody asked to keep.
struct TemporaryState {
  std::string path;
  ~TemporaryState() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
};

}  // namespace

int main(int argc, char** argv) {
  using namespace cocoon::app;
  NetworkOptions options;
  std::string ledger = "local";
  CLI::App cli(
      "Starts a whole Cocoon network on this machine: ledger, simulated platform, proxy, "
      "workers and an OpenAI-compatible gateway. Prints `ready URL` when a request would succeed, "
      "and takes its processes down with it.",
      "cocoon-devnet");
  cli.set_version_flag("--version", std::string("cocoon-devnet ") + cocoon::version());
  cli.add_option("--backend", options.backend,
                 "Base URL of an OpenAI-compatible engine, like http://127.0.0.1:8000")
      ->required()
      ->type_name("URL");
  cli.add_option("--listen", options.listen, "Where the gateway listens; port 0 takes a free one")
      ->capture_default_str()
      ->type_name("ADDR:PORT");
  cli.add_option("--workers", options.workers, "How many workers")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  cli.add_option("--model", options.model, "Model id: the engine must serve it under this name")
      ->capture_default_str();
  cli.add_option("--state", options.state,
                 "Directory for keys, ledger, configurations and logs; kept and used again. "
                 "Without it a temporary one is used")
      ->type_name("DIR");
  cli.add_option("--deposit", options.deposit,
                 "What the gateway pays from, of a new network. It is worth nothing; "
                 "`cocoon-ledger top-up` adds to it")
      ->capture_default_str()
      ->check(is_amount)
      ->type_name("AMOUNT");
  cli.add_option("--ledger", ledger,
                 "local: a file that all processes share; ton: the contracts, on a chain for "
                 "development (apps/ton-devnet, needs Node.js)")
      ->capture_default_str()
      ->check(CLI::IsMember({"local", "ton"}));
  cli.add_option(
         "--ton-devnet", options.ton_devnet,
         "With --ledger ton: the chain's server.mjs, with its packages installed beside it. "
         "Without this, the one in the build's apps/ton-devnet")
      ->type_name("FILE");
  cli.footer(
      "Exit codes: 0 stopped by a signal, 1 could not run, 2 bad usage. The evidence of a\n"
      "development network is simulated and proves nothing.");
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return cli.exit(e) == 0 ? 0 : 2;
  }
  options.on_ton = ledger == "ton";
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGHUP, &action, nullptr);

  TemporaryState temporary;
  if (options.state.empty()) {
    char name[] = "/tmp/cocoon-devnet.XXXXXX";
    if (mkdtemp(name) == nullptr) {
      std::fprintf(stderr, "cocoon-devnet: cannot make a directory in /tmp; use --state\n");
      return 1;
    }
    temporary.path = options.state = name;
  }
  Network network(options);
  const auto interrupted = [] { return signals_received > 0; };
  if (auto status = network.start(interrupted); !status) {
    if (interrupted()) return 0;
    std::fprintf(stderr, "cocoon-devnet: %s\n", status.error().detail().c_str());
    return 1;
  }
  std::printf("ready %s\n", network.url().c_str());
  std::fflush(stdout);
  while (!interrupted()) {
    if (const std::string name = network.ended_child(); !name.empty()) {
      std::fprintf(stderr, "cocoon-devnet: %s ended unexpectedly; see its log in %s\n",
                   name.c_str(), options.state.c_str());
      network.stop();
      return 1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  network.stop();
  return 0;
}
