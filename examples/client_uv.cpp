/// A service with a libuv loop of its own: one streamed question on that loop.
/// Usage: example_client_uv CLIENT.toml MODEL   (cocoon-devnet --state DIR makes DIR/client.toml)

#include <uv.h>

#include <cstdio>
#include <functional>
#include <optional>

#include "cocoon/client.h"
#include "cocoon/config.h"

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  auto config = cocoon::load_client_config(argv[1]);
  if (!config) return std::fprintf(stderr, "%s\n", config.error().detail().c_str()), 2;

  uv_loop_t* loop = uv_default_loop();
  auto client = cocoon::Client::create(cocoon::Loop::borrow(loop), config->client);
  if (!client || !client->start()) return 1;

  int exit_code = 1;
  std::optional<cocoon::RequestHandle> request;
  const std::string body = std::string(R"({"model":")") + argv[2] +
                           R"(","stream":true,"messages":[{"role":"user","content":"Hello!"}]})";
  cocoon::StreamCallbacks callbacks;
  callbacks.on_chunk = [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
  };
  callbacks.on_done = [&](const cocoon::RequestOutcome& outcome) {
    exit_code = outcome.status ? 0 : 1;
    std::fprintf(stderr, "cost: %llu nanoton\n", (unsigned long long)outcome.usage.cost_nano);
    client->stop(5s, [] {});  // the loop ends when its last handle is closed
  };

  // Until the registry is read and a proxy is verified, submit() says `unavailable`.
  uv_timer_t timer;
  uv_timer_init(loop, &timer);
  std::function<void()> ask = [&] {
    if (!client->ready()) return;
    uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
    auto made = client->submit({.model = argv[2], .body = body}, std::move(callbacks));
    if (made) {
      request = std::move(*made);
    } else {
      std::fprintf(stderr, "%s\n", made.error().detail().c_str());
      client->stop(0s, [] {});
    }
  };
  timer.data = &ask;
  uv_timer_start(
      &timer, [](uv_timer_t* t) { (*static_cast<std::function<void()>*>(t->data))(); }, 0, 20);
  uv_run(loop, UV_RUN_DEFAULT);
  return exit_code;
}
