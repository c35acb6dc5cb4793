#include "tls/context.h"

#include <openssl/err.h>
#if defined(__aarch64__)
#include <sys/auxv.h>
#ifndef HWCAP_AES
#define HWCAP_AES (1 << 3)
#endif
#endif

#include "base/limits.h"
#include "crypto/ed25519.h"
#include "crypto/openssl_context.h"
#include "tls/errors.h"
#include "tls/openssl_types.h"

namespace cocoon::tls {
namespace {

// RFC 7301, 3.1: each name after a byte with its length.
constexpr unsigned char kAlpnWire[] = {8, 'c', 'o', 'c', 'o', 'o', 'n', '/', '1'};
static_assert(sizeof kAlpnWire == 1 + kAlpn.size());

bool has_aes_hardware() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("aes") != 0;
#elif defined(__aarch64__)
  return (getauxval(AT_HWCAP) & HWCAP_AES) != 0;
#else
  return false;
#endif
}

// The signed part of a certificate: the first of the three in its outer sequence (RFC 5280, 4.1).
// Empty where the lengths do not fit.
ByteView signed_part(ByteView der) {
  const unsigned char* at = der.data();
  long length = 0;
  int tag = 0;
  int kind = 0;
  if ((ASN1_get_object(&at, &length, &tag, &kind, static_cast<long>(der.size())) & 0x80) != 0) {
    return {};
  }
  const unsigned char* const from = at;
  if ((ASN1_get_object(&at, &length, &tag, &kind, length) & 0x80) != 0) return {};
  return {from, at + length};
}

// What X509_verify() does, with libsodium: OpenSSL's Ed25519 takes twice as long, and this is a
// seventh of what a new connection costs.
bool is_signed_by_own_key(X509* certificate) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  ByteArray<32> raw;
  std::size_t raw_size = raw.size();
  if (EVP_PKEY_get_raw_public_key(key, raw.data(), &raw_size) != 1) return false;

  const ASN1_BIT_STRING* signature = nullptr;
  const X509_ALGOR* algorithm = nullptr;
  X509_get0_signature(&signature, &algorithm, certificate);
  // RFC 5280, 4.1.1.2: named outside and inside, and the same.
  if (OBJ_obj2nid(algorithm->algorithm) != NID_ED25519 ||
      X509_ALGOR_cmp(algorithm, X509_get0_tbs_sigalg(certificate)) != 0) {
    return false;
  }
  unsigned char* der = nullptr;  // its signed part is as it came, not as OpenSSL would write it
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return false;
  const ByteView text = signed_part({der, static_cast<std::size_t>(size)});
  const bool good =
      !text.empty() && crypto::verify(raw, text,
                                      {ASN1_STRING_get0_data(signature),
                                       static_cast<std::size_t>(ASN1_STRING_length(signature))});
  OPENSSL_free(der);
  return good;
}

// Replaces OpenSSL's path building, which would look for an issuer to trust. Any single
// certificate that its own Ed25519 key has signed is well formed; whether its holder may come in is
// decided from its evidence, off this thread. (Pausing the handshake with SSL_set_retry_verify is
// no way to wait for that: on a server it lets the handshake succeed.)
int accept_self_signed(X509_STORE_CTX* store, void*) {
  X509* leaf = X509_STORE_CTX_get0_cert(store);
  const STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store);
  int error = X509_V_OK;
  if (leaf == nullptr || sk_X509_num(sent) != 1) {
    error = X509_V_ERR_CERT_CHAIN_TOO_LONG;
  } else if (EVP_PKEY* key = X509_get0_pubkey(leaf);
             key == nullptr || EVP_PKEY_is_a(key, "ED25519") != 1) {
    error = X509_V_ERR_APPLICATION_VERIFICATION;
  } else if (!is_signed_by_own_key(leaf)) {
    error = X509_V_ERR_CERT_SIGNATURE_FAILURE;
  }
  X509_STORE_CTX_set_error(store, error);
  return error == X509_V_OK ? 1 : 0;
}

// OpenSSL asks select_alpn() only where a client offers protocols at all.
int require_alpn(SSL* ssl, int* alert, void*) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data,
                                &size) == 1) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  ERR_raise(ERR_LIB_SSL, SSL_R_NO_APPLICATION_PROTOCOL);
  *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
  return SSL_CLIENT_HELLO_ERROR;
}

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kAlpnWire, sizeof kAlpnWire, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// Sets every option that matters, also those whose default is right: SSL_CTX_new applies the
// `system_default` section of an openssl.cnf that the host process may have loaded.
bool configure(SSL_CTX* ctx, Side side) {
  SSL_CTX_clear_options(ctx, SSL_CTX_get_options(ctx));
  SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                               SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
  // A self-signed certificate has no chain to be looked for at every handshake.
  SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);  // Endpoint feeds one record per call
  // No resumption: SSL_OP_NO_TICKET alone only makes TLS 1.3 tickets stateful.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  const char* const suites =
      has_aes_hardware()
          ? "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
          : "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";
  const bool done =
      SSL_CTX_set_num_tickets(ctx, 0) == 1 && SSL_CTX_set_max_early_data(ctx, 0) == 1 &&
      SSL_CTX_set_recv_max_early_data(ctx, 0) == 1 &&
      SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_ciphersuites(ctx, suites) == 1 && SSL_CTX_set1_groups_list(ctx, "X25519") == 1 &&
      SSL_CTX_set1_sigalgs_list(ctx, "ed25519") == 1 &&
      SSL_CTX_set1_client_sigalgs_list(ctx, "ed25519") == 1 &&
      SSL_CTX_set_block_padding(ctx, 0) == 1;
  SSL_CTX_set_security_level(ctx, 2);  // 112 bits or more; what the lists above have is 128
  SSL_CTX_set_max_cert_list(ctx, static_cast<long>(limits::kMaxCertificateChainBytes));
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(ctx, accept_self_signed, nullptr);
  if (side == Side::server) {
    SSL_CTX_set_client_hello_cb(ctx, require_alpn, nullptr);
    SSL_CTX_set_alpn_select_cb(ctx, select_alpn, nullptr);
    return done;
  }
  return done && SSL_CTX_set_alpn_protos(ctx, kAlpnWire, sizeof kAlpnWire) == 0;
}

}  // namespace

Result<Context> Context::create(Side side, const crypto::SigningKey& key, ByteView certificate) {
  // Before libssl loads the default openssl.cnf, as it otherwise would on its first use.
  crypto::openssl_context();
  const SSL_METHOD* method = side == Side::server ? TLS_server_method() : TLS_client_method();
  std::shared_ptr<SSL_CTX> ctx(SSL_CTX_new_ex(crypto::openssl_context(), nullptr, method),
                               [](SSL_CTX* p) { SSL_CTX_free(p); });
  if (!ctx || !configure(ctx.get(), side)) return openssl_failed("set up TLS");

  COCOON_TRY(crypto::EvpKey evp, key.to_evp());
  if (SSL_CTX_use_certificate_ASN1(ctx.get(), static_cast<int>(certificate.size()),
                                   certificate.data()) != 1 ||
      SSL_CTX_use_PrivateKey(ctx.get(), evp.get()) != 1 ||
      SSL_CTX_check_private_key(ctx.get()) != 1) {
    ERR_clear_error();
    return Error(ErrorKind::invalid_argument, "bad_certificate",
                 "the TLS certificate does not parse or is not for the given key.");
  }
  return Context(side, std::move(ctx));
}

}  // namespace cocoon::tls
