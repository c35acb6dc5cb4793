#include "tls/certificate.h"

#include <openssl/err.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "base/limits.h"
#include "crypto/hash.h"
#include "crypto/openssl_context.h"
#include "tls/errors.h"
#include "tls/openssl_types.h"

namespace cocoon::tls {
namespace {

// X.520 ub-common-name.
constexpr std::size_t kMaxCommonNameBytes = 64;

Error bad_fields(std::string detail) {
  ERR_clear_error();
  return {ErrorKind::invalid_argument, "bad_certificate_fields", std::move(detail)};
}

Error bad_certificate(std::string detail) {
  ERR_clear_error();
  return {ErrorKind::protocol, "bad_certificate", std::move(detail)};
}

Error too_large(std::size_t size) {
  return {ErrorKind::too_large, "certificate_too_large",
          "the certificate has " + std::to_string(size) + " bytes; at most " +
              std::to_string(limits::kMaxCertificateChainBytes) + " are allowed."};
}

Status set_serial(X509* certificate, const crypto::SigningKey& key, std::uint64_t not_before) {
  const Bytes start = ByteWriter().u64be(not_before).take();
  Hash hash = crypto::sha256({key.public_key(), start});
  hash[0] = static_cast<std::uint8_t>((hash[0] & 0x7f) | 0x40);  // positive, of constant length
  // RFC 5280, 4.1.2.2 allows 20 bytes.
  if (ASN1_STRING_set(X509_get_serialNumber(certificate), hash.data(), 16) != 1) {
    return openssl_failed("set a serial number");
  }
  return ok();
}

Status set_name(X509* certificate, const std::string& common_name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  if (common_name.empty() || common_name.size() > kMaxCommonNameBytes ||
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common_name.data()),
                                 static_cast<int>(common_name.size()), -1, 0) != 1) {
    return bad_fields("the common name \"" + common_name +
                      "\" is not 1 to 64 bytes of valid UTF-8.");
  }
  if (X509_set_issuer_name(certificate, subject) != 1) return openssl_failed("name an issuer");
  return ok();
}

Status set_validity(X509* certificate, UnixTime not_before, UnixTime not_after) {
  if (not_before >= not_after) return bad_fields("the certificate would end before it begins.");
  const auto from = static_cast<time_t>(to_unix_seconds(not_before));
  const auto to = static_cast<time_t>(to_unix_seconds(not_after));
  if (ASN1_TIME_set(X509_getm_notBefore(certificate), from) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), to) == nullptr) {
    return bad_fields("the validity of the certificate lies outside the years 1950 to 9999.");
  }
  return ok();
}

Status add_extension(X509* certificate, const Extension& extension) {
  Owned<ASN1_OBJECT> oid(OBJ_txt2obj(extension.oid.c_str(), 1));
  if (!oid) return bad_fields("\"" + extension.oid + "\" is not a dotted object identifier.");
  if (extension.value.size() > limits::kMaxCertificateChainBytes) {
    return too_large(extension.value.size());
  }
  Owned<ASN1_OCTET_STRING> value(ASN1_OCTET_STRING_new());
  if (!value || ASN1_OCTET_STRING_set(value.get(), extension.value.data(),
                                      static_cast<int>(extension.value.size())) != 1) {
    return openssl_failed("copy an extension");
  }
  Owned<X509_EXTENSION> made(
      X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), extension.critical ? 1 : 0, value.get()));
  if (!made || X509_add_ext(certificate, made.get(), -1) != 1) {
    return openssl_failed("add an extension");
  }
  return ok();
}

Result<Bytes> to_der(X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return openssl_failed("encode a certificate");
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* to = der.data();
  i2d_X509(certificate, &to);
  return der;
}

Result<UnixTime> to_time(const ASN1_TIME* time) {
  std::tm tm{};
  if (ASN1_TIME_to_tm(time, &tm) != 1) {
    return bad_certificate("the certificate's validity is not a valid time.");
  }
  using namespace std::chrono;
  const sys_days day = year(tm.tm_year + 1900) / (tm.tm_mon + 1) / tm.tm_mday;
  return UnixTime(day.time_since_epoch() + hours(tm.tm_hour) + minutes(tm.tm_min) +
                  seconds(tm.tm_sec));
}

Status read_key(X509* certificate, Certificate& out) {
  X509_PUBKEY* key = X509_get_X509_PUBKEY(certificate);
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(key, &der);
  if (size <= 0) return bad_certificate("the certificate's public key does not parse.");
  out.spki.assign(der, der + size);
  OPENSSL_free(der);

  EVP_PKEY* decoded = X509_get0_pubkey(certificate);
  ByteArray<32> raw;
  std::size_t raw_size = raw.size();
  if (decoded != nullptr && EVP_PKEY_is_a(decoded, "ED25519") == 1 &&
      EVP_PKEY_get_raw_public_key(decoded, raw.data(), &raw_size) == 1 && raw_size == raw.size()) {
    out.ed25519_key = raw;
  }
  ERR_clear_error();  // a key type that OpenSSL does not know is no failure
  return ok();
}

Status read_extensions(X509* certificate, Certificate& out) {
  const int count = X509_get_ext_count(certificate);
  if (count > limits::kMaxCertificateExtensions) {
    return bad_certificate("the certificate has " + std::to_string(count) +
                           " extensions; at most " +
                           std::to_string(limits::kMaxCertificateExtensions) + " are allowed.");
  }
  for (int i = 0; i < count; ++i) {
    X509_EXTENSION* from = X509_get_ext(certificate, i);
    char oid[128];
    const int size = OBJ_obj2txt(oid, sizeof oid, X509_EXTENSION_get_object(from), 1);
    if (size <= 0 || static_cast<std::size_t>(size) >= sizeof oid) {
      return bad_certificate(
          "an extension of the certificate has an object identifier of more "
          "than 127 characters.");
    }
    const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(from);
    const unsigned char* data = ASN1_STRING_get0_data(value);
    out.extensions.push_back({.oid = oid,
                              .critical = X509_EXTENSION_get_critical(from) == 1,
                              .value = Bytes(data, data + ASN1_STRING_length(value))});
  }
  return ok();
}

}  // namespace

Result<Bytes> make_certificate(const crypto::SigningKey& key, const CertificateFields& fields) {
  Owned<X509> certificate(X509_new_ex(crypto::openssl_context(), nullptr));
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1) {
    return openssl_failed("start a certificate");
  }
  COCOON_CHECK(set_validity(certificate.get(), fields.not_before, fields.not_after));
  COCOON_CHECK(set_serial(certificate.get(), key, to_unix_seconds(fields.not_before)));
  COCOON_CHECK(set_name(certificate.get(), fields.common_name));
  for (const Extension& extension : fields.extensions) {
    COCOON_CHECK(add_extension(certificate.get(), extension));
  }
  COCOON_TRY(crypto::EvpKey evp, key.to_evp());
  if (X509_set_pubkey(certificate.get(), evp.get()) != 1 ||
      X509_sign(certificate.get(), evp.get(), nullptr) == 0) {
    return openssl_failed("sign a certificate");
  }
  COCOON_TRY(Bytes der, to_der(certificate.get()));
  if (der.size() > limits::kMaxCertificateChainBytes) return too_large(der.size());
  return der;
}

Result<Certificate> parse_certificate(ByteView der) {
  if (der.size() > limits::kMaxCertificateChainBytes) return too_large(der.size());
  X509* parsed = X509_new_ex(crypto::openssl_context(), nullptr);
  if (parsed == nullptr) return openssl_failed("start a certificate");
  const unsigned char* at = der.data();
  // d2i fills the object in place, so that it keeps its library context, and leaves it to us.
  X509* filled = d2i_X509(&parsed, &at, static_cast<long>(der.size()));
  const Owned<X509> certificate(parsed);
  if (filled == nullptr) {
    return bad_certificate("the certificate is not a DER X.509 certificate.");
  }
  if (at != der.data() + der.size()) {
    return bad_certificate(
        "bytes follow the certificate; expected one DER certificate and "
        "nothing else.");
  }
  Certificate out;
  COCOON_TRY(out.not_before, to_time(X509_get0_notBefore(certificate.get())));
  COCOON_TRY(out.not_after, to_time(X509_get0_notAfter(certificate.get())));
  COCOON_CHECK(read_key(certificate.get(), out));
  COCOON_CHECK(read_extensions(certificate.get(), out));
  return out;
}

Hash certificate_fingerprint(ByteView der) {
  return crypto::sha256(der);
}

}  // namespace cocoon::tls
