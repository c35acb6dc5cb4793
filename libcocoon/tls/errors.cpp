#include "tls/errors.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>

#include <string>

#include "tls/context.h"

namespace cocoon::tls {
namespace {

// The oldest error of libssl in the queue: later ones are its consequences, and those of libcrypto
// say less about what the peer did.
int first_ssl_reason() {
  int reason = 0;
  for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error()) {
    if (reason == 0 && ERR_GET_LIB(code) == ERR_LIB_SSL) reason = ERR_GET_REASON(code);
  }
  return reason;
}

Error refused(std::string_view code, std::string detail) {
  return {ErrorKind::protocol, code, std::move(detail)};
}

Error bad_peer_certificate(long verify_error) {
  if (verify_error == X509_V_ERR_CERT_CHAIN_TOO_LONG) {
    return refused("tls_bad_certificate",
                   "the peer sent a chain of certificates; expected exactly one, self-signed.");
  }
  if (verify_error == X509_V_ERR_CERT_SIGNATURE_FAILURE) {
    return refused("tls_bad_certificate",
                   "the peer's certificate is not signed by its own key; expected it self-signed.");
  }
  return refused("tls_bad_certificate",
                 "the peer's certificate does not parse or has no Ed25519 key; expected one "
                 "self-signed Ed25519 X.509 certificate.");
}

// What the peer's alert tells about us (RFC 8446, 6.2).
Error alert_received(int alert) {
  const std::string name = SSL_alert_desc_string_long(alert);
  switch (alert) {
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return refused("tls_alpn", "the peer refused our application protocol \"" +
                                     std::string(kAlpn) +
                                     "\"; it is another kind of server, or "
                                     "speaks another version.");
    case SSL_AD_PROTOCOL_VERSION: return refused("tls_version", "the peer does not speak TLS 1.3.");
    case SSL_AD_CERTIFICATE_REQUIRED:
      return refused("tls_no_certificate", "the peer says that we sent no certificate.");
    default:
      return refused("tls_alert", "the peer ended the TLS connection with the alert \"" + name +
                                      "\" (" + std::to_string(alert) + ").");
  }
}

}  // namespace

Error openssl_failed(std::string_view what) {
  ERR_clear_error();
  return {ErrorKind::internal, "openssl_failed",
          "OpenSSL could not " + std::string(what) + "; the process is probably out of memory."};
}

Error tls_failure(long verify_error) {
  const int reason = first_ssl_reason();
  if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
    return alert_received(reason - SSL_AD_REASON_OFFSET);
  }
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return refused("tls_not_tls", "the peer does not speak TLS; expected a TLS 1.3 handshake.");
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_VERSION_TOO_LOW:
      return refused("tls_version", "the peer speaks an old TLS version; expected TLS 1.3.");
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return refused("tls_no_certificate",
                     "the peer sent no certificate; expected one self-signed Ed25519 certificate.");
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case ERR_R_ASN1_LIB:
    case SSL_R_UNKNOWN_CERTIFICATE_TYPE:
    case SSL_R_WRONG_SIGNATURE_TYPE: return bad_peer_certificate(verify_error);
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
      return refused("tls_certificate_too_large",
                     "the peer's certificate exceeds the limit on certificate messages; larger "
                     "evidence travels by digest.");
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_BAD_EXTENSION:  // what a server's answer with a protocol that we did not offer is
      return refused("tls_alpn", "the peer does not offer the application protocol \"" +
                                     std::string(kAlpn) + "\".");
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
      return refused("tls_no_common_algorithm",
                     "the peer shares no cipher suite, group or signature algorithm with us; "
                     "expected X25519, Ed25519, and AES-GCM or ChaCha20-Poly1305.");
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
      return refused("tls_bad_record",
                     "a TLS record did not authenticate: it was altered or lost.");
    default: {
      const char* text = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));
      return refused("tls_failed", std::string("the peer broke the TLS protocol: ") +
                                       (text != nullptr ? text : "unknown reason") + ".");
    }
  }
}

}  // namespace cocoon::tls
