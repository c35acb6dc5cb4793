#include "core/usage_counter.h"

#include <algorithm>

namespace cocoon::core {

UsageCounter::UsageCounter(session::Endpoint endpoint, bool streams,
                           std::uint64_t prompt_text_bytes)
    : endpoint_(static_cast<Endpoint>(endpoint)),
      streams_(streams),
      prompt_text_bytes_(prompt_text_bytes),
      inspector_(endpoint_) {}

void UsageCounter::take(const Result<http::AnswerFacts>& facts) {
  if (!facts) {
    failed_ = failed_ || !streams_;
    return;
  }
  text_bytes_ += facts->text_bytes;
  deltas_ += facts->deltas;
  if (facts->usage) {
    usage_ = facts->usage;
    reported_prompt_ = std::max(reported_prompt_, usage_->prompt);
    reported_output_ = std::max(reported_output_, usage_->completion + usage_->reasoning);
  }
  refused_ = refused_ || (facts->refuses && !failed_);
  failed_ = failed_ || facts->is_error;
  ended_ = ended_ || facts->is_last_event;
}

void UsageCounter::take_event(const http::SseEvent& event) {
  if (event.skipped) {
    // It may have been the last: that of a Responses stream has no bound.
    ended_ = ended_ || endpoint_ == Endpoint::responses;
  } else if (http::is_done(event.data)) {
    ended_ = true;
  } else if (event.has_data) {
    take(inspector_.inspect(event.data));
  }
}

void UsageCounter::add(ByteView bytes) {
  if (!streams_) {
    if (whole_.size() + bytes.size() <= limits::kHighestMaxRequestBytes) {
      whole_.append(as_text(bytes));
    } else {
      whole_is_cut_ = true;
    }
    return;
  }
  events_.push(as_text(bytes));
  while (true) {
    const auto event = events_.next();
    if (!event || !*event) return;
    take_event(**event);
  }
}

void UsageCounter::finish() {
  if (!streams_) {
    if (!whole_is_cut_) take(http::inspect_answer(endpoint_, whole_));
    whole_ = {};
    return;
  }
  if (const auto event = events_.finish()) take_event(*event);
}

billing::TokenCounts UsageCounter::running() const {
  billing::TokenCounts counts = billing::count_from_bytes(prompt_text_bytes_, text_bytes_);
  // A delta is at least one token; how many of them were reasoning is known at the end only.
  counts.completion = std::max({counts.completion, deltas_, reported_output_});
  counts.prompt = std::max(counts.prompt, reported_prompt_);
  return counts;
}

billing::TokenCounts UsageCounter::final() const {
  if (!usage_) return billing::count_from_bytes(prompt_text_bytes_, text_bytes_);
  return {usage_->prompt, usage_->cached, usage_->completion, usage_->reasoning};
}

}  // namespace cocoon::core
