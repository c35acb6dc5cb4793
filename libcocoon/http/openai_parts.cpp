#include "http/openai_parts.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "http/header.h"
#include "http/member_names.h"

namespace cocoon::http {
namespace {

using json::Kind;
using json::Member;
using json::Value;

/// Types of parts that are text (chat and Responses, and the reasoning that callers send back).
constexpr std::string_view kTextTypes[] = {"text",           "input_text",  "output_text",
                                           "refusal",        "thinking",    "reasoning",
                                           "reasoning_text", "summary_text"};
/// Types of items of the Responses API that hold nothing but text, in their parts or beside them.
constexpr std::string_view kTextItems[] = {
    "message",   "function_call",    "function_call_output",
    "reasoning", "custom_tool_call", "custom_tool_call_output"};
/// Members of items in which parts are listed.
constexpr std::string_view kPartLists[] = {"content", "output", "summary"};
/// What is looked at by its name in an item. (In a part that is known to be text no other member is
/// anything but text, and in any other part all are looked at.)
constexpr std::string_view kItemNames[] = {"type", "content", "output", "summary"};
/// Words in the name of a member that holds media. A part that says it is text and has one is not
/// believed: engines look at the member.
constexpr std::string_view kMediaWords[] = {"url", "image", "audio", "video", "file", "media"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool names_media(std::string_view key) {
  return std::any_of(std::begin(kMediaWords), std::end(kMediaWords), [key](std::string_view word) {
    return std::search(key.begin(), key.end(), word.begin(), word.end(),
                       [](char x, char y) { return lower(x) == y; }) != key.end();
  });
}

template <std::size_t N>
bool is_one_of(const std::string_view (&names)[N], Value value) {
  const auto name = value.as_string();
  return name && std::find(std::begin(names), std::end(names), *name) != std::end(names);
}

/// The scheme that `text` begins with (RFC 3986 section 3.1), after what readers of URLs strip;
/// empty where there is none.
std::string_view scheme_of(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  std::size_t length = 0;
  while (length < text.size() &&
         (std::isalnum(static_cast<unsigned char>(text[length])) != 0 || text[length] == '+' ||
          text[length] == '-' || text[length] == '.')) {
    ++length;
  }
  const bool is_scheme = length < text.size() && text[length] == ':';
  return is_scheme ? text.substr(0, length) : std::string_view();
}

bool is_data_url(std::string_view text) {
  return equal_ignoring_case(scheme_of(text), "data");
}

bool is_url_key(std::string_view key) {
  return equal_ignoring_case(key.substr(key.size() < 3 ? 0 : key.size() - 3), "url");
}

bool is_id_key(std::string_view key) {
  return key == "file_id" || key == "id";
}

/// Every string of a part that is not text, however deep.
void inspect_media(std::string_view key, Value value, PartFacts& facts) {
  if (const auto text = value.as_string()) {
    const bool has_scheme = !scheme_of(*text).empty() && key != "filename";
    // An engine may take any text in a URL's place for a path of its own.
    if ((is_url_key(key) || has_scheme) && !is_data_url(*text)) facts.remote = true;
    if (is_id_key(key)) facts.refers_to_state = true;
  }
  for (const Value element : value.elements()) inspect_media(key, element, facts);
  for (const Member& member : value.members()) inspect_media(member.key, member.value, facts);
}

bool is_text_part(Value part) {
  if (part.is(Kind::string)) return true;
  const Value type = part.find("type");
  if (!part.is(Kind::object) || (type && !is_one_of(kTextTypes, type))) return false;
  for (const Member& member : part.members()) {
    if (names_media(member.key)) return false;
    // Without a type, only what needs none is known to be text.
    if (!type && member.key != "text") return false;
  }
  return true;
}

/// How many media a part or a message holds in the members that are named after them. They are the
/// same ones, said twice (a file and its name), or a list, such as the frames of a video.
std::uint64_t media_in(Value holder) {
  std::uint64_t media = 0;
  for (const Member& member : holder.members()) {
    if (names_media(member.key)) media = std::max(media, count_media(member.value));
  }
  return media;
}

void inspect_part(Value part, PartFacts& facts) {
  if (is_text_part(part)) return;
  facts.media += std::max<std::uint64_t>(media_in(part), 1);
  for (const Member& member : part.members()) {
    if (member.key != "id") inspect_media(member.key, member.value, facts);
  }
}

/// Media in an item itself: one that is a part (Responses), or a message with some beside its
/// content.
void inspect_item(Value item, PartFacts& facts) {
  const Value type = item.find("type");
  const bool is_text = !type || is_one_of(kTextItems, type) || is_one_of(kTextTypes, type);
  facts.media += std::max<std::uint64_t>(media_in(item), is_text ? 0 : 1);
  for (const Member& member : item.members()) {
    if (names_media(member.key)) inspect_media(member.key, member.value, facts);
  }
}

}  // namespace

std::uint64_t count_media(Value value) {
  if (!value || value.is(Kind::null)) return 0;
  return value.is(Kind::array) ? std::max<std::uint64_t>(value.size(), 1) : 1;
}

void inspect_parts(Value items, PartFacts& facts) {
  for (const Value item : items.elements()) {
    if (const auto name = misspelt_member(item, kItemNames)) facts.misspelt = *name;
    if (item.find("type").as_string() == "item_reference") facts.refers_to_state = true;
    for (const std::string_view list : kPartLists) {
      const Value parts = item.find(list);
      for (const Value part : parts.elements()) inspect_part(part, facts);
      if (parts.is(Kind::object)) inspect_part(parts, facts);
    }
    inspect_item(item, facts);
  }
}

}  // namespace cocoon::http
