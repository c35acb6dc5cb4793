#pragma once
/// @file What a request may use at most, and what a usage mark says, in billing's terms: the three
/// roles reckon alike.

#include <cstdint>

#include "billing/usage.h"
#include "session/sealed_header.h"
#include "wire/messages.h"

namespace cocoon::core {

/// The bounds of a request whose answer has `output_bytes` of plaintext so far. (A proxy, which
/// sees none, gives the sealed bytes: a looser bound.)
/// @param terms a session::RequestHeader, or the RequestPlan that it is made of: bounds of one
/// choice, and how many choices there are
template <class Terms>
billing::UsageBounds usage_bounds(const Terms& terms, std::uint64_t output_bytes) {
  const std::uint64_t choices = terms.choices;
  return {terms.prompt_bound_tokens * choices, terms.max_output_tokens * choices, output_bytes};
}

inline billing::TokenCounts counts_of(const wire::UsageMark& mark) {
  return {mark.prompt, mark.cached, mark.completion, mark.reasoning};
}

/// Whether an answer was near its request's limit by the last mark that its worker sent. What went
/// past the limit is in no mark, so a worker that says so is believed where half of it had come.
bool neared_limit(const session::RequestHeader& header, const wire::UsageMark& mark);

}  // namespace cocoon::core
