/// cocoon-proxy: admits clients and workers by attestation, routes sealed requests, settles.

#include <cstdio>
#include <optional>

#include "cocoon/admin.h"
#include "cocoon/config.h"
#include "cocoon/proxy.h"
#include "common/role_process.h"

namespace {

using namespace cocoon;

constexpr const char* kProgram = "cocoon-proxy";

struct ProxyProcess {
  ProxyConfig config;
  std::optional<Proxy> proxy;
  std::optional<AdminServer> admin;

  Status start(Loop loop) {
    COCOON_TRY(auto made, Proxy::create(loop, config.proxy));
    proxy.emplace(std::move(made));
    COCOON_CHECK(proxy->start());
    if (!config.process.admin_listen.empty()) {
      COCOON_TRY(auto server, AdminServer::create(
                                  loop, config.process.admin_listen, config.proxy.metrics,
                                  [this] {
                                    return Health{proxy->ready(), proxy->not_ready_reason()};
                                  },
                                  config.proxy.log, pages()));
      admin.emplace(std::move(server));
    }
    std::printf("listening %s account %s\n", proxy->address().c_str(), proxy->account().c_str());
    std::fflush(stdout);
    return ok();
  }

  std::vector<AdminPage> pages() {
    std::vector<AdminPage> pages;
    pages.push_back({"/v1/cocoon/market", [this] { return proxy->market_json(); }});
    pages.push_back({"/v1/cocoon/reputation", [this] { return proxy->reputation_json(); }});
    return pages;
  }
};

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = app::parse_command_line(
      argc, argv, kProgram,
      "Proxy of a Cocoon network: admits clients and workers by attestation, routes sealed "
      "requests by model, price and load, and pays the workers.");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  auto config = load_proxy_config(parsed.line.config_path);
  if (!config) {
    app::print_error(kProgram, config.error());
    return 2;
  }
  config->proxy.metrics = prometheus_metrics();
  config->proxy.on_fatal = [](const Error&) { app::stop_failed_role(); };
  if (parsed.line.check_only) {
    std::printf("%s: %s is valid\n", kProgram, parsed.line.config_path.c_str());
    return 0;
  }
  ProxyProcess process{std::move(*config), {}, {}};
  return app::run_role(kProgram, process.config.process.drain,
                       {[&](Loop loop) { return process.start(loop); },
                        [&](std::chrono::milliseconds grace, Callback<void()> stopped) {
                          process.admin.reset();
                          if (!process.proxy) return stopped();
                          process.proxy->stop(grace, std::move(stopped));
                        },
                        [&] { process.proxy.reset(); }});
}
