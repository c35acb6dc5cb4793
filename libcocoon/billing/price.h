#pragma once
/// @file Cost, shares and reservations. Rounding is defined here and nowhere else: a cost is
/// rounded up once, a worker's share down once. Products are taken in 128 bits.

#include <cstdint>

#include "base/money.h"
#include "billing/registry.h"
#include "billing/usage.h"
#include "cocoon/result.h"

namespace cocoon::billing {

/// Σ tokens(class) × multiplier × coefficient × price, rounded up to whole nanotons.
/// @param coefficient_e3 what the worker asks, in 1/1,000 of the registry's price
/// Errors: too_large/cost_overflow, where the cost exceeds 64 bits.
Result<Nano> cost(const TokenCounts& counts, std::uint32_t coefficient_e3, const Prices& prices);

/// What the worker gets of `cost`, rounded down. Never more than `cost`.
/// @param share_e4 Prices::worker_share_e4; over kE4 counts as kE4
Nano worker_share(Nano cost, std::uint32_t share_e4);

/// The most that a request can cost: its bounds, each at the dearest class that it may fall into.
/// cost() of any counts within the bounds is at most this.
/// Errors: too_large/cost_overflow.
Result<Nano> reservation(std::uint64_t prompt_bound_tokens, std::uint64_t output_bound_tokens,
                         std::uint32_t coefficient_e3, const Prices& prices);

/// The highest coefficient at which reservation() fits under `cap`; 0: at none.
std::uint32_t affordable_coefficient(std::uint64_t prompt_bound_tokens,
                                     std::uint64_t output_bound_tokens, Nano cap,
                                     const Prices& prices);

/// What is allowed for each part of a prompt that is not text (an image, audio, a file): an engine
/// may count more tokens for one than it has bytes.
inline constexpr std::uint64_t kMediaPartTokens = 16'384;

/// What the prompt tokens of a request are bounded by.
struct PromptSize {
  std::uint64_t body_bytes = 0;  ///< all prompts together
  std::uint64_t prompts = 1;
  std::uint64_t media_parts = 0;  ///< in all prompts; not text
};

/// Upper bound of the prompt tokens of a request: a token of text is at least one byte of the body,
/// plus what the template adds to each prompt, plus kMediaPartTokens for each part that is not text
/// (economics.md "Price"). Saturates at the largest value.
std::uint64_t prompt_bound(const PromptSize& size, const ModelEntry& model);

/// Upper bound of the output tokens: per answer the limit asked for, or min(4096, the model's)
/// where none is; times `answers`. Saturates at the largest value.
/// @param asked the body's limit; 0 means none was given
std::uint64_t output_bound(std::uint64_t asked, std::uint64_t answers, const ModelEntry& model);

/// The limit that a client inserts where the body has none (economics.md "Price").
std::uint32_t default_max_tokens(const ModelEntry& model);

/// Whether `reserved` fits under the cap that the payer signed. The only comparison of the two.
/// Errors: payment/cap_too_low, which says what would be enough.
Status within_cap(Nano reserved, Nano cap);

}  // namespace cocoon::billing
