#include "crypto/compare.h"

#include <sodium.h>

namespace cocoon::crypto {

bool equal_secret(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && (a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace cocoon::crypto
