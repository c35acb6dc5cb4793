#include "rim/ocsp.h"

#include <fmt/format.h>

#include <openssl/ocsp.h>

#include <ctime>
#include <optional>

#include "attest/asn1_time.h"
#include "attest/openssl_handles.h"
#include "attest/text.h"
#include "base/limits.h"

namespace cocoon::app {

namespace {

using attest::OpensslDeleter;
using attest::X509Handle;
using RequestHandle = std::unique_ptr<OCSP_REQUEST, OpensslDeleter<OCSP_REQUEST_free>>;
using ResponseHandle = std::unique_ptr<OCSP_RESPONSE, OpensslDeleter<OCSP_RESPONSE_free>>;
using BasicHandle = std::unique_ptr<OCSP_BASICRESP, OpensslDeleter<OCSP_BASICRESP_free>>;
using IdHandle = std::unique_ptr<OCSP_CERTID, OpensslDeleter<OCSP_CERTID_free>>;
using StoreHandle = std::unique_ptr<X509_STORE, OpensslDeleter<X509_STORE_free>>;

/// A stack that does not own what is in it.
struct StackDeleter {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using StackHandle = std::unique_ptr<STACK_OF(X509), StackDeleter>;

/// Level 3 of OpenSSL: 128 bits, so no SHA-1 and no short key in the signer's chain.
constexpr int kSecurityLevel = 3;

X509Handle to_openssl(const attest::Sha384Certificate& certificate) {
  const ByteView der = certificate.encoded.der();
  const unsigned char* at = der.data();
  return X509Handle(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

/// Whether the answer's own signature is made with a digest that nobody forges.
bool has_strong_signature(const OCSP_BASICRESP* basic) {
  int digest = NID_undef;
  int key = NID_undef;
  const X509_ALGOR* algorithm = OCSP_resp_get0_tbs_sigalg(basic);
  if (OBJ_find_sigid_algs(OBJ_obj2nid(algorithm->algorithm), &digest, &key) != 1) return false;
  return digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512;
}

}  // namespace

struct OcspQuestion::Impl {
  CheckedChain chain;
  std::vector<X509Handle> certificates;  ///< the chain, as OpenSSL has it
  IdHandle id;
  RequestHandle request;
  Bytes der;

  Error wrong(std::string_view what) const { return refuse("ocsp_answer", what); }
  Error refuse(std::string_view code, std::string_view what) const {
    return Error(
        ErrorKind::attestation, code,
        fmt::format("OCSP about the certificate {}: {}.", chain.front()->common_name, what));
  }

  /// Whether someone signed whom RFC 6960, 4.2.2.2, authorises.
  bool is_authorised(OCSP_BASICRESP* basic, UnixTime now) const {
    const StoreHandle store(X509_STORE_new());
    const StackHandle issuers(sk_X509_new_null());
    if (!store || !issuers) return false;
    X509_STORE_add_cert(store.get(), certificates.back().get());
    X509_VERIFY_PARAM* rules = X509_STORE_get0_param(store.get());
    X509_VERIFY_PARAM_set_time(rules, static_cast<std::time_t>(to_unix_seconds(now)));
    X509_VERIFY_PARAM_set_auth_level(rules, kSecurityLevel);
    for (std::size_t i = 1; i < certificates.size(); ++i) {
      sk_X509_push(issuers.get(), certificates[i].get());
    }
    // Not by trust in the root for OCSP at large: the issuer itself, or its delegate.
    return OCSP_basic_verify(basic, issuers.get(), store.get(), OCSP_NOEXPLICIT) == 1;
  }

  /// The certificate's status, dates included.
  Status check_status(OCSP_BASICRESP* basic, UnixTime now) const {
    int status = V_OCSP_CERTSTATUS_UNKNOWN;
    int reason = OCSP_REVOKED_STATUS_NOSTATUS;
    ASN1_GENERALIZEDTIME* revoked = nullptr;
    ASN1_GENERALIZEDTIME* from = nullptr;
    ASN1_GENERALIZEDTIME* until = nullptr;
    if (OCSP_resp_count(basic) != 1 ||
        OCSP_resp_find_status(basic, id.get(), &status, &reason, &revoked, &from, &until) != 1) {
      return wrong("the answer is not about this certificate alone");
    }
    const auto this_update = attest::to_time(from);
    const auto next_update = attest::to_time(until);
    if (!this_update || !next_update) return wrong("the answer has no thisUpdate and nextUpdate");
    if (now < *this_update || now > *next_update) {
      return wrong(fmt::format("the answer is valid from {} to {}",
                               attest::format_utc(*this_update), attest::format_utc(*next_update)));
    }
    if (status == V_OCSP_CERTSTATUS_GOOD) return ok();
    if (status == V_OCSP_CERTSTATUS_UNKNOWN) {
      return refuse("ocsp_unknown", "the service does not know it");
    }
    const auto since = attest::to_time(revoked);
    return refuse(
        "ocsp_revoked",
        fmt::format("revoked since {} ({})", since ? attest::format_utc(*since) : "an unknown time",
                    OCSP_crl_reason_str(reason)));
  }
};

OcspQuestion::OcspQuestion(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OcspQuestion::OcspQuestion(OcspQuestion&&) noexcept = default;
OcspQuestion& OcspQuestion::operator=(OcspQuestion&&) noexcept = default;
OcspQuestion::~OcspQuestion() = default;

const Bytes& OcspQuestion::der() const {
  return impl_->der;
}

Result<OcspQuestion> OcspQuestion::create(CheckedChain chain, ByteView nonce) {
  const attest::ErrorQueueScope scope;
  const Error failed(ErrorKind::invalid_argument, "ocsp_question",
                     "A question about a certificate's revocation cannot be made");
  auto impl = std::make_unique<Impl>();
  if (chain.size() < 2 || nonce.size() != 32) return failed;
  for (const auto& certificate : chain) {
    impl->certificates.push_back(to_openssl(*certificate));
    if (!impl->certificates.back()) return failed;
  }
  impl->chain = std::move(chain);
  const auto make_id = [&impl] {
    return OCSP_cert_to_id(EVP_sha384(), impl->certificates[0].get(), impl->certificates[1].get());
  };
  impl->id.reset(make_id());
  impl->request.reset(OCSP_REQUEST_new());
  IdHandle asked(make_id());
  if (!impl->id || !asked || !impl->request ||
      OCSP_request_add0_id(impl->request.get(), asked.get()) == nullptr) {
    return failed;
  }
  (void)asked.release();  // the request's now
  Bytes value = to_bytes(nonce);
  unsigned char* out = nullptr;
  if (OCSP_request_add1_nonce(impl->request.get(), value.data(), static_cast<int>(value.size())) !=
      1) {
    return failed;
  }
  const int bytes = i2d_OCSP_REQUEST(impl->request.get(), &out);
  if (bytes <= 0) return failed;
  impl->der.assign(out, out + bytes);
  OPENSSL_free(out);
  return OcspQuestion(std::move(impl));
}

Status OcspQuestion::check(ByteView answer, UnixTime now) const {
  const attest::ErrorQueueScope scope;
  if (answer.size() > limits::kMaxOcspAnswerBytes) {
    return impl_->wrong(fmt::format("the answer has {} bytes", answer.size()));
  }
  const unsigned char* at = answer.data();
  const ResponseHandle response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(answer.size())));
  if (!response || at != answer.data() + answer.size()) {
    return impl_->wrong("the answer is none of OCSP");
  }
  const int status = OCSP_response_status(response.get());
  if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return impl_->wrong(fmt::format("the service refuses: {}", OCSP_response_status_str(status)));
  }
  const BasicHandle basic(OCSP_response_get1_basic(response.get()));
  if (!basic) return impl_->wrong("the answer is none of OCSP's basic kind");
  if (!has_strong_signature(basic.get()) || !impl_->is_authorised(basic.get(), now)) {
    return impl_->wrong(
        "the answer is not signed by the certificate's issuer, or by whom the issuer has "
        "certified for OCSP");
  }
  if (OCSP_check_nonce(impl_->request.get(), basic.get()) != 1) {
    return impl_->wrong("the answer has not the question's nonce, so it may be an old one");
  }
  return impl_->check_status(basic.get(), now);
}

}  // namespace cocoon::app
