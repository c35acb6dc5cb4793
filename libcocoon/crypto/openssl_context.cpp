#include "crypto/openssl_context.h"

#include <openssl/crypto.h>

namespace cocoon::crypto {

OSSL_LIB_CTX* openssl_context() noexcept {
  // Never freed: OpenSSL's own exit handler may run before the last user of the context.
  static OSSL_LIB_CTX* const context = [] {
    // Whoever comes first decides for the process. If that is us, no configuration file is read.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
    return OSSL_LIB_CTX_new();
  }();
  return context;
}

}  // namespace cocoon::crypto
