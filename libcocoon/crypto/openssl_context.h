#pragma once
/// @file The OpenSSL library context that all of libcocoon shares.

#include <openssl/types.h>

namespace cocoon::crypto {

/// A context of our own with OpenSSL's built-in provider and no configuration: whatever a host, an
/// openssl.cnf or the environment has done to the process's default context (another provider,
/// `fips=yes`, disabled algorithms) does not reach it. Lives until the process ends; any thread.
///
/// The first call also tells OpenSSL to load no configuration for the default context, on which
/// other users in this process may rely: a host that wants its openssl.cnf starts OpenSSL first.
OSSL_LIB_CTX* openssl_context() noexcept;

}  // namespace cocoon::crypto
