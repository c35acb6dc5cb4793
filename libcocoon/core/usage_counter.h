#pragma once
/// @file Counts the tokens of an engine's answer: by the engine's own usage where it gives one,
/// else by the bytes of text, in the payer's favour.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/limits.h"
#include "billing/usage.h"
#include "http/openai.h"
#include "http/sse.h"
#include "session/sealed_header.h"

namespace cocoon::core {

class UsageCounter {
 public:
  UsageCounter() = default;
  /// @param prompt_text_bytes of the request body, for engines that count nothing
  UsageCounter(session::Endpoint endpoint, bool streams, std::uint64_t prompt_text_bytes);

  /// The next bytes of the engine's body. A part that is no JSON counts as nothing: what the caller
  /// gets is the engine's business, what it costs rests on this.
  void add(ByteView bytes);
  /// The body is complete.
  void finish();

  /// So far: what a usage mark says. Only grows until finish().
  billing::TokenCounts running() const;
  /// After finish().
  billing::TokenCounts final() const;
  /// An error in the place of an answer, or in the middle of one; after finish() also an answer
  /// that is no stream and no JSON object.
  bool failed() const { return failed_; }
  /// A stream that has brought no text has brought an error that is its request's own.
  bool refused() const { return refused_ && deltas_ == 0; }
  /// A stream has had the event that ends it, or may have had it. Without it the engine broke off.
  bool ended() const { return ended_; }
  /// An answer that is no stream is longer than is read: its usage stays unknown.
  bool whole_is_cut() const { return whole_is_cut_; }
  /// Output tokens so far, as far as is known.
  std::uint64_t output_tokens() const { return deltas_; }

 private:
  void take(const Result<http::AnswerFacts>& facts);
  void take_event(const http::SseEvent& event);

  Endpoint endpoint_ = Endpoint::chat_completions;
  bool streams_ = false;
  std::uint64_t prompt_text_bytes_ = 0;
  std::uint64_t text_bytes_ = 0;
  std::uint64_t deltas_ = 0;
  std::optional<http::TokenUsage> usage_;
  std::uint64_t reported_prompt_ = 0;  ///< the most that any usage said
  std::uint64_t reported_output_ = 0;
  /// It holds of an event what is held of a whole answer: the last one of a Responses stream
  /// repeats it.
  http::SseParser events_{limits::kHighestMaxRequestBytes, http::OversizedEvent::is_skipped};
  http::StreamInspector inspector_;
  bool failed_ = false;
  bool refused_ = false;
  bool ended_ = false;
  std::string whole_;          ///< an answer that is no stream
  bool whole_is_cut_ = false;  ///< it was longer than is kept
};

}  // namespace cocoon::core
