#include "attest/certificate.h"

#include <fmt/format.h>

#include <algorithm>

#include "attest/asn1_time.h"
#include "attest/der.h"
#include "attest/openssl_handles.h"
#include "attest/pck.h"
#include "base/limits.h"
#include "crypto/hash.h"
#include "crypto/openssl_context.h"

namespace cocoon::attest {

namespace {

/// AlgorithmIdentifier of ecdsa-with-SHA256, which has no parameters (RFC 5758 section 3.2).
constexpr ByteArray<12> kEcdsaWithSha256{0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86,
                                         0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};

Error refuse(std::string_view code, std::string detail) {
  return Error(ErrorKind::attestation, code, std::move(detail));
}

Error bad_certificate(std::string_view what) {
  return refuse("certificate_invalid", fmt::format("A certificate is refused: {}.", what));
}

Error bad_list(std::string_view what) {
  return refuse("crl_format", fmt::format("A revocation list is refused: {}.", what));
}

Bytes name_der(const X509_NAME* name) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (name == nullptr || X509_NAME_get0_der(name, &data, &size) != 1) return {};
  return Bytes(data, data + size);
}

/// The only common name of `name`; nothing where there is none or several.
std::optional<std::string> read_common_name(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0) return std::nullopt;
  const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
  return std::string(data, static_cast<std::size_t>(ASN1_STRING_length(text)));
}

Bytes magnitude(const ASN1_INTEGER* number) {
  const unsigned char* data = ASN1_STRING_get0_data(number);
  const unsigned char* end = data + ASN1_STRING_length(number);
  return Bytes(std::find_if(data, end, [](unsigned char b) { return b != 0; }), end);
}

std::string oid_text(const ASN1_OBJECT* object) {
  char text[128];
  const int size = OBJ_obj2txt(text, sizeof text, object, 1);
  return size > 0 && static_cast<std::size_t>(size) < sizeof text ? std::string(text) : "";
}

/// Looks through the extensions once: none twice, none critical that OpenSSL would not evaluate.
Status check_extensions(const X509* x509, Bytes& sgx_extension) {
  std::vector<std::string> seen;
  for (int i = 0; i < X509_get_ext_count(x509); ++i) {
    X509_EXTENSION* extension = X509_get_ext(x509, i);
    const std::string oid = oid_text(X509_EXTENSION_get_object(extension));
    if (oid.empty()) return bad_certificate("an extension has an unreadable identifier");
    if (std::find(seen.begin(), seen.end(), oid) != seen.end()) {
      return bad_certificate(fmt::format("the extension {} occurs twice", oid));
    }
    seen.push_back(oid);
    if (oid == kSgxExtensionOid) {
      const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
      const unsigned char* data = ASN1_STRING_get0_data(value);
      sgx_extension.assign(data, data + ASN1_STRING_length(value));
    } else if (X509_EXTENSION_get_critical(extension) != 0 &&
               X509_supported_extension(extension) != 1) {
      return bad_certificate(fmt::format("the critical extension {} is unknown", oid));
    }
  }
  return ok();
}

Result<P256PublicKey> read_key(const X509* x509) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(
      der, [](unsigned char* p) { OPENSSL_free(p); });
  const auto point =
      size > 0 ? p256_point_from_spki({der, static_cast<std::size_t>(size)}) : std::nullopt;
  if (!point) return bad_certificate("its key is not a named-curve P-256 key");
  return P256PublicKey::from_point(*point);
}

}  // namespace

Result<SignedDer> SignedDer::parse(ByteView der) {
  der::Reader outer(der);
  der::Reader in = outer.sequence();
  const der::Element content = in.any();
  const der::Element algorithm = in.any();
  const ByteView signature = in.read(der::Tag::bit_string);
  if (!outer.finished() || !in.finished() || signature.empty() || signature[0] != 0) {
    return refuse("der_invalid",
                  "A certificate or revocation list is not one DER sequence of content, algorithm "
                  "and signature.");
  }
  if (!equal_public(algorithm.whole, kEcdsaWithSha256)) {
    return refuse("signature_algorithm",
                  "A certificate or revocation list is not signed with ECDSA and SHA-256.");
  }
  SignedDer out;
  out.der_ = to_bytes(der);
  out.digest_ = crypto::sha256(der);
  out.signed_at_ = static_cast<std::size_t>(content.whole.data() - der.data());
  out.signed_size_ = content.whole.size();
  out.signature_ = to_bytes(signature.subspan(1));
  return out;
}

Result<CertificatePtr> Certificate::parse(ByteView der) {
  const ErrorQueueScope scope;
  if (der.size() > limits::kMaxChainCertificateBytes) {
    return bad_certificate(fmt::format("it has {} bytes, and {} are allowed", der.size(),
                                       limits::kMaxChainCertificateBytes));
  }
  COCOON_TRY(SignedDer encoded, SignedDer::parse(der));
  X509* raw = X509_new_ex(crypto::openssl_context(), nullptr);
  const unsigned char* at = der.data();
  if (d2i_X509(&raw, &at, static_cast<long>(der.size())) == nullptr) {
    return bad_certificate("it is not valid DER");  // d2i has freed `raw`
  }
  const X509Handle x509(raw);
  if (at != der.data() + der.size()) return bad_certificate("bytes follow it");
  if (X509_get_version(x509.get()) != X509_VERSION_3) return bad_certificate("it is not version 3");
  const X509_ALGOR* inner = X509_get0_tbs_sigalg(x509.get());
  const X509_ALGOR* outer = nullptr;
  X509_get0_signature(nullptr, &outer, x509.get());
  if (X509_ALGOR_cmp(inner, outer) != 0) {
    return bad_certificate("its two signature algorithms differ");
  }
  Bytes sgx_extension;
  COCOON_CHECK(check_extensions(x509.get(), sgx_extension));
  const std::uint32_t flags = X509_get_extension_flags(x509.get());
  if ((flags & EXFLAG_INVALID) != 0) return bad_certificate("an extension is malformed");
  const auto name = read_common_name(X509_get_subject_name(x509.get()));
  if (!name) return bad_certificate("its subject has not exactly one common name");
  const auto not_before = to_time(X509_get0_notBefore(x509.get()));
  const auto not_after = to_time(X509_get0_notAfter(x509.get()));
  if (!not_before || !not_after) return bad_certificate("its validity is not readable");
  COCOON_TRY(P256PublicKey key, read_key(x509.get()));
  const bool is_ca =
      (flags & EXFLAG_CA) != 0 && (X509_get_key_usage(x509.get()) & KU_KEY_CERT_SIGN) != 0;
  return CertificatePtr(new Certificate{
      std::move(encoded), *name, name_der(X509_get_subject_name(x509.get())),
      name_der(X509_get_issuer_name(x509.get())), magnitude(X509_get0_serialNumber(x509.get())),
      *not_before, *not_after, is_ca, std::move(key), std::move(sgx_extension)});
}

bool RevocationList::contains(ByteView serial) const {
  return std::binary_search(
      revoked.begin(), revoked.end(), serial, [](const auto& a, const auto& b) {
        return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
      });
}

Result<RevocationListPtr> RevocationList::parse(ByteView der) {
  const ErrorQueueScope scope;
  if (der.size() > limits::kMaxCrlBytes) {
    return bad_list(
        fmt::format("it has {} bytes, and {} are allowed", der.size(), limits::kMaxCrlBytes));
  }
  COCOON_TRY(SignedDer encoded, SignedDer::parse(der));
  X509_CRL* raw = X509_CRL_new_ex(crypto::openssl_context(), nullptr);
  const unsigned char* at = der.data();
  if (d2i_X509_CRL(&raw, &at, static_cast<long>(der.size())) == nullptr) {
    return bad_list("it is not valid DER");
  }
  const CrlHandle crl(raw);
  if (at != der.data() + der.size()) return bad_list("bytes follow it");
  for (int i = 0; i < X509_CRL_get_ext_count(crl.get()); ++i) {
    if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl.get(), i)) != 0) {
      return bad_list("it has a critical extension: only complete, direct lists are used");
    }
  }
  const auto this_update = to_time(X509_CRL_get0_lastUpdate(crl.get()));
  const auto next_update = to_time(X509_CRL_get0_nextUpdate(crl.get()));
  if (!this_update || !next_update) return bad_list("it does not say how long it is valid");
  std::vector<Bytes> revoked;
  STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(crl.get());
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    const X509_REVOKED* entry = sk_X509_REVOKED_value(entries, i);
    revoked.push_back(magnitude(X509_REVOKED_get0_serialNumber(entry)));
  }
  std::sort(revoked.begin(), revoked.end());
  return RevocationListPtr(new RevocationList{std::move(encoded),
                                              name_der(X509_CRL_get_issuer(crl.get())),
                                              *this_update, *next_update, std::move(revoked)});
}

}  // namespace cocoon::attest
