#include "engine/engine_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "engine/engine_url.h"
#include "engine/readiness_probe.h"
#include "io/http_client.h"
#include "io/slot.h"
#include "io/turn.h"

namespace cocoon::engine {
namespace {

using ports::EngineEvent;
using ports::EngineRun;

/// "text/event-stream" of "Text/Event-Stream; charset=utf-8".
std::string media_type(std::string_view content_type) {
  std::string out(content_type.substr(0, content_type.find(';')));
  while (!out.empty() && out.back() == ' ') out.pop_back();
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

struct Wording {
  std::string_view http_code;
  ErrorKind kind;
  std::string_view code;
  std::string_view detail;
};

/// What a run's client is told about an error of the HTTP client. It does not learn the engine's
/// address; the owner's log does.
constexpr Wording kWordings[] = {
    {"first_byte_timeout", ErrorKind::timeout, "engine_slow",
     "the worker's engine sent nothing in time"},
    {"progress_timeout", ErrorKind::timeout, "engine_stalled",
     "the worker's engine stopped in the middle of its answer"},
    {"total_timeout", ErrorKind::timeout, "engine_deadline",
     "the worker's engine did not finish its answer in time"},
    {"closed_before_answer", ErrorKind::upstream, "engine_closed",
     "the worker's engine closed the connection without an answer"},
    {"broken_off", ErrorKind::upstream, "engine_broke_off",
     "the worker's engine broke off in the middle of its answer"},
    {"connection_reset", ErrorKind::upstream, "engine_broke_off",
     "the worker's engine broke the connection off"},
    {"bad_answer", ErrorKind::upstream, "engine_bad_answer",
     "the worker's engine did not answer as an HTTP server should"},
    {"head_too_large", ErrorKind::upstream, "engine_bad_answer",
     "the worker's engine answered with oversized header fields"},
};

Error reworded(const Error& error) {
  for (const Wording& w : kWordings) {
    if (w.http_code == error.code()) return Error(w.kind, w.code, std::string(w.detail));
  }
  return Error(ErrorKind::unavailable, "engine_down", "the worker's engine cannot be reached");
}

}  // namespace

class EngineClient::Impl {
 public:
  Impl(const io::Context& context, EngineUrl url, EngineOptions options,
       Callback<void(const EngineEvent&)> on_event)
      : url_(std::move(url)),
        options_(std::move(options)),
        on_event_(std::move(on_event)),
        client_(context),
        refusals_(context, io::TurnPhase::work, [this] { report_refused(); }),
        probe_(context, client_, url_, options_.required_models, options_.probe_interval,
               [this](const ports::EngineReadiness& r) { report_readiness(r); }) {}

  void start(ports::EngineRequest request) {
    const EngineRun run = request.run;
    Run& entry = runs_[run];
    entry.streams = request.streams;
    io::HttpEvents events;
    events.on_sent = [this, run] { on_event_(ports::EngineStarted{run}); };
    events.on_head = [this, run](const io::HttpAnswerHead& head) { report_head(run, head); };
    events.on_body = [this, run](ByteView bytes) { on_event_(ports::EngineBytes{run, bytes}); };
    events.on_done = [this, run](const Status& status) { report_done(run, status); };
    auto started = client_.start(make_request(request), std::move(events));
    if (started) {
      entry.transfer = std::move(started).value();
      return;
    }
    refused_.emplace_back(run, std::move(started).error());
    refusals_.arm();
  }

  void cancel(EngineRun run) { runs_.erase(run); }

  void pause(EngineRun run, bool paused) {
    const auto found = runs_.find(run);
    if (found == runs_.end()) return;
    if (paused) {
      found->second.transfer.pause();
    } else {
      found->second.transfer.resume();
    }
  }

 private:
  struct Run {
    bool streams = false;
    io::HttpTransfer transfer;
  };

  io::HttpRequest make_request(ports::EngineRequest& request) const {
    io::HttpRequest out = url_.request(io::HttpMethod::post, request.path);
    out.fields = {{"Content-Type", "application/json"},
                  {"Accept", request.streams ? "text/event-stream" : "application/json"}};
    out.body = std::move(request.body);
    out.deadlines.progress = options_.progress;
    // Nothing left still means a deadline, not none.
    out.deadlines.total = std::max(Millis(1), std::min(options_.total, request.time_left));
    // Of an answer that is no stream an engine sends nothing before it has all of it.
    out.deadlines.first_byte = request.streams ? options_.first_byte : out.deadlines.total;
    return out;
  }

  void report_readiness(const ports::EngineReadiness& readiness) {
    if (readiness.ready) {
      options_.log.info("the engine at {} is ready", url_.shown);
    } else {
      options_.log.warning("{}", readiness.reason);
    }
    on_event_(readiness);
  }

  void report_head(EngineRun run, const io::HttpAnswerHead& head) {
    const bool success = head.status >= 200 && head.status < 300;
    const std::string type = media_type(head.field("content-type"));
    if (head.status >= 300 && head.status < 400) {
      return fail(run, Error(ErrorKind::upstream, "engine_redirected",
                             fmt::format("the worker's engine answered with a redirect ({})",
                                         head.status)));
    }
    if (success && runs_[run].streams && type != "text/event-stream") {
      return fail(run, Error(ErrorKind::upstream, "engine_not_streaming",
                             "the worker's engine did not answer a request for a stream with one"));
    }
    if (success && !runs_[run].streams && type == "text/event-stream") {
      return fail(run, Error(ErrorKind::upstream, "engine_bad_answer",
                             "the worker's engine answered with a stream that was not asked for"));
    }
    on_event_(ports::EngineHead{run, head.status, type});
  }

  void report_done(EngineRun run, const Status& status) {
    if (status) {
      runs_.erase(run);
      return on_event_(ports::EngineEnd{run, ok()});
    }
    const Error error = reworded(status.error());
    if (error.kind() != ErrorKind::timeout) probe_.hurry();
    fail(run, status.error(), error);
  }

  /// The owner's log says more of it than the client is told. Last: the owner may do anything.
  void fail(EngineRun run, const Error& error, const Error& told) {
    options_.log.warning("a request to the engine failed: {}", error.detail());
    runs_.erase(run);
    on_event_(ports::EngineEnd{run, told});
  }
  void fail(EngineRun run, const Error& error) { fail(run, error, error); }

  /// Last: the owner may do anything.
  void report_refused() {
    const auto [run, error] = std::move(refused_.back());
    refused_.pop_back();
    if (!refused_.empty()) refusals_.arm();
    if (runs_.count(run) != 0) fail(run, error);
  }

  EngineUrl url_;
  EngineOptions options_;
  io::Slot<const EngineEvent&> on_event_;
  io::HttpClient client_;
  std::unordered_map<EngineRun, Run> runs_;
  std::vector<std::pair<EngineRun, Error>> refused_;
  io::TurnHook refusals_;
  ReadinessProbe probe_;
};

Result<std::unique_ptr<EngineClient>> EngineClient::create(
    const io::Context& context, EngineOptions options,
    Callback<void(const ports::EngineEvent&)> on_event) {
  COCOON_TRY(EngineUrl url, EngineUrl::parse(options.url));
  auto impl =
      std::make_unique<Impl>(context, std::move(url), std::move(options), std::move(on_event));
  return std::unique_ptr<EngineClient>(new EngineClient(std::move(impl)));
}

EngineClient::EngineClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EngineClient::~EngineClient() = default;

void EngineClient::start(ports::EngineRequest request) {
  impl_->start(std::move(request));
}
void EngineClient::cancel(EngineRun run) {
  impl_->cancel(run);
}
void EngineClient::pause(EngineRun run, bool paused) {
  impl_->pause(run, paused);
}

}  // namespace cocoon::engine
