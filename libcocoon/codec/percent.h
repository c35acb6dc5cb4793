#pragma once
/// @file Percent-encoding (RFC 3986 section 2.1).

#include <optional>
#include <string>
#include <string_view>

namespace cocoon {

/// `text` with %XX decoded. Nothing where a percent sign is not followed by two hex digits.
std::optional<std::string> percent_decode(std::string_view text);

}  // namespace cocoon
