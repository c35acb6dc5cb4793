#pragma once
/// @file Token counts and the bounds that nobody can exceed by reporting more.

#include <cstdint>

#include "base/bytes.h"

namespace cocoon::billing {

/// Tokens by class. The classes are disjoint: `prompt` is without the cached part, `completion`
/// without the reasoning part. (OpenAI's usage object nests them; http/ takes them apart.)
struct TokenCounts {
  std::uint64_t prompt = 0;
  std::uint64_t cached = 0;
  std::uint64_t completion = 0;
  std::uint64_t reasoning = 0;
  friend bool operator==(const TokenCounts&, const TokenCounts&) = default;
};

/// Whether no class of `now` is below `before`: what a usage mark has to fulfil.
bool grows(const TokenCounts& before, const TokenCounts& now);

/// What a request may use at most.
struct UsageBounds {
  /// Prompt and cached tokens together: the reservation's prompt bound. It is a byte bound already
  /// (price.h, prompt_bound).
  std::uint64_t prompt_tokens = 0;
  /// Completion and reasoning tokens together: the reservation's.
  std::uint64_t output_tokens = 0;
  /// Plaintext bytes of the answer that were delivered, as both ends of the sealed stream count
  /// them. Bounds `completion`, because a token is at least one byte of text. Reasoning need not
  /// appear in the answer, so `reasoning` has no byte bound: an engine's reasoning count cannot be
  /// checked beyond the reservation.
  std::uint64_t output_bytes = UINT64_MAX;
};

/// `reported` cut to `bounds`. Where two classes share a bound that does not hold both, the class
/// that is cheaper under usual prices is kept: cached before prompt; completion before reasoning,
/// because only completion can be checked against bytes.
TokenCounts clamp(const TokenCounts& reported, const UsageBounds& bounds);

/// Bytes of text that one token is taken to stand for where an engine counts nothing. Usual
/// tokenizers make a token of 3 to 5 bytes of prose and fewer of code; 8 errs for the payer.
inline constexpr std::uint64_t kUncountedBytesPerToken = 8;

/// The count that is charged where an engine gives none, in the payer's favour: whole multiples of
/// kUncountedBytesPerToken, nothing cached, nothing reasoned.
TokenCounts count_from_bytes(std::uint64_t prompt_text_bytes, std::uint64_t answer_text_bytes);

}  // namespace cocoon::billing
