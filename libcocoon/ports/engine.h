#pragma once
/// @file The inference engine behind a worker, as the worker's core sees it: values only.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/result.h"

namespace cocoon::ports {

/// One run of a request on the engine. The worker numbers its runs; a number is not used again.
using EngineRun = std::uint64_t;

/// A request to be run: a POST of `body` as application/json.
struct EngineRequest {
  EngineRun run = 0;
  std::string path;  ///< "/v1/chat/completions", "/v1/embeddings", …
  std::string body;  ///< JSON; already checked against the header and the limits
  /// The body asks for a stream, so a successful answer must be text/event-stream.
  bool streams = false;
  /// Whole time for this run; the engine's own deadlines may only be shorter.
  Millis time_left{};
};

/// The engine has been reached and is given the request: from here on it may have been run. Comes
/// once, first; where it does not come, nothing was run.
struct EngineStarted {
  EngineRun run = 0;
};

/// The answer has begun. Comes once, before any bytes.
struct EngineHead {
  EngineRun run = 0;
  int status = 0;            ///< HTTP status; an engine's own 4xx is passed on, with its body
  std::string content_type;  ///< lower case, without parameters: "text/event-stream"
};

/// A piece of the answer's body, as the engine sent it. Valid during the call.
struct EngineBytes {
  EngineRun run = 0;
  ByteView bytes;
};

/// The run is over: the last event of every run that was not cancelled.
struct EngineEnd {
  EngineRun run = 0;
  /// Success: the answer is complete, by the engine's own account of its length. Otherwise why it
  /// is not, as `upstream`, `timeout` or `unavailable`; what came before is then a cut answer.
  Status status = ok();
};

/// What is known about the engine itself. Comes when it changes.
struct EngineReadiness {
  bool ready = false;
  /// Where not ready: what is wrong and what the owner of the machine should do about it.
  std::string reason;
  /// Model ids that the engine says it serves.
  std::vector<std::string> models;
  friend bool operator==(const EngineReadiness&, const EngineReadiness&) = default;
};

using EngineEvent =
    std::variant<EngineStarted, EngineHead, EngineBytes, EngineEnd, EngineReadiness>;

/// The port. All calls and events on the loop thread; no event comes inside a call.
class Engine {
 public:
  virtual ~Engine() = default;
  /// Starts a run; what becomes of it, refusal included, comes as events.
  virtual void start(EngineRequest request) = 0;
  /// Ends a run; the engine sees the disconnect at once. No event of the run follows. An unknown
  /// run is ignored: it may have ended a moment ago.
  virtual void cancel(EngineRun run) = 0;
  /// Stops or goes on reading the answer, which slows the engine down. Unknown runs are ignored.
  virtual void pause(EngineRun run, bool paused) = 0;
};

}  // namespace cocoon::ports
