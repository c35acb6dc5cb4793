// modules: engine
// covers: libcocoon/engine/model_list.cpp
/// @file What an engine says of its models, as any text: no list is taken that is not one,
/// RapidJSON reads the same ids in it, every id can be shown in a log and asked for in a request,
/// and a list that is written from them reads alike.

#include <algorithm>

#include "base/bytes.h"
#include "base/limits.h"
#include "codec/json.h"
#include "engine/model_list.h"
#include "fuzz/require.h"
#include "support/rapidjson.h"

namespace {

using namespace cocoon;
using fuzz::require;

/// What a sealed request can name (session/sealed_header.h).
bool is_model_id(std::string_view id) {
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  return !id.empty() && id.size() <= limits::kMaxModelIdBytes &&
         std::none_of(id.begin(), id.end(), control);
}

/// The ids in a text, all of them, or nothing where it is no list.
std::optional<std::vector<std::string>> judged(const rapidjson::Document& document) {
  if (document.HasParseError() || !document.IsObject()) return std::nullopt;
  if (!document.HasMember("data") || !document["data"].IsArray()) return std::nullopt;
  std::vector<std::string> out;
  for (const auto& model : document["data"].GetArray()) {
    if (!model.IsObject() || !model.HasMember("id") || !model["id"].IsString()) return std::nullopt;
    out.emplace_back(model["id"].GetString(), model["id"].GetStringLength());
  }
  return out;
}

std::string written(const std::vector<std::string>& ids) {
  json::Writer w;
  w.begin_object().key("object").string("list").key("data").begin_array();
  for (const std::string& id : ids) w.begin_object().key("id").string(id).end_object();
  return w.end_array().end_object().take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(ByteView(data, size));
  const auto list = engine::parse_model_list(text);
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  // That one has no place for some numbers, whatever they are for.
  if (document.HasParseError() && document.GetParseError() == rapidjson::kParseErrorNumberTooBig)
    return 0;
  auto all = judged(document);
  const bool sound = all && std::all_of(all->begin(), all->end(), is_model_id);
  if (!list) {
    require(list.error().kind() == ErrorKind::upstream && !list.error().detail().empty());
    // The parser's own refusals apart, what is a list is taken for one.
    require(!sound || !json::Document::parse(text));
    return 0;
  }
  require(sound && list->size() <= limits::kMaxClaimedModels);
  all->resize(std::min(all->size(), limits::kMaxClaimedModels));
  require(*list == *all);
  std::string again = written(*list);
  require(engine::parse_model_list(again).value() == *list);
  again.pop_back();
  require(!engine::parse_model_list(again));
  return 0;
}
