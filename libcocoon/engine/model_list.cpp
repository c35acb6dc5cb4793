#include "engine/model_list.h"

#include <algorithm>

#include "base/limits.h"
#include "codec/json.h"

namespace cocoon::engine {
namespace {

/// What a request can name. The ids are shown in logs, where a line break could forge an entry.
bool is_model_id(std::string_view id) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return !id.empty() && id.size() <= limits::kMaxModelIdBytes &&
         std::none_of(id.begin(), id.end(), control);
}

}  // namespace

Result<std::vector<std::string>> parse_model_list(std::string_view body) {
  const Error not_a_list(ErrorKind::upstream, "not_a_model_list",
                         "the answer is no OpenAI list of models");
  auto document = json::Document::parse(body);
  if (!document) return not_a_list;
  const json::Value data = document->root().find("data");
  if (!data.is(json::Kind::array)) return not_a_list;
  std::vector<std::string> out;
  for (const json::Value model : data.elements()) {
    const auto id = model.find("id").as_string();
    if (!id || !is_model_id(*id)) return not_a_list;
    if (out.size() < limits::kMaxClaimedModels) out.emplace_back(*id);
  }
  return out;
}

}  // namespace cocoon::engine
