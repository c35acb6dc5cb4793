#pragma once
/// @file A TOML document as a tree whose every value knows where it stands.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cocoon/result.h"

namespace cocoon::config {

/// A place in a file, counted from 1 as editors do; columns are code points.
struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

/// One TOML value, with its key where it stands in a table.
struct Value {
  enum class Type : std::uint8_t { text, integer, number, boolean, date, list, table };

  Type type = Type::table;
  Position at;
  std::string key;              ///< empty in a list and at the root
  Position key_at;              ///< where the key stands; `at` where there is none
  std::string text;             ///< Type::text
  std::int64_t integer = 0;     ///< Type::integer
  bool boolean = false;         ///< Type::boolean
  std::vector<Value> children;  ///< Type::list and Type::table
};

/// Parses TOML 1.0. The root is a table.
/// @param file the name to report errors with
/// Errors: invalid_argument/config_syntax, with `file:line:column`.
Result<Value> parse_document(std::string_view text, std::string_view file);

}  // namespace cocoon::config
