#pragma once
/// @file What models cost and how much of them there is, from a proxy's summaries.

#include <span>
#include <vector>

#include "billing/price.h"
#include "cocoon/model_info.h"
#include "wire/messages.h"

namespace cocoon::core {

/// In the order of `models`.
std::vector<ModelInfo> market_of(std::span<const wire::ModelSummary> models,
                                 const billing::Prices& prices);

}  // namespace cocoon::core
