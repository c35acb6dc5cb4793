#include "crypto/siphash.h"

#include <sodium.h>

namespace cocoon::crypto {

std::uint64_t siphash24(const ByteArray<16>& key, ByteView message) {
  static_assert(crypto_shorthash_siphash24_KEYBYTES == 16);
  ByteArray<crypto_shorthash_siphash24_BYTES> out;
  crypto_shorthash_siphash24(out.data(), message.data(), message.size(), key.data());
  return ByteReader(out).u64be();
}

}  // namespace cocoon::crypto
