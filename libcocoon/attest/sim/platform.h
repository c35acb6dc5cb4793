#pragma once
/// @file The simulated platform: a complete stand-in for a TDX machine and for Intel, whose quotes
/// the real verifier checks with the same code. Only the trusted root differs. It proves nothing
/// about hardware; every verdict on it says `simulated`.

#include <memory>
#include <string>
#include <string_view>

#include "attest/collateral.h"
#include "attest/sim/documents.h"
#include "attest/sim/signing_key.h"
#include "base/random.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "crypto/secret.h"

namespace cocoon::attest::sim {

/// What a simulated guest has in its report; the rest is the platform's.
struct SimTdReport {
  ByteArray<64> report_data{};
  TdxMeasurement mr_td{};
  std::array<TdxMeasurement, 4> rtmr{};
  TdxMeasurement mr_config_id{};
  TdxMeasurement mr_owner{};
  TdxMeasurement mr_owner_config{};
  std::uint64_t td_attributes = 1ull << 28;  ///< SEPT_VE_DISABLE
  std::uint64_t xfam = 0x600E7;
};

/// All keys of the platform and of its stand-in for Intel.
struct SimKeys {
  SigningKey root;
  SigningKey pck_ca;
  SigningKey pck;
  SigningKey tcb_signer;
  SigningKey attestation;
};

/// The platform's state as files: `root.pem` and `collateral.json` are for everybody who verifies,
/// `keys.pem` (mode 0600) for those who attest.
struct SimState {
  std::string root_pem;
  std::string collateral_json;
  crypto::SecretBytes keys_pem;
};

inline constexpr std::string_view kRootFile = "root.pem";
inline constexpr std::string_view kCollateralFile = "collateral.json";
inline constexpr std::string_view kKeysFile = "keys.pem";

/// How long certificates and collateral of the platform are valid. Both begin a day early, for
/// clocks that lag.
inline constexpr Seconds kSimCertificateLifetime{10 * 365 * 24 * 3600};
inline constexpr Seconds kSimCollateralLifetime{365 * 24 * 3600};

/// One platform. Immutable after creation but for renew(); quote() may run on any thread.
class SimPlatform {
 public:
  /// Makes a new platform with keys from `random` (signatures also use the system's entropy).
  /// Errors: internal/crypto_failed.
  static Result<SimPlatform> create(Random& random, UnixTime now);
  /// Takes up what serialize() wrote.
  /// Errors: invalid_argument/simulated_keys_invalid, /simulated_state_invalid, and those of
  /// CollateralText::from_json.
  static Result<SimPlatform> load(std::string_view root_pem, std::string_view collateral_json,
                                  ByteView keys_pem);
  Result<SimState> serialize() const;

  /// Issues documents and revocation lists anew, valid from `now` on. Certificates stay.
  Status renew(UnixTime now);
  /// When the collateral ends.
  UnixTime collateral_ends() const { return collateral_ends_; }

  /// A version 4 TDX quote of a guest on this platform. Errors: internal/crypto_failed.
  Result<Bytes> quote(const SimTdReport& guest) const;

  const CollateralText& collateral() const { return collateral_; }
  /// PEM of the root certificate: what TrustedRoot::simulated takes.
  const std::string& root_pem() const { return root_pem_; }

  // Parts, from which tests make defective variants.
  const SimKeys& keys() const { return keys_; }
  /// PEM: PCK certificate, its CA, root.
  const std::string& pck_chain_pem() const { return *collateral_.pck_chain; }
  /// PEM: TCB signer, root.
  const std::string& tcb_chain_pem() const { return *collateral_.tcb_info.chain; }

 private:
  SimPlatform(SimKeys keys, std::string root_pem)
      : keys_(std::move(keys)), root_pem_(std::move(root_pem)) {}

  SimKeys keys_;
  std::string root_pem_;
  CollateralText collateral_;
  UnixTime collateral_ends_{};
};

// What the platform is made of. Functions, so that tests can change a part and sign again.

PckExtension sim_pck_extension(const PlatformId& ppid, const PlatformId& instance);
TcbInfo sim_tcb_info(UnixTime issued, UnixTime next);
QeIdentity sim_qe_identity(UnixTime issued, UnixTime next);
/// The quoting enclave's report.
SgxReport sim_qe_report();
/// The report of `guest` on the platform.
TdReport sim_td_report(const SimTdReport& guest);
/// A quote with this report, as the platform would make it.
QuoteSpec sim_quote_spec(const TdReport& report, std::string_view pck_chain_pem);

}  // namespace cocoon::attest::sim
