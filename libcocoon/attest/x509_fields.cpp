#include "attest/x509_fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "attest/asn1_time.h"
#include "attest/der.h"
#include "base/limits.h"
#include "crypto/openssl_context.h"

namespace cocoon::attest {

namespace {

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

bool is_wanted(std::string_view oid, std::span<const std::string_view> wanted) {
  return std::any_of(wanted.begin(), wanted.end(), [&](std::string_view one) {
    return oid == one || (oid.starts_with(one) && oid[one.size()] == '.');
  });
}

/// Looks through the extensions once: none twice, none critical that nobody would evaluate.
Status read_extensions(const X509* x509, std::span<const std::string_view> wanted,
                       std::vector<X509Extension>& out) {
  std::vector<std::string> seen;
  for (int i = 0; i < X509_get_ext_count(x509); ++i) {
    X509_EXTENSION* extension = X509_get_ext(x509, i);
    const std::string oid = oid_text(X509_EXTENSION_get_object(extension));
    if (oid.empty()) return bad_certificate("an extension has an unreadable identifier");
    if (std::find(seen.begin(), seen.end(), oid) != seen.end()) {
      return bad_certificate(fmt::format("the extension {} occurs twice", oid));
    }
    seen.push_back(oid);
    if (is_wanted(oid, wanted)) {
      const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
      const unsigned char* data = ASN1_STRING_get0_data(value);
      out.push_back({oid, Bytes(data, data + ASN1_STRING_length(value))});
    } else if (X509_EXTENSION_get_critical(extension) != 0 &&
               X509_supported_extension(extension) != 1) {
      return bad_certificate(fmt::format("the critical extension {} is unknown", oid));
    }
  }
  return ok();
}

Bytes spki_der(const X509* x509) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(
      der, [](unsigned char* p) { OPENSSL_free(p); });
  return size > 0 ? Bytes(der, der + size) : Bytes();
}

Result<X509Handle> decode(ByteView der) {
  X509* raw = X509_new_ex(crypto::openssl_context(), nullptr);
  const unsigned char* at = der.data();
  if (d2i_X509(&raw, &at, static_cast<long>(der.size())) == nullptr) {
    return bad_certificate("it is not valid DER");  // d2i has freed `raw`
  }
  X509Handle x509(raw);
  if (at != der.data() + der.size()) return bad_certificate("bytes follow it");
  if (X509_get_version(x509.get()) != X509_VERSION_3) return bad_certificate("it is not version 3");
  const X509_ALGOR* inner = X509_get0_tbs_sigalg(x509.get());
  const X509_ALGOR* outer = nullptr;
  X509_get0_signature(nullptr, &outer, x509.get());
  if (X509_ALGOR_cmp(inner, outer) != 0) {
    return bad_certificate("its two signature algorithms differ");
  }
  return x509;
}

}  // namespace

Result<SignedParts> split_signed(ByteView der) {
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
  return SignedParts{content.whole, algorithm.whole, signature.subspan(1)};
}

Result<CertificateFields> read_certificate_fields(ByteView der,
                                                  std::span<const std::string_view> wanted) {
  const ErrorQueueScope scope;
  if (der.size() > limits::kMaxChainCertificateBytes) {
    return bad_certificate(fmt::format("it has {} bytes, and {} are allowed", der.size(),
                                       limits::kMaxChainCertificateBytes));
  }
  COCOON_TRY(const X509Handle x509, decode(der));
  CertificateFields out;
  COCOON_CHECK(read_extensions(x509.get(), wanted, out.extensions));
  const std::uint32_t flags = X509_get_extension_flags(x509.get());
  if ((flags & EXFLAG_INVALID) != 0) return bad_certificate("an extension is malformed");
  const auto name = read_common_name(X509_get_subject_name(x509.get()));
  if (!name) return bad_certificate("its subject has not exactly one common name");
  const auto not_before = to_time(X509_get0_notBefore(x509.get()));
  const auto not_after = to_time(X509_get0_notAfter(x509.get()));
  if (!not_before || !not_after) return bad_certificate("its validity is not readable");
  out.common_name = *name;
  out.subject = name_der(X509_get_subject_name(x509.get()));
  out.issuer = name_der(X509_get_issuer_name(x509.get()));
  out.serial = magnitude(X509_get0_serialNumber(x509.get()));
  out.not_before = *not_before;
  out.not_after = *not_after;
  out.is_ca = (flags & EXFLAG_CA) != 0 && (X509_get_key_usage(x509.get()) & KU_KEY_CERT_SIGN) != 0;
  const long path_length = X509_get_pathlen(x509.get());
  if (path_length >= 0) out.path_length = static_cast<std::uint32_t>(path_length);
  out.spki = spki_der(x509.get());
  return out;
}

Result<RevocationFields> read_revocation_fields(ByteView der) {
  const ErrorQueueScope scope;
  if (der.size() > limits::kMaxCrlBytes) {
    return bad_list(
        fmt::format("it has {} bytes, and {} are allowed", der.size(), limits::kMaxCrlBytes));
  }
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
  RevocationFields out{name_der(X509_CRL_get_issuer(crl.get())), *this_update, *next_update, {}};
  STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(crl.get());
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    const X509_REVOKED* entry = sk_X509_REVOKED_value(entries, i);
    out.revoked.push_back(magnitude(X509_REVOKED_get0_serialNumber(entry)));
  }
  std::sort(out.revoked.begin(), out.revoked.end());
  return out;
}

bool contains_serial(const std::vector<Bytes>& revoked, ByteView serial) {
  return std::binary_search(
      revoked.begin(), revoked.end(), serial, [](const auto& a, const auto& b) {
        return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
      });
}

}  // namespace cocoon::attest
