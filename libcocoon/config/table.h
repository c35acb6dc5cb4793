#pragma once
/// @file Strict reading of a configuration file: what is not asked for is an error, and every error
/// says where it stands, what was expected and what was found.

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "cocoon/result.h"
#include "config/document.h"

namespace cocoon::config {

class Reader;

/// The bounds of a quantity, both included.
template <class T>
struct Range {
  T lowest;
  T highest;
};

/// One table of the file. Each reading method leaves `out` as it is where the key is absent, and
/// notes a fault with the Reader where the value is not as expected; the key counts as known then.
class Table {
 public:
  Table(Reader& reader, const Value* table, std::string name)
      : reader_(reader), table_(table), name_(std::move(name)) {}

  /// False where the file has no such table: everything then keeps its default.
  bool present() const { return table_ != nullptr; }
  /// True where the table has the key.
  bool has(std::string_view key) { return find(key) != nullptr; }

  /// Notes a fault for each of the keys that is absent from a present table.
  /// @param meaning what the key is, for the fault: "the directory of keys and state"
  void require(std::string_view key, std::string_view meaning);
  /// The table under `key`, absent where the file has none.
  Table& table(std::string_view key);

  /// Printable text, not empty.
  void text(std::string_view key, std::string& out);
  void texts(std::string_view key, std::vector<std::string>& out);
  /// As texts(), but faults never show a value.
  void secrets(std::string_view key, std::vector<std::string>& out);
  /// A file name. A relative one starts at the folder of the configuration file.
  void path(std::string_view key, std::string& out);
  void paths(std::string_view key, std::vector<std::string>& out);
  /// "host:port", with a port of at least `lowest_port` (0: any free one).
  void address(std::string_view key, std::string& out, std::uint32_t lowest_port);
  /// Where to listen: an address of this machine, as a name has to be looked up first.
  void listen_address(std::string_view key, std::string& out);
  void addresses(std::string_view key, std::vector<std::string>& out);
  void http_url(std::string_view key, std::string& out);
  void duration(std::string_view key, Millis& out, Range<Millis> range);
  /// A size such as "8MiB", in bytes.
  void size(std::string_view key, std::size_t& out, Range<std::size_t> range);
  /// An amount such as "0.5 TON", or an integer of nanotons; greater than zero.
  void amount(std::string_view key, std::uint64_t& out_nano);

  template <class T>
  void integer(std::string_view key, T& out, Range<std::uint64_t> range) {
    const auto value = whole_number(key, range);
    if (value) out = static_cast<T>(*value);
  }

  void boolean(std::string_view key, bool& out);

  /// One of a closed list of names.
  template <class E>
  void choice(std::string_view key, E& out,
              std::initializer_list<std::pair<std::string_view, E>> names) {
    const Value* value = find(key);
    if (value == nullptr) return;
    if (const E* chosen = match(*value, key, names)) out = *chosen;
  }

  /// A list of such names, none twice.
  /// @return true where the file has it, without a fault
  template <class E>
  bool choices(std::string_view key, std::vector<E>& out,
               std::initializer_list<std::pair<std::string_view, E>> names) {
    const std::vector<Value>* items = list(key);
    if (items == nullptr) return false;
    out.clear();
    for (const Value& item : *items) {
      if (const E* chosen = match(item, key, names)) out.push_back(*chosen);
    }
    return out.size() == items->size();
  }

  /// A text that `parse` turns into a value.
  /// @param expected what it is, for faults: "an address such as …"
  template <class T>
  void parsed(std::string_view key, T& out, std::string_view expected,
              std::optional<T> (*parse)(std::string_view)) {
    const Value* value = find(key);
    if (value == nullptr || !is_text(*value, key, expected)) return;
    if (auto read = parse(value->text)) {
      out = std::move(*read);
    } else {
      unexpected(*value, key, "config_value", expected);
    }
  }

  /// A list of texts that `parse` turns into values.
  /// @param expected what an item is, for faults: "64 hexadecimal digits"
  /// @return true where the file has it, without a fault
  template <class T>
  bool parsed_list(std::string_view key, std::vector<T>& out, std::string_view expected,
                   std::optional<T> (*parse)(std::string_view)) {
    const std::vector<Value>* items = list(key);
    if (items == nullptr) return false;
    out.clear();
    for (const Value& item : *items) {
      if (!is_text(item, key, expected)) continue;
      if (auto value = parse(item.text)) {
        out.push_back(std::move(*value));
      } else {
        unexpected(item, key, "config_value", expected);
      }
    }
    return out.size() == items->size();
  }

  /// Notes a fault at `key` (or at the table, where the key is absent).
  void fault(std::string_view key, std::string_view code, std::string text);

 private:
  friend class Reader;

  const Value* find(std::string_view key);
  const std::vector<Value>* list(std::string_view key);
  std::optional<std::uint64_t> whole_number(std::string_view key, Range<std::uint64_t> range);
  bool is_text(const Value& value, std::string_view key, std::string_view expected);
  bool is_printable_text(const Value& value, std::string_view key);
  std::string resolved(const std::string& path) const;
  void unexpected(const Value& value, std::string_view key, std::string_view code,
                  std::string_view expected);
  void unexpected_choice(const Value& value, std::string_view key,
                         const std::vector<std::string_view>& names);
  void report_unknown_keys();
  std::string place() const;

  template <class E>
  const E* match(const Value& value, std::string_view key,
                 std::initializer_list<std::pair<std::string_view, E>> names) {
    std::vector<std::string_view> known;
    for (const auto& [name, choice] : names) {
      if (value.type == Value::Type::text && value.text == name) return &choice;
      known.push_back(name);
    }
    unexpected_choice(value, key, known);
    return nullptr;
  }

  Reader& reader_;
  const Value* table_;
  std::string name_;
  std::vector<std::string> known_;
};

/// Reads one document to its end, then reports.
class Reader {
 public:
  /// @param file the file's name, for faults and as the start of relative paths
  /// @param root a parsed document; must outlive the Reader
  Reader(std::string file, const Value& root);

  Table& root() { return tables_.front(); }
  /// Success where nothing was wrong and nothing is left over. Else the faults in the order of the
  /// file, one a line.
  /// Errors: invalid_argument with the code of the first fault: config_unknown_key,
  /// config_missing_key, config_type, config_range or config_value.
  Status finish();

 private:
  friend class Table;
  struct Fault {
    Position at;
    std::string_view code;
    std::string text;
  };

  std::string file_;
  std::deque<Table> tables_;  // a deque: Tables are handed out by reference
  std::vector<Fault> faults_;
};

}  // namespace cocoon::config
