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

/// What `decode`, one of OpenSSL's d2i functions, makes of a DER element; null where it cannot, or
/// where bytes are left over.
template <class Handle, auto decode>
Handle decode_whole(ByteView der) {
  const unsigned char* at = der.data();
  Handle decoded(decode(nullptr, &at, static_cast<long>(der.size())));
  if (at != der.data() + der.size()) decoded.reset();
  return decoded;
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

/// Whether OpenSSL can decode it, where it knows this kind.
bool is_well_formed(X509_EXTENSION* extension) {
  const X509V3_EXT_METHOD* method = X509V3_EXT_get(extension);
  if (method == nullptr) return true;
  void* decoded = X509V3_EXT_d2i(extension);
  if (decoded == nullptr) return false;
  if (method->it != nullptr) {
    ASN1_item_free(static_cast<ASN1_VALUE*>(decoded), ASN1_ITEM_ptr(method->it));
  } else {
    method->ext_free(decoded);
  }
  return true;
}

/// Looks through the extensions once: none twice, none malformed, none critical that nobody would
/// evaluate.
Status check_extensions(const STACK_OF(X509_EXTENSION) * list,
                        std::span<const std::string_view> wanted, std::vector<X509Extension>& out) {
  std::vector<std::string> seen;
  for (int i = 0; i < sk_X509_EXTENSION_num(list); ++i) {
    X509_EXTENSION* extension = sk_X509_EXTENSION_value(list, i);
    const std::string oid = oid_text(X509_EXTENSION_get_object(extension));
    if (oid.empty()) return bad_certificate("an extension has an unreadable identifier");
    if (std::find(seen.begin(), seen.end(), oid) != seen.end()) {
      return bad_certificate(fmt::format("the extension {} occurs twice", oid));
    }
    seen.push_back(oid);
    if (!is_well_formed(extension)) {
      return bad_certificate(fmt::format("the extension {} is malformed", oid));
    }
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

/// Whether it may sign certificates (RFC 5280, 4.2.1.3 and 4.2.1.9).
/// @pre check_extensions() has passed
Status read_authority(const STACK_OF(X509_EXTENSION) * list, CertificateFields& out) {
  const ConstraintsHandle constraints(static_cast<BASIC_CONSTRAINTS*>(
      X509V3_get_d2i(list, NID_basic_constraints, nullptr, nullptr)));
  const BitStringHandle usage(
      static_cast<ASN1_BIT_STRING*>(X509V3_get_d2i(list, NID_key_usage, nullptr, nullptr)));
  if (constraints && constraints->pathlen != nullptr) {
    std::uint64_t length = 0;
    if (constraints->ca == 0 || ASN1_INTEGER_get_uint64(&length, constraints->pathlen) != 1 ||
        length > UINT32_MAX) {
      return bad_certificate("its path length is not one");
    }
    out.path_length = static_cast<std::uint32_t>(length);
  }
  constexpr int kKeyCertSign = 5;
  const bool may_sign = !usage || ASN1_BIT_STRING_get_bit(usage.get(), kKeyCertSign) == 1;
  out.is_ca = constraints && constraints->ca != 0 && may_sign;
  return ok();
}

/// The fields of a TBSCertificate (RFC 5280, 4.1.2) that are used, each a whole element.
struct Body {
  ByteView serial;
  ByteView issuer;
  ByteView not_before;
  ByteView not_after;
  ByteView subject;
  ByteView spki;
  ByteView extensions;  ///< empty where there are none
};

/// Cuts a certificate into its fields. OpenSSL decodes them one by one: its d2i_X509() would look
/// for a decoder of the public key among all its providers, which costs as much as two signatures
/// and makes threads wait for each other.
Result<Body> split_body(ByteView der) {
  constexpr std::uint8_t kVersionTag = 0xA0;
  constexpr std::uint8_t kExtensionsTag = 0xA3;
  constexpr ByteArray<3> kVersion3{0x02, 0x01, 0x02};
  auto parts = split_signed(der);
  if (!parts) return bad_certificate("it is not valid DER");
  der::Reader outer(parts->content);
  der::Reader in = outer.sequence();
  const der::Element version = in.any();
  if (version.tag != kVersionTag || !equal_public(version.contents, kVersion3)) {
    return bad_certificate("it is not version 3");
  }
  Body out;
  out.serial = in.any().whole;
  if (!equal_public(in.any().whole, parts->algorithm)) {
    return bad_certificate("its two signature algorithms differ");
  }
  out.issuer = in.any().whole;
  der::Reader validity = in.sequence();
  out.not_before = validity.any().whole;
  out.not_after = validity.any().whole;
  out.subject = in.any().whole;
  out.spki = in.any().whole;
  if (!in.at_end()) {
    const der::Element extensions = in.any();
    if (extensions.tag != kExtensionsTag) return bad_certificate("it has unique identifiers");
    out.extensions = extensions.contents;
  }
  if (!outer.finished() || !in.finished() || !validity.finished()) {
    return bad_certificate("it is not valid DER");
  }
  return out;
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
  COCOON_TRY(const Body body, split_body(der));
  const auto serial = decode_whole<IntegerHandle, d2i_ASN1_INTEGER>(body.serial);
  const auto issuer = decode_whole<NameHandle, d2i_X509_NAME>(body.issuer);
  const auto subject = decode_whole<NameHandle, d2i_X509_NAME>(body.subject);
  const auto not_before = to_time(decode_whole<TimeHandle, d2i_ASN1_TIME>(body.not_before).get());
  const auto not_after = to_time(decode_whole<TimeHandle, d2i_ASN1_TIME>(body.not_after).get());
  if (!serial || !issuer || !subject) return bad_certificate("it is not valid DER");
  if (!not_before || !not_after) return bad_certificate("its validity is not readable");
  const auto name = read_common_name(subject.get());
  if (!name) return bad_certificate("its subject has not exactly one common name");
  CertificateFields out;
  if (!body.extensions.empty()) {
    const auto list = decode_whole<ExtensionsHandle, d2i_X509_EXTENSIONS>(body.extensions);
    if (!list) return bad_certificate("its extensions are not valid DER");
    COCOON_CHECK(check_extensions(list.get(), wanted, out.extensions));
    COCOON_CHECK(read_authority(list.get(), out));
  }
  out.common_name = *name;
  out.subject = to_bytes(body.subject);
  out.issuer = to_bytes(body.issuer);
  out.serial = magnitude(serial.get());
  out.not_before = *not_before;
  out.not_after = *not_after;
  out.spki = to_bytes(body.spki);
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
