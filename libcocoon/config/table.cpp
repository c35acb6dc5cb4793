#include "config/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "base/money.h"
#include "config/units.h"

namespace cocoon::config {

namespace {

/// How much of a value a message shows.
constexpr std::size_t kShownCharacters = 40;
/// How many faults are shown: a file with more is of another kind, and nobody reads that many.
constexpr std::size_t kShownFaults = 100;

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string in_quotes(std::string_view text) {
  std::string shown(text.substr(0, kShownCharacters));
  std::replace_if(shown.begin(), shown.end(), is_control, '?');
  return fmt::format("\"{}{}\"", shown, text.size() > kShownCharacters ? "…" : "");
}

std::string describe(const Value& value) {
  switch (value.type) {
    case Value::Type::text: return in_quotes(value.text);
    case Value::Type::integer: return fmt::format("{}", value.integer);
    case Value::Type::number: return "a number with a fraction";
    case Value::Type::boolean: return value.boolean ? "true" : "false";
    case Value::Type::date: return "a date or time";
    case Value::Type::list: return "a list";
    case Value::Type::table: return "a table";
  }
  return "something else";
}

/// The known word that `word` was probably meant to be; empty where none is near.
std::string_view nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  if (word.size() > kShownCharacters) return best;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace

// --- Table: finding and complaining ---

const Value* Table::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  if (!present()) return nullptr;
  for (const Value& value : table_->children) {
    if (value.key == key) return &value;
  }
  return nullptr;
}

std::string Table::place() const {
  return name_.empty() ? "at the top of the file" : fmt::format("in [{}]", name_);
}

void Table::fault(std::string_view key, std::string_view code, std::string text) {
  const Value* value = find(key);
  Position at = value != nullptr ? value->key_at : Position{};
  if (value == nullptr && present()) at = table_->key_at;
  reader_.faults_.push_back({at, code, std::move(text)});
}

void Table::unexpected(const Value& value, std::string_view key, std::string_view code,
                       std::string_view expected) {
  reader_.faults_.push_back(
      {value.at, code,
       fmt::format("\"{}\" {}: expected {}, found {}", key, place(), expected, describe(value))});
}

void Table::unexpected_choice(const Value& value, std::string_view key,
                              const std::vector<std::string_view>& names) {
  const bool is_text = value.type == Value::Type::text;
  unexpected(
      value, key, is_text ? "config_value" : "config_type",
      fmt::format("{}\"{}\"", names.size() > 1 ? "one of " : "", fmt::join(names, "\", \"")));
}

bool Table::is_text(const Value& value, std::string_view key, std::string_view expected) {
  if (value.type == Value::Type::text) return true;
  unexpected(value, key, "config_type", expected);
  return false;
}

bool Table::is_printable_text(const Value& value, std::string_view key) {
  constexpr std::string_view kExpected = "text that is not empty and has no control character";
  if (!is_text(value, key, kExpected)) return false;
  if (!value.text.empty() && std::none_of(value.text.begin(), value.text.end(), is_control)) {
    return true;
  }
  unexpected(value, key, "config_value", kExpected);
  return false;
}

const std::vector<Value>* Table::list(std::string_view key) {
  const Value* value = find(key);
  if (value == nullptr) return nullptr;
  if (value->type != Value::Type::list) {
    // The value is not shown: it may be a secret that lacks its brackets.
    reader_.faults_.push_back(
        {value->at, "config_type",
         fmt::format("\"{}\" {}: expected a list in brackets", key, place())});
    return nullptr;
  }
  return &value->children;
}

void Table::require(std::string_view key, std::string_view meaning) {
  if (!present() || find(key) != nullptr) return;
  fault(key, "config_missing_key", fmt::format("\"{}\" is missing {}: {}", key, place(), meaning));
}

Table& Table::table(std::string_view key) {
  const Value* value = find(key);
  if (value != nullptr && value->type != Value::Type::table) {
    unexpected(*value, key, "config_type", fmt::format("a table, begun with [{}]", key));
    value = nullptr;
  }
  const std::string name = name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key);
  return reader_.tables_.emplace_back(reader_, value, name);
}

void Table::report_unknown_keys() {
  if (!present()) return;
  for (const Value& value : table_->children) {
    if (std::find(known_.begin(), known_.end(), value.key) != known_.end()) continue;
    const std::string_view meant = nearest(value.key, known_);
    reader_.faults_.push_back(
        {value.key_at, "config_unknown_key",
         fmt::format("unknown key {} {}; {}", in_quotes(value.key), place(),
                     meant.empty() ? fmt::format("there are: {}", fmt::join(known_, ", "))
                                   : fmt::format("did you mean \"{}\"?", meant))});
  }
}

// --- Table: values ---

void Table::text(std::string_view key, std::string& out) {
  const Value* value = find(key);
  if (value != nullptr && is_printable_text(*value, key)) out = value->text;
}

void Table::texts(std::string_view key, std::vector<std::string>& out) {
  const std::vector<Value>* items = list(key);
  if (items == nullptr) return;
  out.clear();
  for (const Value& item : *items) {
    if (is_printable_text(item, key)) out.push_back(item.text);
  }
}

void Table::secrets(std::string_view key, std::vector<std::string>& out) {
  const std::vector<Value>* items = list(key);
  if (items == nullptr) return;
  out.clear();
  for (const Value& item : *items) {
    if (item.type == Value::Type::text && !item.text.empty() &&
        std::none_of(item.text.begin(), item.text.end(), is_control)) {
      out.push_back(item.text);
    } else {
      reader_.faults_.push_back({item.at, "config_value",
                                 fmt::format("\"{}\" {}: expected text that is not empty and has "
                                             "no control character",
                                             key, place())});
    }
  }
}

void Table::boolean(std::string_view key, bool& out) {
  const Value* value = find(key);
  if (value == nullptr) return;
  if (value->type != Value::Type::boolean) {
    return unexpected(*value, key, "config_type", "true or false");
  }
  out = value->boolean;
}

void Table::path(std::string_view key, std::string& out) {
  const Value* value = find(key);
  if (value != nullptr && is_printable_text(*value, key)) out = resolved(value->text);
}

void Table::paths(std::string_view key, std::vector<std::string>& out) {
  if (list(key) == nullptr) return;
  texts(key, out);
  for (std::string& path : out) path = resolved(path);
}

std::string Table::resolved(const std::string& path) const {
  const auto folder = std::filesystem::path(reader_.file_).parent_path();
  return (folder / path).lexically_normal().string();
}

void Table::address(std::string_view key, std::string& out, std::uint32_t lowest_port) {
  constexpr std::string_view kExpected = "\"host:port\", such as \"127.0.0.1:7443\"";
  const Value* value = find(key);
  if (value == nullptr || !is_text(*value, key, kExpected)) return;
  if (!is_address(value->text, lowest_port)) {
    return unexpected(*value, key, "config_value", kExpected);
  }
  out = value->text;
}

void Table::listen_address(std::string_view key, std::string& out) {
  const Value* value = find(key);
  address(key, out, 0);
  if (value == nullptr || out != value->text || is_local_host(host_of(out))) return;
  unexpected(*value, key, "config_value",
             "a numeric address of this machine, or \"localhost\", and a port");
}

void Table::addresses(std::string_view key, std::vector<std::string>& out) {
  parsed_list<std::string>(
      key, out, "\"host:port\", such as \"proxy.example:7443\"", [](std::string_view text) {
        return is_address(text, 1) ? std::optional<std::string>(text) : std::nullopt;
      });
}

void Table::http_url(std::string_view key, std::string& out) {
  constexpr std::string_view kExpected =
      "a URL such as \"http://127.0.0.1:8000\", without a slash at the end";
  const Value* value = find(key);
  if (value == nullptr || !is_text(*value, key, kExpected)) return;
  if (!is_http_url(value->text)) return unexpected(*value, key, "config_value", kExpected);
  out = value->text;
}

void Table::duration(std::string_view key, Millis& out, Range<Millis> range) {
  const Value* value = find(key);
  if (value == nullptr) return;
  const std::string expected =
      fmt::format("a duration such as \"30s\" or \"5m\", from {} to {}",
                  format_duration(range.lowest), format_duration(range.highest));
  if (!is_text(*value, key, expected)) return;
  const auto parsed = parse_duration(value->text);
  if (!parsed) return unexpected(*value, key, "config_value", expected);
  if (*parsed < range.lowest || *parsed > range.highest) {
    return unexpected(*value, key, "config_range", expected);
  }
  out = *parsed;
}

void Table::size(std::string_view key, std::size_t& out, Range<std::size_t> range) {
  const Value* value = find(key);
  if (value == nullptr) return;
  const std::string expected = fmt::format("a size such as \"8MiB\", from {} to {}",
                                           format_size(range.lowest), format_size(range.highest));
  if (!is_text(*value, key, expected)) return;
  const auto parsed = parse_size(value->text);
  if (!parsed) return unexpected(*value, key, "config_value", expected);
  if (*parsed < range.lowest || *parsed > range.highest) {
    return unexpected(*value, key, "config_range", expected);
  }
  out = *parsed;
}

void Table::amount(std::string_view key, std::uint64_t& out_nano) {
  constexpr std::string_view kExpected =
      "an amount greater than zero, such as \"0.5 TON\" or 500000000 (nanotons)";
  const Value* value = find(key);
  if (value == nullptr) return;
  if (value->type == Value::Type::integer) {
    if (value->integer <= 0) return unexpected(*value, key, "config_range", kExpected);
    out_nano = static_cast<std::uint64_t>(value->integer);
    return;
  }
  if (!is_text(*value, key, kExpected)) return;
  const auto parsed = parse_amount(value->text);
  if (!parsed) return unexpected(*value, key, "config_value", kExpected);
  if (parsed->value == 0) return unexpected(*value, key, "config_range", kExpected);
  out_nano = parsed->value;
}

std::optional<std::uint64_t> Table::whole_number(std::string_view key, Range<std::uint64_t> range) {
  const Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  const std::string expected =
      fmt::format("a whole number from {} to {}", range.lowest, range.highest);
  if (value->type != Value::Type::integer) {
    unexpected(*value, key, "config_type", expected);
    return std::nullopt;
  }
  if (value->integer < 0 || static_cast<std::uint64_t>(value->integer) < range.lowest ||
      static_cast<std::uint64_t>(value->integer) > range.highest) {
    unexpected(*value, key, "config_range", expected);
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(value->integer);
}

// --- Reader ---

Reader::Reader(std::string file, const Value& root) : file_(std::move(file)) {
  tables_.emplace_back(*this, &root, "");
}

Status Reader::finish() {
  for (Table& table : tables_) table.report_unknown_keys();
  if (faults_.empty()) return ok();
  std::stable_sort(faults_.begin(), faults_.end(), [](const Fault& a, const Fault& b) {
    return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
  });
  std::string detail;
  for (std::size_t i = 0; i < std::min(faults_.size(), kShownFaults); ++i) {
    const Fault& fault = faults_[i];
    detail += fmt::format("{}{}:{}:{}: {}", i == 0 ? "" : "\n", file_, fault.at.line,
                          fault.at.column, fault.text);
  }
  if (faults_.size() > kShownFaults) {
    detail += fmt::format("\n{}: and {} more faults", file_, faults_.size() - kShownFaults);
  }
  return Error(ErrorKind::invalid_argument, faults_.front().code, std::move(detail));
}

}  // namespace cocoon::config
