#pragma once
/// @file OpenSSL's failures in our words.

#include <string_view>

#include "cocoon/result.h"

namespace cocoon::tls {

/// internal/openssl_failed: OpenSSL could not do `what`, something that fails for want of memory
/// only. Empties the thread's OpenSSL error queue.
Error openssl_failed(std::string_view what);

/// The failure of a handshake or a record, from the thread's OpenSSL error queue, which it empties.
/// @param verify_error OpenSSL's X509_V_ code for the peer's certificate.
Error tls_failure(long verify_error);

}  // namespace cocoon::tls
