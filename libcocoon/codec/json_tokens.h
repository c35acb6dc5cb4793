#pragma once
/// @file The characters of JSON numbers and strings (RFC 8259 sections 6 and 7).

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cocoon::json {

/// Length of the number that `text` begins with; 0 where it begins with none.
std::size_t number_length(std::string_view text);

/// How many bytes at the front of `text` stand for themselves within a string and are ASCII.
std::size_t plain_length(std::string_view text);

/// A character that was escaped, and how long the escape is; length 0 where it is malformed.
struct Escape {
  std::uint32_t character = 0;
  std::size_t length = 0;
  bool lone_surrogate = false;  ///< well formed, but half of a character
};

/// The escape that `text` begins with. @pre it begins with a backslash
Escape read_escape(std::string_view text);

/// Appends what the inside of a string stands for. @pre its escapes are well formed
void append_unescaped(std::string& out, std::string_view inside);

}  // namespace cocoon::json
