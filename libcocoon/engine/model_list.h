#pragma once
/// @file Internal to engine/: which models an engine says it serves.

#include <string>
#include <string_view>
#include <vector>

#include "cocoon/result.h"

namespace cocoon::engine {

/// The ids of an answer to GET /v1/models, at most limits::kMaxClaimedModels of them, each of
/// 1 to limits::kMaxModelIdBytes bytes without control characters.
/// Errors: `upstream` ("not_a_model_list").
Result<std::vector<std::string>> parse_model_list(std::string_view body);

}  // namespace cocoon::engine
