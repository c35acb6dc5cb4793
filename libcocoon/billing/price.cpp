#include "billing/price.h"

#include <algorithm>
#include <string>

namespace cocoon::billing {
namespace {

__extension__ using Uint128 = unsigned __int128;

/// What a weighted count (tokens × multiplier) is divided by after coefficient and price.
constexpr std::uint64_t kDenominator = std::uint64_t{kE4} * kE3;

/// Tokens that share one default limit (economics.md "Price").
constexpr std::uint32_t kDefaultMaxTokens = 4096;

std::uint64_t saturating_mul(std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  return __builtin_mul_overflow(a, b, &out) ? UINT64_MAX : out;
}

std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  return __builtin_add_overflow(a, b, &out) ? UINT64_MAX : out;
}

Result<Nano> price_of(Uint128 weighted, std::uint32_t coefficient_e3, const Prices& prices) {
  Uint128 product = 0;
  const bool overflow =
      __builtin_mul_overflow(weighted, Uint128{coefficient_e3}, &product) ||
      __builtin_mul_overflow(product, Uint128{prices.per_token.value}, &product) ||
      __builtin_add_overflow(product, Uint128{kDenominator - 1}, &product);
  const Uint128 rounded_up = product / kDenominator;
  if (overflow || rounded_up > UINT64_MAX) {
    return Error(ErrorKind::too_large, "cost_overflow",
                 "these token counts cost more than 2^64 nanoton at this price");
  }
  return Nano{static_cast<std::uint64_t>(rounded_up)};
}

/// A request's bounds, each at the dearest class that it may fall into.
Uint128 dearest_weight(std::uint64_t prompt_bound_tokens, std::uint64_t output_bound_tokens,
                       const Prices& prices) {
  const std::uint32_t dearest_prompt =
      std::max(prices.multiplier(TokenClass::prompt), prices.multiplier(TokenClass::cached));
  const std::uint32_t dearest_output =
      std::max(prices.multiplier(TokenClass::completion), prices.multiplier(TokenClass::reasoning));
  return Uint128{prompt_bound_tokens} * dearest_prompt +
         Uint128{output_bound_tokens} * dearest_output;
}

}  // namespace

Result<Nano> cost(const TokenCounts& counts, std::uint32_t coefficient_e3, const Prices& prices) {
  // Four products of 96 bits: their sum fits.
  const Uint128 weighted = Uint128{counts.prompt} * prices.multiplier(TokenClass::prompt) +
                           Uint128{counts.cached} * prices.multiplier(TokenClass::cached) +
                           Uint128{counts.completion} * prices.multiplier(TokenClass::completion) +
                           Uint128{counts.reasoning} * prices.multiplier(TokenClass::reasoning);
  return price_of(weighted, coefficient_e3, prices);
}

Nano worker_share(Nano cost, std::uint32_t share_e4) {
  return Nano{static_cast<std::uint64_t>(Uint128{cost.value} * std::min(share_e4, kE4) / kE4)};
}

Result<Nano> reservation(std::uint64_t prompt_bound_tokens, std::uint64_t output_bound_tokens,
                         std::uint32_t coefficient_e3, const Prices& prices) {
  const Uint128 weighted = dearest_weight(prompt_bound_tokens, output_bound_tokens, prices);
  return price_of(weighted, coefficient_e3, prices);
}

std::uint32_t affordable_coefficient(std::uint64_t prompt_bound_tokens,
                                     std::uint64_t output_bound_tokens, Nano cap,
                                     const Prices& prices) {
  Uint128 of_one = 0;
  if (__builtin_mul_overflow(dearest_weight(prompt_bound_tokens, output_bound_tokens, prices),
                             Uint128{prices.per_token.value}, &of_one)) {
    return 0;
  }
  if (of_one == 0) return UINT32_MAX;
  // 64 bits and 24: it fits. What is rounded up is above the cap where it was before.
  const Uint128 most = Uint128{cap.value} * kDenominator / of_one;
  return static_cast<std::uint32_t>(std::min<Uint128>(most, UINT32_MAX));
}

std::uint64_t prompt_bound(const PromptSize& size, const ModelEntry& model) {
  const std::uint64_t of_text = saturating_sum(
      size.body_bytes, saturating_mul(model.template_allowance_tokens, size.prompts));
  return saturating_sum(of_text, saturating_mul(kMediaPartTokens, size.media_parts));
}

std::uint64_t output_bound(std::uint64_t asked, std::uint64_t answers, const ModelEntry& model) {
  const std::uint64_t each = asked == 0 ? default_max_tokens(model) : asked;
  return saturating_mul(each, answers);
}

std::uint32_t default_max_tokens(const ModelEntry& model) {
  return std::min(kDefaultMaxTokens, model.max_output_tokens);
}

Status within_cap(Nano reserved, Nano cap) {
  if (reserved <= cap) return ok();
  return Error(ErrorKind::payment, "cap_too_low",
               "the request may cost up to " + std::to_string(reserved.value) +
                   " nanoton, but its cost cap is " + std::to_string(cap.value) +
                   ": raise the cap (max_request_cost), or ask for less: a lower output limit "
                   "(max_tokens), or a shorter prompt or input");
}

}  // namespace cocoon::billing
