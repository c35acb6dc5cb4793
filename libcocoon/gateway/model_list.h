#pragma once
/// @file /v1/models: OpenAI's list, with what the network offers beside it. /v1/cocoon/market: what
/// models cost and earn.

#include <string>
#include <string_view>
#include <vector>

#include "cocoon/model_info.h"

namespace cocoon::gateway {

/// `{"object":"list","data":[…]}`.
std::string model_list_json(const std::vector<ModelInfo>& models);
/// `{"models":[…]}`, each with workers, prices, speeds and demand.
std::string market_json(const std::vector<ModelInfo>& models);
/// One model's object; empty where `models` has no such id.
std::string model_json(const std::vector<ModelInfo>& models, std::string_view id);

}  // namespace cocoon::gateway
