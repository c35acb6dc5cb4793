#pragma once
/// @file The engine port on a real engine: any OpenAI-compatible HTTP server.

#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/log.h"
#include "base/time.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "io/context.h"
#include "ports/engine.h"

namespace cocoon::engine {

struct EngineOptions {
  /// Base URL without /v1, "http://127.0.0.1:8000", or the socket that it listens on,
  /// "unix:/run/engine.sock".
  std::string url;
  /// Models without which it does not count as ready.
  std::vector<std::string> required_models;
  Millis first_byte = limits::kEngineFirstByteDeadline;  ///< of streams; others have `total`
  Millis progress = limits::kProgressDeadline;
  Millis total = limits::kRequestDeadline;
  Millis probe_interval = limits::kEngineProbeInterval;
  /// Told what went wrong with the engine, with its URL; never a prompt or an answer.
  Logger log;
};

/// Whether a worker may use the engine there. Outside development networks only what does not leave
/// the guest: a unix socket or a loopback address, as the engine is sent prompts in the clear.
/// Errors: `invalid_argument` ("bad_engine_url", "engine_not_local").
Status check_engine_place(std::string_view url, bool development);

/// Runs requests on the engine and asks it from time to time whether it is ready and which models
/// it serves. An engine that is down, slow, broken off, or that contradicts itself ends the run
/// with an error that says so; what goes on to the client names no address. Loop thread only.
///
/// Errors of runs. `unavailable`: "engine_down". `timeout`: "engine_slow" (no first byte
/// of a stream), "engine_stalled" (no progress), "engine_deadline" (in all). `upstream`:
/// "engine_closed" (no answer), "engine_broke_off", "engine_bad_answer", "engine_not_streaming",
/// "engine_redirected".
class EngineClient final : public ports::Engine {
 public:
  /// Probing begins at once; the first EngineReadiness comes when the first probe has an answer.
  /// Errors: `invalid_argument` ("bad_engine_url") saying what was expected.
  static Result<std::unique_ptr<EngineClient>> create(
      const io::Context& context, EngineOptions options,
      Callback<void(const ports::EngineEvent&)> on_event);
  /// Ends every run, without events.
  ~EngineClient() override;

  void start(ports::EngineRequest request) override;
  void cancel(ports::EngineRun run) override;
  void pause(ports::EngineRun run, bool paused) override;

 private:
  class Impl;
  explicit EngineClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocoon::engine
