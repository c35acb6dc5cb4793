#pragma once
/// @file Writes what attest/ parses: TCB info, QE identity, reports and quotes. Only the simulated
/// platform and tests make these; Intel makes the others.

#include <string>

#include "attest/collateral.h"
#include "attest/quote.h"
#include "attest/sim/signing_key.h"
#include "attest/tcb_info.h"
#include "base/bytes.h"

namespace cocoon::attest::sim {

std::string encode_tcb_info(const TcbInfo& info);
std::string encode_qe_identity(const QeIdentity& identity);

/// Signs a document's exact text. Errors: internal/crypto_failed.
Result<CollateralText::Document> sign_document(std::string text, const SigningKey& signer,
                                               std::string chain_pem);

Bytes encode_sgx_report(const SgxReport& report);
/// Writes 584, 648 or 885 bytes, as the report has `current` and `extended`.
Bytes encode_td_report(const TdReport& report);

/// A quote to be made.
struct QuoteSpec {
  std::uint16_t version = 4;
  BodyType body_type = BodyType::td10;
  Bytes body;  ///< body_size(body_type) bytes
  /// The QE's report but for its report_data, which binds the attestation key.
  SgxReport qe_report;
  Bytes auth_data;
  CertificationType certification_type = CertificationType::pck_chain;
  Bytes certification_data;
};

/// Signs and assembles a quote: byte for byte what a quoting enclave makes.
/// Errors: internal/crypto_failed.
Result<Bytes> make_quote(const QuoteSpec& spec, const SigningKey& attestation,
                         const SigningKey& pck);

}  // namespace cocoon::attest::sim
