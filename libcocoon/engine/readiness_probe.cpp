#include "engine/readiness_probe.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "engine/model_list.h"

namespace cocoon::engine {
namespace {

constexpr std::string_view kModelsPath = "/v1/models";
constexpr std::string_view kHealthPath = "/health";

std::string joined(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 5;
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < kShown; ++i) {
    if (i > 0) out += ", ";
    out += names[i];
  }
  if (names.size() > kShown) out += ", …";
  return out;
}

}  // namespace

ReadinessProbe::ReadinessProbe(const io::Context& context, io::HttpClient& client, EngineUrl url,
                               std::vector<std::string> required_models, Millis interval,
                               Callback<void(const ports::EngineReadiness&)> on_change)
    : client_(client),
      url_(std::move(url)),
      required_models_(std::move(required_models)),
      interval_(interval),
      on_change_(std::move(on_change)),
      next_(context, [this] { ask_models(); }),
      retry_(std::min<Millis>(limits::kEngineProbeFirstRetry, interval)) {
  next_.set_in(Millis(0));
}

void ReadinessProbe::hurry() {
  if (!busy_) next_.set_in(Millis(0));
}

void ReadinessProbe::ask(std::string_view path,
                         void (ReadinessProbe::*then)(const Result<io::HttpAnswer>&)) {
  busy_ = true;
  io::HttpRequest request = url_.request(io::HttpMethod::get, path);
  request.deadlines.connect = request.deadlines.total = limits::kEngineProbeDeadline;
  request.max_body_bytes = limits::kMaxModelListBytes;
  auto started = io::fetch(client_, std::move(request),
                           [this, then](Result<io::HttpAnswer> answer) { (this->*then)(answer); });
  if (!started) return conclude(started.error().detail());
  asking_ = std::move(started).value();
}

void ReadinessProbe::ask_models() {
  ask(kModelsPath, &ReadinessProbe::models_answered);
}
void ReadinessProbe::ask_health() {
  ask(kHealthPath, &ReadinessProbe::health_answered);
}

void ReadinessProbe::models_answered(const Result<io::HttpAnswer>& answer) {
  models_.clear();
  if (!answer) return conclude(reason_of(answer.error(), kModelsPath));
  if (answer->head.status != 200) {
    return conclude(reason_of_status(answer->head.status, kModelsPath));
  }
  auto models = parse_model_list(answer->body);
  if (!models) {
    return conclude(fmt::format(
        "{} answers GET {} with something that is no list of models: is it an OpenAI-compatible "
        "server?",
        url_.shown, kModelsPath));
  }
  models_ = std::move(models).value();
  for (const std::string& wanted : required_models_) {
    if (std::find(models_.begin(), models_.end(), wanted) != models_.end()) continue;
    return conclude(fmt::format(
        "the engine at {} does not serve the model \"{}\" of the worker's configuration; it serves "
        "{}: start it with that model, or name it so (vLLM: --served-model-name)",
        url_.shown, wanted, models_.empty() ? "none" : joined(models_)));
  }
  if (models_.empty()) {
    return conclude(
        fmt::format("the engine at {} serves no model yet: it may still be loading", url_.shown));
  }
  ask_health();
}

void ReadinessProbe::health_answered(const Result<io::HttpAnswer>& answer) {
  if (!answer) return conclude(reason_of(answer.error(), kHealthPath));
  const int status = answer->head.status;
  // An engine without /health says 404, or 405, or whatever its router says: only a server's own
  // failure counts against it.
  conclude(status >= 500 ? reason_of_status(status, kHealthPath) : "");
}

void ReadinessProbe::conclude(std::string reason) {
  busy_ = false;
  ports::EngineReadiness now;
  now.ready = reason.empty();
  now.reason = std::move(reason);
  now.models = std::move(models_);
  models_.clear();
  if (now.ready) {
    retry_ = std::min<Millis>(limits::kEngineProbeFirstRetry, interval_);
    next_.set_in(interval_);
  } else {
    next_.set_in(retry_);
    retry_ = std::min(retry_ * 2, interval_);
  }
  if (last_ == now) return;
  last_ = now;
  on_change_(now);
}

std::string ReadinessProbe::reason_of(const Error& error, std::string_view path) const {
  const std::string_view code = error.code();
  if (code == "connection_refused") {
    return fmt::format(
        "the engine at {} refuses connections: is it started, and at that address? A model that "
        "is still loading does so too: see the engine's own log",
        url_.shown);
  }
  if (code == "name_not_found") {
    return fmt::format("the host name in the engine's URL {} cannot be resolved: check the URL",
                       url_.shown);
  }
  if (error.kind() == ErrorKind::timeout) {
    return fmt::format(
        "the engine at {} did not answer GET {} within {} s: it may be loading its model, be "
        "overloaded or hang; see its own log",
        url_.shown, path, limits::kEngineProbeDeadline.count());
  }
  return fmt::format("the engine at {} does not work: {}", url_.shown, error.detail());
}

std::string ReadinessProbe::reason_of_status(int status, std::string_view path) const {
  const auto says = [&](std::string_view what) {
    return fmt::format("the engine at {} answers GET {} with status {}: {}", url_.shown, path,
                       status, what);
  };
  if (status == 401 || status == 403) {
    return says("it wants an API key; start it without one, it is reached over loopback only");
  }
  if (status == 404) {
    return says("is that the base URL of an OpenAI-compatible server, without /v1?");
  }
  if (status == 503) return says("it is still loading, or shutting down; see its own log");
  return says("see its own log");
}

}  // namespace cocoon::engine
