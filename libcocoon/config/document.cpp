#include "config/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace {

/// toml++ is in a state that it does not expect.
struct TomlGaveUp {};
[[noreturn]] void give_up() {
  throw TomlGaveUp();
}

}  // namespace

// The heavy header stays in this one file, compiled in: Debian's prebuilt library throws. Text can
// break toml++ 3.3's assertions ("[`" does): that is an error of the text, not the end of the
// process, and not undefined behaviour, which NDEBUG makes of it.
#undef NDEBUG
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : give_up())
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace cocoon::config {

namespace {

Position position_of(const toml::source_region& source) {
  return {source.begin.line, source.begin.column};
}

Value convert(const toml::node& node);

/// toml++ sorts keys; people read files from the top.
std::vector<Value> convert_entries(const toml::table& table) {
  std::vector<Value> entries;
  for (const auto& [key, node] : table) {
    Value value = convert(node);
    value.key = key.str();
    value.key_at = position_of(key.source());
    entries.push_back(std::move(value));
  }
  std::sort(entries.begin(), entries.end(), [](const Value& a, const Value& b) {
    return std::tie(a.key_at.line, a.key_at.column) < std::tie(b.key_at.line, b.key_at.column);
  });
  return entries;
}

/// Depth is bounded by toml++ (TOML_MAX_NESTED_VALUES, 256).
Value convert(const toml::node& node) {
  Value out;
  out.at = position_of(node.source());
  out.key_at = out.at;
  if (const auto* text = node.as_string()) {
    out.type = Value::Type::text;
    out.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.type = Value::Type::integer;
    out.integer = integer->get();
  } else if (const auto* boolean = node.as_boolean()) {
    out.type = Value::Type::boolean;
    out.boolean = boolean->get();
  } else if (node.is_floating_point()) {
    out.type = Value::Type::number;
  } else if (const auto* list = node.as_array()) {
    out.type = Value::Type::list;
    for (const toml::node& item : *list) out.children.push_back(convert(item));
  } else if (const auto* table = node.as_table()) {
    out.type = Value::Type::table;
    out.children = convert_entries(*table);
  } else {
    out.type = Value::Type::date;
  }
  return out;
}

/// Where toml++ gives up. Headers of tables are what it is known to give up at, and they are lines.
Position place_of_giving_up(std::string_view text) {
  for (Position at; !text.empty(); ++at.line) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    try {
      (void)toml::parse(line);
    } catch (const TomlGaveUp&) {
      return at;
    }
  }
  return {};
}

Error not_toml(std::string_view file, Position at, std::string_view why) {
  return Error(ErrorKind::invalid_argument, "config_syntax",
               fmt::format("{}:{}:{}: not valid TOML: {}", file, at.line, at.column, why));
}

}  // namespace

Result<Value> parse_document(std::string_view text, std::string_view file) try {
  toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return not_toml(file, position_of(error.source()), error.description());
  }
  Value root = convert(parsed.table());
  root.at = root.key_at = {1, 1};
  return root;
} catch (const TomlGaveUp&) {
  return not_toml(file, place_of_giving_up(text), "expected a table's name in the brackets");
}

}  // namespace cocoon::config
