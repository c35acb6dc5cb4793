#include "gateway/answer.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "http/openai.h"

namespace cocoon::gateway {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kEventStream = "text/event-stream";
/// What a page's script may read of a response.
constexpr std::string_view kExposedHeaders =
    "x-request-id, x-cocoon-cost-nano, x-cocoon-worker, x-should-retry, retry-after";

bool is_event_stream(std::string_view content_type) {
  return http::equal_ignoring_case(content_type.substr(0, kEventStream.size()), kEventStream);
}

}  // namespace

std::vector<http::Header> Answer::headers() const {
  std::vector<http::Header> headers = {{"x-request-id", common_.request_id}};
  if (!common_.origin.empty()) {
    headers.push_back({"Access-Control-Allow-Origin", common_.origin});
    headers.push_back({"Access-Control-Expose-Headers", kExposedHeaders});
    headers.push_back({"Vary", "Origin"});
  }
  return headers;
}

void Answer::fixed(std::string& out, int status, std::string_view content_type,
                   std::string_view body, std::vector<http::Header> more) {
  std::vector<http::Header> all = headers();
  if (!content_type.empty()) all.push_back({"Content-Type", content_type});
  all.insert(all.end(), more.begin(), more.end());
  writer_.fixed(out, status, all, body);
  sent_status_ = status;
  state_ = State::ended;
}

void Answer::error(std::string& out, const Error& error, bool charged, std::uint32_t retry_after_s,
                   std::vector<http::Header> more) {
  const http::RetryAdvice advice = http::retry_advice(error, charged, retry_after_s);
  const std::string seconds = fmt::format("{}", advice.retry_after_s);
  if (advice.retry_after_s != 0) more.push_back({"Retry-After", seconds});
  if (advice.forbid_retry) more.push_back({"x-should-retry", "false"});
  fixed(out, http::http_status(error.kind(), error.code()), kJson, http::error_body(error),
        std::move(more));
}

void Answer::on_head(const AnswerHead& head) {
  status_ = head.status;
  content_type_ = head.content_type.empty() ? kJson : head.content_type;
}

void Answer::begin(std::string& out) {
  std::vector<http::Header> all = headers();
  all.push_back({"Content-Type", content_type_});
  if (state_ == State::waiting) {
    all.push_back({"Cache-Control", "no-cache"});
    filter_.emplace(endpoint_, hide_usage_);
    state_ = State::streaming;
  } else {
    state_ = State::passing;
  }
  writer_.begin_stream(out, status_, all);
  sent_status_ = status_;
}

Status Answer::on_bytes(std::string& out, std::string_view bytes) {
  if (bytes.empty() || state_ == State::ended) return ok();
  if (state_ == State::waiting) {
    if (is_event_stream(content_type_)) {
      begin(out);
    } else {
      state_ = State::held;
    }
  }
  if (state_ == State::streaming) {
    visible_.clear();
    visible_.reserve(bytes.size());
    COCOON_CHECK(filter_->push(bytes, visible_));
    writer_.chunk(out, visible_);
  } else if (state_ == State::passing) {
    writer_.chunk(out, bytes);
  } else {
    held_ += bytes;
    if (held_.size() > limits::kMaxHeldAnswerBytes) {
      begin(out);
      writer_.chunk(out, held_);
      held_ = std::string();
    }
  }
  return ok();
}

bool Answer::on_done(std::string& out, const RequestOutcome& outcome) {
  if (state_ == State::ended) return true;
  if (!outcome.status) return fail(out, outcome);
  if (status_ < 200 || status_ > 599) {
    RequestOutcome broken = outcome;
    broken.status = Error(ErrorKind::upstream, "engine_answer_malformed",
                          fmt::format("The engine answered with status {}.", status_));
    return fail(out, broken);
  }
  if (state_ == State::waiting && is_event_stream(content_type_)) begin(out);
  if (state_ == State::waiting || state_ == State::held) {
    finish_held(out, outcome);
    return true;
  }
  if (filter_) {
    visible_.clear();
    filter_->finish(visible_);
    writer_.chunk(out, visible_);
  }
  writer_.end_stream(out);
  state_ = State::ended;
  return true;
}

/// Length, cost and worker are known: they go ahead of the body.
void Answer::finish_held(std::string& out, const RequestOutcome& outcome) {
  const std::string cost = fmt::format("{}", outcome.usage.cost_nano);
  std::vector<http::Header> more = {{"x-cocoon-cost-nano", cost}};
  if (!outcome.worker.empty()) more.push_back({"x-cocoon-worker", outcome.worker});
  if (status_ >= 400 && outcome.charged) more.push_back({"x-should-retry", "false"});
  fixed(out, status_, content_type_, held_, std::move(more));
  held_ = std::string();
}

bool Answer::fail(std::string& out, const RequestOutcome& outcome) {
  const Error& error = outcome.status.error();
  const State state = state_;
  state_ = State::ended;
  if (state == State::streaming) {
    writer_.chunk(out, http::error_event(error));
    writer_.end_stream(out);
    return true;
  }
  if (state == State::passing) return false;
  const std::string cost = fmt::format("{}", outcome.usage.cost_nano);
  std::vector<http::Header> more;
  if (outcome.charged) more.push_back({"x-cocoon-cost-nano", cost});
  if (!outcome.worker.empty()) more.push_back({"x-cocoon-worker", outcome.worker});
  this->error(out, error, outcome.charged, outcome.retry_after_s, std::move(more));
  return true;
}

}  // namespace cocoon::gateway
