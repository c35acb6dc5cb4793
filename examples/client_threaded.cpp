/// A service without libuv: the client runs on a thread of its own, and a promise brings the answer
/// back. Usage: example_client_threaded CLIENT.toml MODEL

#include <cstdio>
#include <future>
#include <optional>
#include <thread>

#include "cocoon/client.h"
#include "cocoon/config.h"

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  auto config = cocoon::load_client_config(argv[1]);
  if (!config) return std::fprintf(stderr, "%s\n", config.error().detail().c_str()), 2;
  auto thread = cocoon::LoopThread::start();
  if (!thread) return 1;

  // Touched on the loop thread only.
  std::optional<cocoon::Client> client;
  std::optional<cocoon::RequestHandle> request;
  const auto on_loop = [&](auto work) {
    std::promise<decltype(work())> done;
    thread->post([&] { done.set_value(work()); });
    return done.get_future().get();
  };

  const bool started = on_loop([&] {
    auto made = cocoon::Client::create(thread->loop(), config->client);
    if (!made) return false;
    client.emplace(std::move(*made));
    return bool(client->start());
  });
  while (started && !on_loop([&] { return client->ready(); })) std::this_thread::sleep_for(20ms);

  std::promise<std::string> answer;
  on_loop([&] {
    auto text = std::make_shared<std::string>();
    cocoon::StreamCallbacks callbacks;
    callbacks.on_chunk = [text](std::string_view chunk) { text->append(chunk); };
    callbacks.on_done = [text, &answer](const cocoon::RequestOutcome& outcome) {
      answer.set_value(outcome.status ? *text : "error: " + outcome.status.error().detail());
    };
    const std::string body = std::string(R"({"model":")") + argv[2] +
                             R"(","messages":[{"role":"user","content":"Hello!"}]})";
    auto made = client->submit({.model = argv[2], .body = body}, std::move(callbacks));
    if (made) request = std::move(*made);
    if (!made) answer.set_value("error: " + made.error().detail());
    return true;
  });
  const std::string text = answer.get_future().get();
  std::printf("%s\n", text.c_str());

  std::promise<void> stopped;
  thread->post([&] { client->stop(5s, [&] { stopped.set_value(); }); });
  stopped.get_future().get();
  return text.starts_with("error") ? 1 : 0;
}
