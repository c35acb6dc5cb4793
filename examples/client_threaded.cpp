/// A service without libuv: the client runs on a thread of its own, and a promise brings the answer
/// back. Usage: example_client_threaded CLIENT.toml MODEL

#include <cstdio>
#include <future>
#include <optional>

#include "cocoon/client.h"
#include "cocoon/config.h"

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  const auto fail = [](const std::string& why, int code) {
    return std::fprintf(stderr, "example_client_threaded: %s\n", why.c_str()), code;
  };
  if (argc != 3) return fail("usage: example_client_threaded CLIENT.toml MODEL", 2);
  auto config = cocoon::load_client_config(argv[1]);
  if (!config) return fail(config.error().detail(), 2);
  auto thread = cocoon::LoopThread::start();
  if (!thread) return fail(thread.error().detail(), 1);
  const auto on_loop = [&](auto work) {
    std::promise<decltype(work())> done;
    thread->post([&] { done.set_value(work()); });
    return done.get_future().get();
  };

  std::optional<cocoon::Client> client;  // touched, and destroyed, on the loop's thread only
  const cocoon::Status started = on_loop([&]() -> cocoon::Status {
    auto made = cocoon::Client::create(thread->loop(), config->client);
    if (made) client.emplace(std::move(*made));
    return made ? client->start() : cocoon::Status(made.error());
  });
  if (!started) return on_loop([&] { return client.reset(), fail(started.error().detail(), 1); });

  std::string text;  // the loop's, until the promise is kept
  std::promise<cocoon::Status> answered;
  std::optional<cocoon::RequestHandle> request;
  thread->post([&] {
    cocoon::StreamCallbacks callbacks;
    callbacks.on_chunk = [&](std::string_view chunk) { text += chunk; };
    callbacks.on_done = [&](const cocoon::RequestOutcome& o) { answered.set_value(o.status); };
    const std::string body = std::string(R"({"model":")") + argv[2] +
                             R"(","messages":[{"role":"user","content":"Hello!"}]})";
    auto made = client->submit({.model = argv[2], .body = body}, std::move(callbacks));
    made ? void(request = std::move(*made)) : answered.set_value(made.error());
  });
  const cocoon::Status outcome = answered.get_future().get();
  std::promise<void> stopped;
  thread->post([&] { client->stop(5s, [&] { stopped.set_value(); }); });
  stopped.get_future().get();
  on_loop([&] { return request.reset(), client.reset(), true; });
  return outcome ? std::printf("%s\n", text.c_str()), 0 : fail(outcome.error().detail(), 1);
}
