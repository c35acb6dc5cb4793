// modules: codec
// covers: libcocoon/codec/json.cpp libcocoon/codec/json_tokens.cpp libcocoon/codec/json_writer.cpp
/// @file What parses keeps its bytes: every value lies within its parent and parses alone, every
/// string survives the writer, the whole can be built again, and RapidJSON's DOM judges the text
/// alike.

#include "base/bytes.h"
#include "codec/json.h"
#include "fuzz/require.h"
#include "support/rapidjson.h"

namespace {

using cocoon::fuzz::require;
using cocoon::json::Document;
using cocoon::json::Kind;
using cocoon::json::Member;
using cocoon::json::Value;

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

/// Builds the same value again, without its spaces and escapes.
void rebuild(Value value, cocoon::json::Writer& out) {
  switch (value.kind()) {
    case Kind::null: out.null(); break;
    case Kind::boolean: out.boolean(*value.as_bool()); break;
    case Kind::string: out.string(*value.as_string()); break;
    case Kind::array:
      out.begin_array();
      for (const Value element : value.elements()) rebuild(element, out);
      out.end_array();
      break;
    case Kind::object:
      out.begin_object();
      for (const Member& member : value.members()) rebuild(member.value, out.key(member.key));
      out.end_object();
      break;
    default:
      if (value.as_u64()) {
        out.u64(*value.as_u64());
      } else if (value.as_i64()) {
        out.i64(*value.as_i64());
      } else {
        out.raw(value.raw());
      }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = cocoon::as_text({data, size});
  auto document = Document::parse(text);
  const std::string written = cocoon::json::escape(text);
  require(Document::parse(written).has_value());
  rapidjson::Document judge;
  // Not Parse(): that leaves out any of the bytes of a byte order mark in front.
  rapidjson::MemoryStream stream(text.data(), size);
  judge.ParseStream<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(stream);
  if (!document) {
    // We are stricter in these ways only. (RapidJSON ends a text at a NUL byte.)
    const std::string_view code = document.error().code();
    require(judge.HasParseError() || code != "json_invalid" ||
            text.find('\0') != std::string_view::npos);
    return 0;
  }
  require(!judge.HasParseError() || judge.GetParseError() == rapidjson::kParseErrorNumberTooBig);
  check(document->root(), 0, text.size());
  cocoon::json::Writer first;
  rebuild(document->root(), first);
  const std::string rebuilt = first.take();
  const auto again = Document::parse(rebuilt);
  require(again.has_value());
  cocoon::json::Writer second;
  rebuild(again->root(), second);
  require(second.text() == rebuilt);
  return 0;
}
