#include "gateway/model_list.h"

#include "codec/json.h"

namespace cocoon::gateway {
namespace {

void write_model(json::Writer& w, const ModelInfo& model) {
  w.begin_object();
  w.key("id").string(model.id);
  w.key("object").string("model");
  // Nobody says when a model was made, but client libraries want an integer.
  w.key("created").u64(0);
  w.key("owned_by").string("cocoon");
  w.key("cocoon").begin_object();
  w.key("workers").u64(model.workers);
  w.key("capacity").u64(model.capacity);
  w.key("free_slots").u64(model.free_slots);
  w.key("prompt_price_nano").u64(model.prompt_price_nano);
  w.key("completion_price_nano").u64(model.completion_price_nano);
  w.end_object().end_object();
}

}  // namespace

std::string model_list_json(const std::vector<ModelInfo>& models) {
  json::Writer w;
  w.begin_object().key("object").string("list").key("data").begin_array();
  for (const ModelInfo& model : models) write_model(w, model);
  w.end_array().end_object();
  return w.take();
}

std::string market_json(const std::vector<ModelInfo>& models) {
  json::Writer w;
  w.begin_object().key("models").begin_array();
  for (const ModelInfo& model : models) {
    w.begin_object();
    w.key("id").string(model.id);
    w.key("workers").u64(model.workers);
    w.key("capacity").u64(model.capacity);
    w.key("free_slots").u64(model.free_slots);
    w.key("queued").u64(model.queued);
    w.key("asked_per_minute").u64(model.asked_per_minute);
    w.key("refused_per_minute").u64(model.refused_per_minute);
    w.key("first_token_ms").u64(model.first_token_ms);
    w.key("tokens_per_second").u64(model.tokens_per_second);
    w.key("lowest_prompt_price_nano").u64(model.prompt_price_nano);
    w.key("lowest_completion_price_nano").u64(model.completion_price_nano);
    w.key("highest_prompt_price_nano").u64(model.highest_prompt_price_nano);
    w.key("highest_completion_price_nano").u64(model.highest_completion_price_nano);
    w.end_object();
  }
  w.end_array().end_object();
  return w.take();
}

std::string model_json(const std::vector<ModelInfo>& models, std::string_view id) {
  for (const ModelInfo& model : models) {
    if (model.id != id) continue;
    json::Writer w;
    write_model(w, model);
    return w.take();
  }
  return {};
}

}  // namespace cocoon::gateway
