#pragma once
/// @file /v1/models: OpenAI's list, with what the network offers beside it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cocoon::gateway {

/// What the network offers for one model now (cocoon::ModelInfo).
struct ListedModel {
  std::string id;
  std::uint32_t workers = 0;
  std::uint32_t capacity = 0;
  std::uint32_t free_slots = 0;
  std::uint64_t prompt_price_nano = 0;      ///< per token, at the cheapest live worker
  std::uint64_t completion_price_nano = 0;  ///< per token, at the cheapest live worker
};

/// `{"object":"list","data":[…]}`.
std::string model_list_json(const std::vector<ListedModel>& models);
/// One model's object; empty where `models` has no such id.
std::string model_json(const std::vector<ListedModel>& models, std::string_view id);

}  // namespace cocoon::gateway
