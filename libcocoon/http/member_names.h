#pragma once
/// @file Names of JSON members that some engines take for others.

#include <optional>
#include <span>
#include <string_view>

#include "codec/json.h"

namespace cocoon::http {

/// The first member of `object` whose name is one of `names` for an engine that does not look at
/// the case of letters, as Go's encoding/json does not, but is not written like it. Such an engine
/// reads it, and of two the last one; whoever looks for the exact name does not.
std::optional<std::string_view> misspelt_member(json::Value object,
                                                std::span<const std::string_view> names);

}  // namespace cocoon::http
