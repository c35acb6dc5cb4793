#pragma once
/// @file Every applicable defect of the synthetic quote vectors
/// (vectors/attestation/dcap-synthetic), made again under a simulated root: for unit tests of the
/// verifier, and for live handshakes that must refuse each of them.

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "attest/collateral.h"
#include "attest/sim/issue.h"
#include "attest/sim/platform.h"
#include "base/bytes.h"
#include "base/time.h"

namespace cocoon::test {

/// A quote, and the collateral that its verifier has.
struct SimMaterial {
  Bytes quote;
  attest::CollateralText collateral;
};

/// All that goes into a quote and its collateral, open to changes before it is signed.
struct SimWorkshop {
  SimWorkshop(const attest::sim::SimPlatform& platform, const attest::sim::SimTdReport& guest,
              UnixTime now);

  const attest::sim::SimKeys& keys;
  attest::PckExtension pck;
  UnixTime pck_not_after;
  /// Signs the chain of the quote in the root's place; null: the root.
  const attest::sim::SigningKey* chain_root = nullptr;
  /// Signs the PCK revocation list in the CA's place; null: the CA.
  const attest::sim::SigningKey* crl_signer = nullptr;
  std::vector<Bytes> revoked_by_root;
  std::vector<Bytes> revoked_by_ca;
  attest::TcbInfo tcb_info;
  attest::QeIdentity qe_identity;
  attest::TdReport report;
  /// Quoted in the guest's place, where there is one.
  std::optional<attest::SgxReport> enclave;
  attest::sim::QuoteSpec quote;  ///< its body is made of `report` or `enclave`
  UnixTime issued;
  UnixTime next;
  /// Certificates and revocation lists before signing: "root", "pck_ca", "pck" and "tcb_signer";
  /// "root_crl" and "pck_crl".
  std::function<void(std::string_view, attest::sim::CertificateSpec&)> edit_certificate;
  std::function<void(std::string_view, attest::sim::CrlSpec&)> edit_crl;
  /// Signed documents' texts before signing.
  std::function<void(std::string&)> edit_tcb_info;
  /// The last word, after everything is signed.
  std::function<void(SimMaterial&)> edit_all;

  /// Serials of the certificates that build() issues.
  static const Bytes kPckSerial;
  static const Bytes kCaSerial;
  static const Bytes kTcbSignerSerial;

  SimMaterial build() const;
};

/// One defect.
struct SimDefect {
  std::string_view id;       ///< of the vector, for example "s13-qe-mrsigner-mismatch"
  std::string_view verdict;  ///< the verdict's class (a TCB status or an error class)
  /// Whether the default policy (with the image listed) admits it: the vectors that are no defects.
  bool accepted;
  std::function<void(SimWorkshop&)> apply;
};

const std::vector<SimDefect>& sim_defects();

/// The material of one defect for a guest on `platform`.
SimMaterial make_sim_defect(const SimDefect& defect, const attest::sim::SimPlatform& platform,
                            const attest::sim::SimTdReport& guest, UnixTime now);

}  // namespace cocoon::test
