#pragma once
/// @file The framing and key of a sealed body, shared by both its ends. Private to session/.

#include "base/ids.h"
#include "crypto/secret.h"

namespace cocoon::session {

/// The plaintext begins with the body's length: u32, big-endian.
inline constexpr std::size_t kLengthPrefixBytes = 4;

/// HKDF(content_key, info = H ‖ "request").
crypto::Secret<32> body_key(const crypto::Secret<32>& content_key, const RequestHash& hash);

}  // namespace cocoon::session
