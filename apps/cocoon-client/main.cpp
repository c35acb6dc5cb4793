/// cocoon-client: a local OpenAI-compatible gateway to a Cocoon network.

#include <cstdio>
#include <memory>
#include <optional>

#include "cocoon/client.h"
#include "cocoon/config.h"
#include "cocoon/gateway.h"
#include "common/role_process.h"

namespace {

using namespace cocoon;

constexpr const char* kProgram = "cocoon-client";

/// The gateway in front, the client behind it; stopped in that order.
struct ClientProcess {
  ClientConfig config;
  std::optional<Client> client;
  std::optional<Gateway> gateway;

  Status start(Loop loop) {
    COCOON_TRY(auto made, Client::create(loop, config.client));
    client.emplace(std::move(made));
    COCOON_TRY(auto front, Gateway::create(loop, *client, config.gateway));
    gateway.emplace(std::move(front));
    COCOON_CHECK(client->start());
    COCOON_CHECK(gateway->start());
    std::printf("listening http://%s/v1\n", gateway->address().c_str());
    std::fflush(stdout);
    return ok();
  }

  void stop(std::chrono::milliseconds grace, Callback<void()> stopped) {
    if (!client) return stopped();
    auto then = std::make_shared<Callback<void()>>(std::move(stopped));
    auto stop_client = [this, grace, then] { client->stop(grace, [then] { (*then)(); }); };
    if (!gateway) return stop_client();
    gateway->stop(grace, std::move(stop_client));
  }
};

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = app::parse_command_line(
      argc, argv, kProgram,
      "Local OpenAI-compatible gateway: seals each request for attested workers, pays for it and "
      "streams the answer back.");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  auto config = load_client_config(parsed.line.config_path);
  if (!config) {
    app::print_error(kProgram, config.error());
    return 2;
  }
  config->client.metrics = prometheus_metrics();
  config->client.on_fatal = [](const Error&) { app::stop_failed_role(); };
  config->gateway.metrics = config->client.metrics;
  if (parsed.line.check_only) {
    std::printf("%s: %s is valid\n", kProgram, parsed.line.config_path.c_str());
    return 0;
  }
  ClientProcess process{std::move(*config), {}, {}};
  return app::run_role(kProgram, process.config.process.drain,
                       {[&](Loop loop) { return process.start(loop); },
                        [&](std::chrono::milliseconds grace, Callback<void()> stopped) {
                          process.stop(grace, std::move(stopped));
                        },
                        [&] {
                          process.gateway.reset();
                          process.client.reset();
                        }});
}
