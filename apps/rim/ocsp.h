#pragma once
/// @file Whether NVIDIA has revoked a certificate: OCSP (RFC 6960), questions and answers. Pure:
/// the nonce and the clock come in; who carries the bytes is for the caller.

#include <memory>
#include <string_view>
#include <vector>

#include "attest/sha384_certificate.h"
#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/result.h"

namespace cocoon::app {

inline constexpr std::string_view kOcspService = "https://ocsp.ndis.nvidia.com/";

/// A certificate and all its issuers, root last, whose links and whose root have been checked.
using CheckedChain = std::vector<attest::Sha384CertificatePtr>;

/// One question: is this certificate good?
class OcspQuestion {
 public:
  /// About the first certificate of `chain`, which its second issued. The certificate is named by
  /// SHA-384, as NVIDIA's tools do.
  /// @param nonce 32 unpredictable bytes (RFC 8954), never used before
  /// Errors: invalid_argument/ocsp_question where OpenSSL cannot make one.
  static Result<OcspQuestion> create(CheckedChain chain, ByteView nonce);

  OcspQuestion(OcspQuestion&&) noexcept;
  OcspQuestion& operator=(OcspQuestion&&) noexcept;
  ~OcspQuestion();

  /// To be sent as application/ocsp-request.
  const Bytes& der() const;

  /// Whether the answer, at most limits::kMaxOcspAnswerBytes, says that the certificate is good at
  /// `now`. It has to be signed with ECDSA or RSA and SHA-256 or longer, by the issuer, or by
  /// whom the issuer certified for OCSP, under the chain's root, at `now`; to have the question's
  /// nonce; and `now` has to lie within thisUpdate and nextUpdate, both being there.
  /// Errors: attestation/ocsp_revoked, attestation/ocsp_unknown (the service does not know the
  /// certificate), attestation/ocsp_answer (with what is wrong).
  Status check(ByteView answer, UnixTime now) const;

 private:
  struct Impl;
  explicit OcspQuestion(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace cocoon::app
