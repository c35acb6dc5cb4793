#include "crypto/system_random.h"

#include <sodium.h>

#include "crypto/openssl_context.h"

namespace cocoon::crypto {

Status initialise() {
  if (sodium_init() < 0) {
    return Error(ErrorKind::internal, "crypto_unavailable",
                 "libsodium could not start: the system's random generator does not answer.");
  }
  if (openssl_context() == nullptr) {
    return Error(ErrorKind::internal, "crypto_unavailable", "OpenSSL could not start.");
  }
  return ok();
}

void SystemRandom::fill(std::span<std::uint8_t> out) {
  if (!out.empty()) randombytes_buf(out.data(), out.size());
}

}  // namespace cocoon::crypto
