/// cocoon-worker: unseals requests inside a TEE, has its engine answer them, seals, earns.

#include <cstdio>
#include <optional>

#include "cocoon/admin.h"
#include "cocoon/config.h"
#include "cocoon/worker.h"
#include "common/role_process.h"

namespace {

using namespace cocoon;

constexpr const char* kProgram = "cocoon-worker";

struct WorkerProcess {
  WorkerConfig config;
  std::optional<Worker> worker;
  std::optional<AdminServer> admin;

  Status start(Loop loop) {
    COCOON_TRY(auto made, Worker::create(loop, config.worker));
    worker.emplace(std::move(made));
    COCOON_CHECK(worker->start());
    if (!config.process.admin_listen.empty()) {
      COCOON_TRY(auto server, AdminServer::create(
                                  loop, config.process.admin_listen, config.worker.metrics,
                                  [this] {
                                    return Health{worker->ready(), worker->not_ready_reason()};
                                  },
                                  config.worker.log, pages()));
      admin.emplace(std::move(server));
    }
    std::printf("started account %s\n", worker->account().c_str());
    std::fflush(stdout);
    return ok();
  }

  std::vector<AdminPage> pages() {
    std::vector<AdminPage> pages;
    pages.push_back({"/v1/cocoon/market", [this] { return worker->market_json(); }});
    pages.push_back({"/v1/cocoon/reputation", [this] { return worker->reputation_json(); }});
    return pages;
  }
};

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = app::parse_command_line(
      argc, argv, kProgram,
      "Worker of a Cocoon network: runs beside an OpenAI-compatible inference engine inside a TEE "
      "and earns for its answers.");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  auto config = load_worker_config(parsed.line.config_path);
  if (!config) {
    app::print_error(kProgram, config.error());
    return 2;
  }
  config->worker.metrics = prometheus_metrics();
  config->worker.on_fatal = [](const Error&) { app::stop_failed_role(); };
  if (parsed.line.check_only) {
    std::printf("%s: %s is valid\n", kProgram, parsed.line.config_path.c_str());
    return 0;
  }
  WorkerProcess process{std::move(*config), {}, {}};
  return app::run_role(kProgram, process.config.process.drain,
                       {[&](Loop loop) { return process.start(loop); },
                        [&](std::chrono::milliseconds grace, Callback<void()> stopped) {
                          process.admin.reset();
                          if (!process.worker) return stopped();
                          process.worker->stop(grace, std::move(stopped));
                        },
                        [&] { process.worker.reset(); }});
}
