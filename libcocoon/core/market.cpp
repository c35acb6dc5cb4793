#include "core/market.h"

namespace cocoon::core {
namespace {

constexpr billing::TokenCounts kPromptToken{1, 0, 0, 0};
constexpr billing::TokenCounts kCompletionToken{0, 0, 1, 0};

std::uint64_t price_of(const billing::TokenCounts& one, std::uint32_t coefficient_e3,
                       const billing::Prices& prices) {
  const auto cost = billing::cost(one, coefficient_e3, prices);
  return cost ? cost->value : kMaxNano.value;
}

ModelInfo info_of(const wire::ModelSummary& model, const billing::Prices& prices) {
  ModelInfo info;
  info.id = std::string(model.id);
  info.workers = model.workers;
  info.capacity = model.capacity;
  info.free_slots = model.free_slots;
  info.prompt_price_nano = price_of(kPromptToken, model.lowest_coefficient_e3, prices);
  info.completion_price_nano = price_of(kCompletionToken, model.lowest_coefficient_e3, prices);
  info.highest_prompt_price_nano = price_of(kPromptToken, model.highest_coefficient_e3, prices);
  info.highest_completion_price_nano =
      price_of(kCompletionToken, model.highest_coefficient_e3, prices);
  info.queued = model.queued;
  info.first_token_ms = model.service.first_token_ms;
  info.tokens_per_second = model.service.tokens_per_second;
  info.asked_per_minute = model.asked_per_minute;
  info.refused_per_minute = model.refused_per_minute;
  return info;
}

}  // namespace

std::vector<ModelInfo> market_of(std::span<const wire::ModelSummary> models,
                                 const billing::Prices& prices) {
  std::vector<ModelInfo> market;
  market.reserve(models.size());
  for (const wire::ModelSummary& model : models) market.push_back(info_of(model, prices));
  return market;
}

}  // namespace cocoon::core
