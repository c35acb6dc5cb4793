#pragma once
/// @file Runs one exchange over HTTP on a loop of its own, and waits for what comes of it.

#include <functional>
#include <future>
#include <memory>
#include <optional>

#include "cocoon/loop.h"
#include "cocoon/result.h"
#include "io/context.h"
#include "io/http_client.h"

namespace cocoon::app {

/// Starts an exchange whose end `done` hears of, later and once. What it returns lives until then.
template <class T>
using Exchange = std::function<Result<std::shared_ptr<void>>(
    io::HttpClient& client, std::function<void(const Result<T>&)> done)>;

/// Errors: those of LoopThread::start and of the exchange.
template <class T>
Result<T> run_on_loop(const io::HttpClientOptions& options, const Exchange<T>& start) {
  struct OnLoop {
    OnLoop(const Loop& loop, const io::HttpClientOptions& o)
        : context(loop), client(std::in_place, context, o) {}
    io::Context context;
    std::optional<io::HttpClient> client;
    std::shared_ptr<void> running;
  };
  COCOON_TRY(LoopThread thread, LoopThread::start());
  std::promise<Result<T>> promise;
  auto answer = promise.get_future();
  std::unique_ptr<OnLoop> state;
  const auto close = [&](const Result<T>& result) {
    auto kept = std::make_shared<Result<T>>(result);
    thread.post([&state, &promise, kept] {
      state->running.reset();
      state->client.reset();
      state->context.close([&promise, kept] { promise.set_value(std::move(*kept)); });
    });
  };
  thread.post([&] {
    state = std::make_unique<OnLoop>(thread.loop(), options);
    auto started = start(*state->client, close);
    if (!started) return close(started.error());
    state->running = std::move(*started);
  });
  Result<T> result = answer.get();
  std::promise<void> freed;
  thread.post([&] {
    state.reset();
    freed.set_value();
  });
  freed.get_future().wait();
  return result;
}

}  // namespace cocoon::app
