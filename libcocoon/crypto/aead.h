#pragma once
/// @file ChaCha20-Poly1305 (RFC 8439) in one shot, by libsodium.

#include "base/bytes.h"
#include "cocoon/result.h"
#include "crypto/secret.h"

namespace cocoon::crypto {

using AeadNonce = ByteArray<12>;
/// What sealing adds to the length.
inline constexpr std::size_t kAeadTagBytes = 16;

/// Ciphertext and tag of `plaintext`. The caller never uses the same nonce twice under one key.
Bytes aead_seal(const Secret<32>& key, const AeadNonce& nonce, ByteView aad, ByteView plaintext);

/// The plaintext, if `ciphertext` is whole and was sealed under the same key, nonce and `aad`.
/// Errors: protocol/decrypt_failed.
Result<SecretBytes> aead_open(const Secret<32>& key, const AeadNonce& nonce, ByteView aad,
                              ByteView ciphertext);

}  // namespace cocoon::crypto
