#pragma once
/// @file One header field of an HTTP message.

#include <optional>
#include <span>
#include <string_view>

namespace cocoon::http {

struct Header {
  std::string_view name;
  std::string_view value;
};

/// Equality of ASCII text but for the case of letters, whatever the locale.
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// The value of the first header of that name, in any case; nothing where there is none.
std::optional<std::string_view> find_header(std::span<const Header> headers, std::string_view name);

}  // namespace cocoon::http
