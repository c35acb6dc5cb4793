#include "core/usage_counter.h"

#include <algorithm>

#include "base/limits.h"

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
  if (facts->usage) usage_ = facts->usage;
  failed_ = failed_ || facts->is_error;
  ended_ = ended_ || facts->is_last_event;
}

void UsageCounter::take_event(std::string_view data) {
  if (http::is_done(data)) {
    ended_ = true;
  } else {
    take(inspector_.inspect(data));
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
  if (events_broken_) return;
  events_.push(as_text(bytes));
  while (true) {
    auto event = events_.next();
    if (!event) {
      events_broken_ = true;
      return;
    }
    if (!*event) return;
    if ((*event)->has_data) take_event((*event)->data);
  }
}

void UsageCounter::finish() {
  if (!streams_) {
    if (!whole_is_cut_) take(http::inspect_answer(endpoint_, whole_));
    whole_ = {};
    return;
  }
  if (events_broken_) return;
  if (auto event = events_.finish(); event && event->has_data) take_event(event->data);
}

billing::TokenCounts UsageCounter::running() const {
  billing::TokenCounts counts = billing::count_from_bytes(prompt_text_bytes_, 0);
  // A delta is at least one token; how many of them were reasoning is known at the end only.
  counts.completion = deltas_;
  return counts;
}

billing::TokenCounts UsageCounter::final() const {
  if (!usage_) return billing::count_from_bytes(prompt_text_bytes_, text_bytes_);
  return {usage_->prompt, usage_->cached, usage_->completion, usage_->reasoning};
}

}  // namespace cocoon::core
