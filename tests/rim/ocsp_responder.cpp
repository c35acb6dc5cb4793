#include "ocsp_responder.h"

#include <gtest/gtest.h>
#include <openssl/asn1.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace cocoon::test {
namespace {

constexpr Seconds kDay{24 * 3600};

using TimePtr = std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>>;
using RequestPtr = std::unique_ptr<OCSP_REQUEST, Freed<OCSP_REQUEST_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, Freed<OCSP_BASICRESP_free>>;
using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, Freed<OCSP_RESPONSE_free>>;
using IdPtr = std::unique_ptr<OCSP_CERTID, Freed<OCSP_CERTID_free>>;

TimePtr generalized(UnixTime time) {
  return TimePtr(
      ASN1_GENERALIZEDTIME_set(nullptr, static_cast<std::time_t>(to_unix_seconds(time))));
}

void add_extension(X509* certificate, int nid, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

Identity make_identity(const std::string& name, Role role, const Identity* issuer, UnixTime now) {
  static long serial = 1000;
  Identity out{KeyPtr(EVP_EC_gen("P-384")), CertPtr(X509_new())};
  X509* x = out.certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
  ASN1_TIME_set(X509_getm_notBefore(x), static_cast<std::time_t>(to_unix_seconds(now - kDay)));
  ASN1_TIME_set(X509_getm_notAfter(x), static_cast<std::time_t>(to_unix_seconds(now + kDay)));
  X509_set_pubkey(x, out.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer->certificate.get() : x));
  if (role == Role::authority) {
    add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(x, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    add_extension(x, NID_key_usage, "critical,digitalSignature");
  }
  if (role == Role::ocsp_signer) add_extension(x, NID_ext_key_usage, "OCSPSigning");
  EXPECT_GT(X509_sign(x, issuer ? issuer->key.get() : out.key.get(), EVP_sha384()), 0);
  return out;
}

std::vector<attest::Sha384CertificatePtr> parsed(std::initializer_list<const Identity*> chain) {
  std::vector<attest::Sha384CertificatePtr> out;
  for (const Identity* one : chain) {
    unsigned char* der = nullptr;
    const int bytes = i2d_X509(one->certificate.get(), &der);
    auto certificate =
        attest::Sha384Certificate::parse(ByteView(der, static_cast<std::size_t>(bytes)));
    OPENSSL_free(der);
    EXPECT_TRUE(certificate) << certificate.error().detail();
    out.push_back(*certificate);
  }
  return out;
}

std::string make_answer(const std::string& question, const OcspAnswer& how) {
  const auto* at = reinterpret_cast<const unsigned char*>(question.data());
  const RequestPtr request(d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(question.size())));
  EXPECT_NE(request, nullptr);
  if (!request) return {};
  const BasicPtr basic(OCSP_BASICRESP_new());
  IdPtr id(OCSP_CERTID_dup(OCSP_onereq_get0_id(OCSP_request_onereq_get0(request.get(), 0))));
  if (how.about_another) {
    ASN1_INTEGER* serial = nullptr;
    OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial, id.get());
    ASN1_INTEGER_set(serial, 7);
  }
  const TimePtr from = generalized(how.this_update);
  const TimePtr until = how.next_update == UnixTime{} ? nullptr : generalized(how.next_update);
  const TimePtr revoked = generalized(how.this_update);
  EXPECT_NE(
      OCSP_basic_add1_status(basic.get(), id.get(), how.status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                             revoked.get(), from.get(), until.get()),
      nullptr);
  if (how.with_other_nonce) {
    unsigned char other[32] = {1};
    OCSP_basic_add1_nonce(basic.get(), other, sizeof other);
  } else if (how.with_nonce) {
    OCSP_copy_nonce(basic.get(), request.get());
  }
  EXPECT_EQ(OCSP_basic_sign(basic.get(), how.signer->certificate.get(), how.signer->key.get(),
                            how.digest, nullptr, 0),
            1);
  const ResponsePtr response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  unsigned char* der = nullptr;
  const int bytes = i2d_OCSP_RESPONSE(response.get(), &der);
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(bytes));
  OPENSSL_free(der);
  return out;
}

}  // namespace cocoon::test
