/// cocoon-devnet: a whole development network on this machine, as separate processes.

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "billing/amount.h"
#include "cocoon/version.h"
#include "common/same_signal.h"
#include "config/units.h"
#include "engine/engine_url.h"
#include "network.h"

namespace {

/// When the first signal came, in milliseconds; 0: none has.
std::atomic<std::int64_t> signalled_at{0};

void on_signal(int) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t ms = std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
  std::int64_t first = 0;
  if (signalled_at.compare_exchange_strong(first, ms)) return;
  if (ms - first >= cocoon::app::kSameSignal.count()) _exit(130);  // the children die with us
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

/// @return the exit code
int failed(const cocoon::Error& error, const TemporaryState& temporary) {
  std::fprintf(stderr, "cocoon-devnet: %s\n", error.detail().c_str());
  if (!temporary.path.empty()) {
    std::fprintf(stderr, "cocoon-devnet: --state DIR keeps the logs; these go with the network\n");
  }
  return 1;
}

/// The roles add /v1 by themselves; who copies the URL from an SDK's configuration has it in.
std::string check_backend(std::string& url) {
  while (url.starts_with("http") && url.ends_with('/')) url.pop_back();
  if (url.starts_with("http") && url.ends_with("/v1")) url.resize(url.size() - 3);
  const auto parsed = cocoon::engine::EngineUrl::parse(url);
  return parsed ? std::string() : parsed.error().detail();
}

std::string check_listen(const std::string& address) {
  if (cocoon::config::is_address(address, 0) &&
      cocoon::config::is_local_host(cocoon::config::host_of(address))) {
    return {};
  }
  return "expected an address of this machine such as 127.0.0.1:10000, found \"" + address + "\"";
}

std::string check_model(const std::string& model) {
  const std::string why = cocoon::config::models_fault({model});
  return why.empty() ? why : "the model " + why;
}

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
      ->transform(CLI::Validator(check_backend, ""))
      ->type_name("URL");
  cli.add_option("--listen", options.listen, "Where the gateway listens; port 0 takes a free one")
      ->capture_default_str()
      ->check(check_listen)
      ->type_name("ADDR:PORT");
  cli.add_option("--workers", options.workers, "How many workers")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  cli.add_option("--model", options.model, "Model id: the engine must serve it under this name")
      ->capture_default_str()
      ->check(check_model);
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
      "Exit codes: 0 stopped by a signal, 1 could not run, 2 bad usage, 130 stopped at once by a\n"
      "second signal. The evidence of a development network is simulated and proves nothing.");
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
  const auto interrupted = [] { return signalled_at > 0; };
  if (auto status = network.start(interrupted); !status) {
    if (interrupted()) return 0;
    return failed(status.error(), temporary);
  }
  std::printf("ready %s\n", network.url().c_str());
  std::fflush(stdout);
  while (!interrupted()) {
    if (const Child* child = network.ended_child()) {
      const int code = failed(has_ended_error(*child), temporary);
      network.stop();
      return code;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  network.stop();
  return 0;
}
