#pragma once
/// @file Internal to engine/: asks an engine whether it is ready.

#include <optional>
#include <string>
#include <vector>

#include "engine/engine_url.h"
#include "io/http_client.h"
#include "io/slot.h"
#include "io/timer.h"
#include "ports/engine.h"

namespace cocoon::engine {

/// Asks GET /v1/models, then GET /health where the engine has that, over and over: at
/// `interval` while it is ready, and with a pause that doubles up to that while it is not.
class ReadinessProbe {
 public:
  /// `on_change` is called with the first answer, and whenever the answer is another one.
  ReadinessProbe(const io::Context& context, io::HttpClient& client, EngineUrl url,
                 std::vector<std::string> required_models, Millis interval,
                 Callback<void(const ports::EngineReadiness&)> on_change);

  /// Asks soon: a run has just failed in a way that makes the last answer doubtful.
  void hurry();

 private:
  void ask_models();
  void ask_health();
  void models_answered(const Result<io::HttpAnswer>& answer);
  void health_answered(const Result<io::HttpAnswer>& answer);
  void conclude(std::string reason);
  void ask(std::string_view path, void (ReadinessProbe::*then)(const Result<io::HttpAnswer>&));
  std::string reason_of(const Error& error, std::string_view path) const;
  std::string reason_of_status(int status, std::string_view path) const;

  io::HttpClient& client_;
  EngineUrl url_;
  std::vector<std::string> required_models_;
  Millis interval_;
  io::Slot<const ports::EngineReadiness&> on_change_;
  io::Timer next_;
  io::HttpTransfer asking_;
  bool busy_ = false;  // a question is out
  Millis retry_;
  std::vector<std::string> models_;  // of the question that is out
  std::optional<ports::EngineReadiness> last_;
};

}  // namespace cocoon::engine
