#pragma once
/// @file What a command found, in the order in which it is told: once described, printed for people
/// or as JSON.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"

namespace cocoon::app {

class Report;

/// One thing that is told; nothing at all where `value` is monostate.
struct Field {
  std::string name;
  std::variant<std::monostate, std::string, std::uint64_t, bool, std::vector<std::string>,
               std::vector<Report>>
      value;
  bool is_list = false;  ///< of a vector<Report>: a list of reports, not one
};

class Report {
 public:
  Report& text(std::string name, std::string value);
  Report& number(std::string name, std::uint64_t value);
  Report& flag(std::string name, bool value);
  Report& nothing(std::string name);
  Report& list(std::string name, std::vector<std::string> values);
  Report& hex(std::string name, ByteView bytes);
  /// "0x…", for bit masks.
  Report& mask(std::string name, std::uint64_t value);
  Report& section(std::string name, Report report);
  Report& sections(std::string name, std::vector<Report> reports);

  std::string to_json() const;
  /// One line per value, sections indented.
  std::string to_text() const;
  /// Prints one of both with a line's end.
  void print(bool json) const;

 private:
  Report& add(Field field);

  std::vector<Field> fields_;
};

}  // namespace cocoon::app
