#include "billing/usage.h"

#include <algorithm>

namespace cocoon::billing {

bool grows(const TokenCounts& before, const TokenCounts& now) {
  return now.prompt >= before.prompt && now.cached >= before.cached &&
         now.completion >= before.completion && now.reasoning >= before.reasoning;
}

TokenCounts clamp(const TokenCounts& reported, const UsageBounds& bounds) {
  TokenCounts out;
  out.cached = std::min(reported.cached, bounds.prompt_tokens);
  out.prompt = std::min(reported.prompt, bounds.prompt_tokens - out.cached);
  out.completion = std::min({reported.completion, bounds.output_tokens, bounds.output_bytes});
  out.reasoning = std::min(reported.reasoning, bounds.output_tokens - out.completion);
  return out;
}

TokenCounts count_from_bytes(std::uint64_t prompt_text_bytes, std::uint64_t answer_text_bytes) {
  TokenCounts out;
  out.prompt = prompt_text_bytes / kUncountedBytesPerToken;
  out.completion = answer_text_bytes / kUncountedBytesPerToken;
  return out;
}

}  // namespace cocoon::billing
