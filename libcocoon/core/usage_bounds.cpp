#include "core/usage_bounds.h"

namespace cocoon::core {

bool neared_limit(const session::RequestHeader& header, const wire::UsageMark& mark) {
  const billing::UsageBounds bounds = usage_bounds(header, UINT64_MAX);
  const billing::TokenCounts counts = billing::clamp(counts_of(mark), bounds);
  const std::uint64_t output = counts.completion + counts.reasoning;
  return output >= bounds.output_tokens - output;
}

}  // namespace cocoon::core
