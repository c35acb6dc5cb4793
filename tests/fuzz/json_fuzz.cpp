// modules: codec
// covers: libcocoon/codec/json.cpp libcocoon/codec/json_writer.cpp libcocoon/codec/utf8.cpp
/// @file What parses keeps its bytes: every value lies within its parent and parses alone, every
/// string survives the writer, and RapidJSON's own DOM accepts the text too.

#ifdef __clang__  // see codec/json.cpp
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/document.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

#include <cstdlib>

#include "base/bytes.h"
#include "codec/json.h"

namespace {

using cocoon::json::Document;
using cocoon::json::Kind;
using cocoon::json::Member;
using cocoon::json::Value;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(Value value, std::size_t begin, std::size_t end) {
  require(value.offset() >= begin && value.end_offset() <= end && !value.raw().empty());
  std::size_t count = 0;
  for (const Value element : value.elements()) {
    check(element, value.offset() + 1, value.end_offset() - 1);
    ++count;
  }
  for (const Member& member : value.members()) {
    check(member.key_value, value.offset() + 1, member.value.offset() - 1);
    check(member.value, member.key_value.end_offset() + 1, value.end_offset() - 1);
    require(value.find(member.key).offset() == member.value.offset());
    ++count;
  }
  require(count == value.size());
  if (const auto text = value.as_string()) {
    const std::string written = cocoon::json::escape(*text);
    auto again = Document::parse(written);
    require(again && again->root().as_string() == text);
  }
  if (const auto number = value.as_u64()) require(std::to_string(*number) == value.raw());
  (void)value.as_i64();
  (void)value.as_double();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = cocoon::as_text({data, size});
  auto document = Document::parse(text);
  const std::string written = cocoon::json::escape(text);
  require(Document::parse(written).has_value());
  if (!document) return 0;
  check(document->root(), 0, text.size());
  rapidjson::Document judge;
  judge.Parse<rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
  require(!judge.HasParseError() || judge.GetParseError() == rapidjson::kParseErrorNumberTooBig);
  return 0;
}
