#include "crypto/secret.h"

#include <sodium.h>

namespace cocoon::crypto {

void wipe(std::span<std::uint8_t> bytes) noexcept {
  sodium_memzero(bytes.data(), bytes.size());
}

}  // namespace cocoon::crypto
