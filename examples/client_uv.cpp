/// A service with a libuv loop of its own: one streamed question on that loop.
/// Usage: example_client_uv CLIENT.toml MODEL   (while cocoon-devnet --state DIR runs: DIR/app.toml)

#include <uv.h>

#include <cstdio>
#include <optional>

#include "cocoon/client.h"
#include "cocoon/config.h"

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  const auto fail = [](const std::string& why, int code) {
    return std::fprintf(stderr, "example_client_uv: %s\n", why.c_str()), code;
  };
  if (argc != 3) return fail("usage: example_client_uv CLIENT.toml MODEL", 2);
  auto config = cocoon::load_client_config(argv[1]);
  if (!config) return fail(config.error().detail(), 2);

  uv_loop_t* loop = uv_default_loop();
  auto client = cocoon::Client::create(cocoon::Loop::borrow(loop), config->client);
  if (!client) return uv_run(loop, UV_RUN_DEFAULT), fail(client.error().detail(), 1);
  if (auto started = client->start(); !started) return fail(started.error().detail(), 1);

  int exit_code = 0;
  std::optional<cocoon::RequestHandle> request;
  const std::string body = std::string(R"({"model":")") + argv[2] +
                           R"(","stream":true,"messages":[{"role":"user","content":"Hello!"}]})";
  cocoon::StreamCallbacks callbacks;
  callbacks.on_chunk = [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
  };
  callbacks.on_done = [&](const cocoon::RequestOutcome& outcome) {
    if (!outcome.status) exit_code = fail(outcome.status.error().detail(), 1);
    std::fprintf(stderr, "cost: %llu nanoton\n", (unsigned long long)outcome.usage.cost_nano);
    client->stop(5s, [] {});  // the loop ends when its last handle is closed
  };

  // It waits until the registry is read and a proxy is verified.
  auto made = client->submit({.model = argv[2], .body = body}, std::move(callbacks));
  if (made) {
    request = std::move(*made);
  } else {
    exit_code = fail(made.error().detail(), 1);
    client->stop(0s, [] {});
  }
  uv_run(loop, UV_RUN_DEFAULT);
  return exit_code;
}
