#include "attest/sim/issue.h"

#include <algorithm>
#include <initializer_list>

#include "attest/text.h"

namespace cocoon::attest::sim {

namespace {

// Contents octets of the object identifiers used here.
const Bytes kCommonName{0x55, 0x04, 0x03};
const Bytes kOrganization{0x55, 0x04, 0x0A};
const Bytes kKeyUsage{0x55, 0x1D, 0x0F};
const Bytes kBasicConstraints{0x55, 0x1D, 0x13};
const Bytes kCrlNumber{0x55, 0x1D, 0x14};
const Bytes kEcdsaWithSha256{0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};
const Bytes kSgxExtension{0x2A, 0x86, 0x48, 0x86, 0xF8, 0x4D, 0x01, 0x0D, 0x01};

constexpr std::uint8_t kBoolean = 0x01;
constexpr std::uint8_t kInteger = 0x02;
constexpr std::uint8_t kBitString = 0x03;
constexpr std::uint8_t kOctetString = 0x04;
constexpr std::uint8_t kOid = 0x06;
constexpr std::uint8_t kEnumerated = 0x0A;
constexpr std::uint8_t kUtf8String = 0x0C;
constexpr std::uint8_t kUtcTime = 0x17;
constexpr std::uint8_t kGeneralizedTime = 0x18;
constexpr std::uint8_t kSequence = 0x30;
constexpr std::uint8_t kSet = 0x31;
constexpr std::uint8_t kContext0 = 0xA0;
constexpr std::uint8_t kContext3 = 0xA3;

Bytes element(std::uint8_t tag, ByteView contents) {
  Bytes out{tag};
  if (contents.size() < 0x80) {
    out.push_back(static_cast<std::uint8_t>(contents.size()));
  } else {
    Bytes length;
    for (std::size_t n = contents.size(); n > 0; n >>= 8) {
      length.insert(length.begin(), static_cast<std::uint8_t>(n));
    }
    out.push_back(static_cast<std::uint8_t>(0x80 | length.size()));
    append(out, length);
  }
  append(out, contents);
  return out;
}

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) append(out, part);
  return out;
}

Bytes sequence(std::initializer_list<Bytes> parts) {
  return element(kSequence, join(parts));
}

/// A non-negative number of any length, big-endian.
Bytes integer(ByteView number, std::uint8_t tag = kInteger) {
  while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
  Bytes contents;
  if (number.empty() || (number[0] & 0x80) != 0) contents.push_back(0);
  append(contents, number);
  return element(tag, contents);
}

Bytes integer(std::uint32_t number, std::uint8_t tag = kInteger) {
  ByteWriter bytes;
  bytes.u32be(number);
  return integer(bytes.take(), tag);
}

Bytes boolean(bool value) {
  const Bytes contents{static_cast<std::uint8_t>(value ? 0xFF : 0x00)};
  return element(kBoolean, contents);
}

Bytes time(UnixTime at) {
  // "2025-06-19T10:16:03Z" → "20250619101603Z"
  std::string digits = format_utc(at);
  digits.erase(std::remove_if(digits.begin(), digits.end(),
                              [](char c) { return c == '-' || c == ':' || c == 'T'; }),
               digits.end());
  // UTCTime until 2049 (RFC 5280 section 4.1.2.5).
  if (digits < "2050") return element(kUtcTime, as_bytes(std::string_view(digits).substr(2)));
  return element(kGeneralizedTime, as_bytes(digits));
}

Bytes name_part(const Bytes& oid, std::string_view text) {
  return element(kSet, sequence({element(kOid, oid), element(kUtf8String, as_bytes(text))}));
}

/// The common name is Intel's, because the verifier asks for it; the organization says whose
/// certificate it really is.
Bytes name(std::string_view common_name) {
  return sequence(
      {name_part(kCommonName, common_name), name_part(kOrganization, "Cocoon simulated platform")});
}

Bytes extension(const Bytes& oid, bool critical, ByteView value) {
  return sequence(
      {element(kOid, oid), critical ? boolean(true) : Bytes(), element(kOctetString, value)});
}

Bytes algorithm() {
  return sequence({element(kOid, kEcdsaWithSha256)});
}

Result<Bytes> sign(const Bytes& content, const SigningKey& issuer) {
  COCOON_TRY(const Bytes signature, issuer.sign_der(content));
  return sequence({content, algorithm(), element(kBitString, join({Bytes{0}, signature}))});
}

/// keyUsage: keyCertSign and cRLSign (bits 5 and 6), or digitalSignature and contentCommitment
/// (bits 0 and 1).
Bytes key_usage(bool is_ca) {
  const Bytes bits = is_ca ? Bytes{0x01, 0x06} : Bytes{0x06, 0xC0};
  return extension(kKeyUsage, true, element(kBitString, bits));
}

Bytes basic_constraints(bool is_ca) {
  return extension(kBasicConstraints, true, sequence({is_ca ? boolean(true) : Bytes()}));
}

/// An identifier below Intel's extension.
Bytes arc(std::initializer_list<std::uint8_t> last) {
  Bytes oid = kSgxExtension;
  oid.insert(oid.end(), last);
  return element(kOid, oid);
}

Bytes encode_tcb(const PckExtension& in) {
  Bytes out;
  for (std::uint8_t i = 0; i < in.sgx_components.size(); ++i) {
    append(out, sequence({arc({2, static_cast<std::uint8_t>(i + 1)}),
                          integer(std::uint32_t{in.sgx_components[i]})}));
  }
  append(out, sequence({arc({2, 17}), integer(std::uint32_t{in.pce_svn})}));
  append(out, sequence({arc({2, 18}), element(kOctetString, in.cpu_svn)}));
  return element(kSequence, out);
}

Bytes encode_configuration(const PckExtension& in) {
  return sequence({sequence({arc({7, 1}), boolean(in.dynamic_platform.value_or(false))}),
                   sequence({arc({7, 2}), boolean(in.cached_keys.value_or(false))}),
                   sequence({arc({7, 3}), boolean(in.smt_enabled.value_or(false))})});
}

}  // namespace

Bytes encode_pck_extension(const PckExtension& in) {
  Bytes out;
  append(out, sequence({arc({1}), element(kOctetString, in.ppid.bytes)}));
  append(out, sequence({arc({2}), encode_tcb(in)}));
  append(out, sequence({arc({3}), element(kOctetString, in.pce_id)}));
  append(out, sequence({arc({4}), element(kOctetString, in.fmspc)}));
  append(out, sequence({arc({5}), integer(in.sgx_type, kEnumerated)}));
  if (in.platform_instance_id) {
    append(out, sequence({arc({6}), element(kOctetString, in.platform_instance_id->bytes)}));
  }
  if (in.dynamic_platform) append(out, sequence({arc({7}), encode_configuration(in)}));
  return element(kSequence, out);
}

Result<Bytes> issue_certificate(const CertificateSpec& spec, const SigningKey& issuer) {
  Bytes extensions = join({key_usage(spec.is_ca), basic_constraints(spec.is_ca)});
  if (!spec.sgx_extension.empty()) {
    append(extensions, extension(kSgxExtension, false, spec.sgx_extension));
  }
  constexpr std::uint32_t kVersion3 = 2;
  return sign(
      sequence({element(kContext0, integer(kVersion3)), integer(spec.serial), algorithm(),
                name(spec.issuer_name), sequence({time(spec.not_before), time(spec.not_after)}),
                name(spec.common_name), p256_spki(spec.key),
                element(kContext3, element(kSequence, extensions))}),
      issuer);
}

Result<Bytes> issue_crl(const CrlSpec& spec, const SigningKey& issuer) {
  Bytes entries;
  for (const Bytes& serial : spec.revoked) {
    append(entries, sequence({integer(serial), time(spec.this_update)}));
  }
  const Bytes number = extension(kCrlNumber, false, integer(std::uint32_t{1}));
  constexpr std::uint32_t kVersion2 = 1;
  return sign(
      sequence({integer(kVersion2), algorithm(), name(spec.issuer_name), time(spec.this_update),
                time(spec.next_update), entries.empty() ? Bytes() : element(kSequence, entries),
                element(kContext0, element(kSequence, number))}),
      issuer);
}

}  // namespace cocoon::attest::sim
