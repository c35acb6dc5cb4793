#pragma once
/// @file Short names of the endpoints.

#include "cocoon/client.h"

namespace cocoon::http::test {

inline constexpr Endpoint kChat = Endpoint::chat_completions;
inline constexpr Endpoint kText = Endpoint::completions;
inline constexpr Endpoint kEmbed = Endpoint::embeddings;
inline constexpr Endpoint kResponses = Endpoint::responses;

}  // namespace cocoon::http::test
