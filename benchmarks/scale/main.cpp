/// cocoon-bench-scale: thousands of attested workers and clients of one real cocoon-proxy, over
/// real TLS connections on loopback. What was seen goes to standard output as one JSON object.

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>

#include "need.h"
#include "scenario.h"

namespace {

using namespace cocoon::bench;

/// Descriptors for all connections in this process, and in the proxy that inherits the limit.
void raise_descriptor_limit(std::size_t connections) {
  constexpr std::size_t kOthers = 100;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (connections + kOthers > limit.rlim_cur) {
    fail(
        fmt::format("{} connections need more than the {} descriptors that a process may have here",
                    connections, limit.rlim_cur));
  }
}

/// The ledger waits for its disk at each of thousands of messages: memory is quicker, and what is
/// measured is not the disk.
std::string make_folder(const std::string& under) {
  std::string folder = under + "/cocoon-scale.XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) fail("cannot make a folder under " + under);
  return folder;
}

}  // namespace

int main(int argc, char** argv) {
  Sizes sizes;
  std::string under = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
  std::string proxy =
      std::filesystem::read_symlink("/proc/self/exe").parent_path().string() + "/cocoon-proxy";
  bool keep = false;
  CLI::App app("Thousands of workers and clients of one cocoon-proxy.");
  app.add_option("--workers", sizes.workers)->check(CLI::Range(3, 10'000))->capture_default_str();
  app.add_option("--clients", sizes.clients)->check(CLI::Range(2, 10'000))->capture_default_str();
  app.add_option("--window", sizes.window, "connections that are being made at a time")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--rate", sizes.rate, "requests a second of all clients together")
      ->check(CLI::Range(1.0, 100'000.0))
      ->capture_default_str();
  app.add_option("--requests", sizes.requests, "of each client")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--idle", sizes.idle_seconds, "seconds for which the idle network is watched")
      ->capture_default_str();
  unsigned rest_ms = 3000;
  app.add_option("--rest", rest_ms, "milliseconds before memory is looked at")
      ->capture_default_str();
  app.add_option("--folder", under, "where ledger and state lie meanwhile")->capture_default_str();
  app.add_option("--proxy", proxy, "the program")->capture_default_str();
  app.add_flag("--keep", keep, "leave the folder, with the proxy's log");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }

  sizes.rest = cocoon::Millis{rest_ms};
  raise_descriptor_limit(sizes.workers + sizes.clients);
  const std::string folder = make_folder(under);
  bool good = false;
  {
    Scenario scenario(sizes, folder, proxy);
    good = scenario.run();
    fmt::print("{}\n", scenario.json());
  }
  if (keep || !good) {
    fmt::print(stderr, "logs: {}\n", folder);
  } else {
    std::filesystem::remove_all(folder);
  }
  return good ? 0 : 1;
}
