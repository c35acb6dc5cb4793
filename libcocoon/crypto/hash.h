#pragma once
/// @file SHA-2, HMAC-SHA-256 and HKDF-SHA-256.

#include <initializer_list>

#include "base/bytes.h"
#include "crypto/secret.h"

// OpenSSL's EVP_MD_CTX, kept out of this header.
struct evp_md_ctx_st;

namespace cocoon::crypto {

/// SHA-256 (FIPS 180-4).
Hash sha256(ByteView data);
/// SHA-256 of the concatenation of `parts`. Nothing separates them: parts of variable length need
/// their lengths among them.
Hash sha256(std::initializer_list<ByteView> parts);

/// SHA-256 in pieces. One object serves any number of digests, one after another; reusing it saves
/// an allocation each.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&& other) noexcept;
  Sha256& operator=(Sha256&& other) noexcept;
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(ByteView data);
  /// The digest of everything since construction or the last finish(); then starts afresh.
  Hash finish();

 private:
  evp_md_ctx_st* context_;
};

ByteArray<48> sha384(ByteView data);
ByteArray<64> sha512(ByteView data);

/// HMAC-SHA-256 (RFC 2104) of the concatenation of `parts`. Compare with equal_secret().
Hash hmac_sha256(ByteView key, std::initializer_list<ByteView> parts);
Hash hmac_sha256(ByteView key, ByteView data);

/// HKDF-Extract (RFC 5869, 2.2). An empty salt stands for 32 zeros, as there. The input key
/// material is the concatenation of `ikm`.
Secret<32> hkdf_extract(ByteView salt, std::initializer_list<ByteView> ikm);

/// Longest output of HKDF-Expand with SHA-256: 255 blocks (RFC 5869, 2.3).
inline constexpr std::size_t kMaxHkdfBytes = 255 * 32;

/// HKDF-Expand (RFC 5869, 2.3): fills `out` under `prk` and the concatenation of `info`.
/// @return false, and `out` zeroed, where `out` is longer than kMaxHkdfBytes.
[[nodiscard]] bool hkdf_expand(ByteView prk, std::initializer_list<ByteView> info,
                               std::span<std::uint8_t> out);

/// HKDF-Expand to one 32-byte key.
Secret<32> hkdf_expand_key(ByteView prk, std::initializer_list<ByteView> info);

/// HKDF: extract `secret` under `salt`, then expand to one 32-byte key bound to `info`.
Secret<32> hkdf_key(ByteView secret, ByteView salt, std::initializer_list<ByteView> info);

}  // namespace cocoon::crypto
