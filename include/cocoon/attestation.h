#pragma once
/// @file Attestation as configuration: which peers are trusted, and where a node's own evidence
/// comes from. The verifier itself is internal; its results appear in logs, in
/// `Client::evidence_json()` and in errors of kind `attestation`.

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cocoon/result.h"

COCOON_ABI_BEGIN

/// Whose key the evidence must lead to.
enum class TrustedRootKind : std::uint8_t {
  intel,     ///< Intel SGX Root CA: real hardware
  simulated  ///< a network's own simulated platform: development only, proves nothing
};

/// "intel" or "simulated".
COCOON_API std::string_view to_string(TrustedRootKind kind) noexcept;

/// The kind of trusted execution environment.
enum class TeeKind : std::uint8_t {
  sgx,  ///< an Intel SGX enclave
  tdx   ///< an Intel TDX guest (trust domain)
};

/// "sgx" or "tdx".
COCOON_API std::string_view to_string(TeeKind kind) noexcept;

/// How current a platform is, in Intel's words (PCS API v4, `tcbStatus`; the last two come from the
/// verifier: a guest that keeps running across an update of the TDX module).
enum class TcbStatus : std::uint8_t {
  up_to_date,
  sw_hardening_needed,
  configuration_needed,
  configuration_and_sw_hardening_needed,
  out_of_date,
  out_of_date_configuration_needed,
  td_relaunch_advised,
  td_relaunch_advised_configuration_needed,
  revoked
};

/// Intel's spelling, for example "UpToDate" or "ConfigurationAndSWHardeningNeeded".
COCOON_API std::string_view to_string(TcbStatus status) noexcept;
/// The status that Intel spells `name`; nothing where there is none.
COCOON_API std::optional<TcbStatus> tcb_status_from_string(std::string_view name) noexcept;

/// What runs inside an environment: one hash over its measurements.
///
/// TDX: SHA-256("cocoon-image-tdx-v1" ‖ 0x00 ‖ MRTD ‖ RTMR0 ‖ RTMR1 ‖ RTMR2 ‖ MRCONFIGID), five
/// values of 48 bytes. RTMR3 is left out: software extends it while it runs.
/// SGX: SHA-256("cocoon-image-sgx-v1" ‖ 0x00 ‖ MRENCLAVE ‖ MRSIGNER ‖ ISVPRODID ‖ ISVSVN), two
/// values of 32 bytes, two of two bytes as they stand in the report (little-endian).
struct ImageHash {
  std::array<std::uint8_t, 32> bytes{};

  /// Reads 64 hexadecimal digits, in either case.
  /// Errors: invalid_argument/image_hash_invalid.
  COCOON_API static Result<ImageHash> from_hex(std::string_view text);
  /// 64 lower-case hexadecimal digits.
  COCOON_API std::string to_hex() const;

  friend auto operator<=>(const ImageHash&, const ImageHash&) = default;
};

/// One machine: its PPID, or the PlatformInstanceID of its platform certificate. Both come from the
/// PCK certificate and are unique to a machine; an attacker with physical access to another machine
/// cannot take them over, so a list of them is the answer to memory-bus attacks (tee.fail).
struct PlatformId {
  std::array<std::uint8_t, 16> bytes{};

  /// Reads 32 hexadecimal digits, in either case.
  /// Errors: invalid_argument/platform_id_invalid.
  COCOON_API static Result<PlatformId> from_hex(std::string_view text);
  /// 32 lower-case hexadecimal digits.
  COCOON_API std::string to_hex() const;

  friend auto operator<=>(const PlatformId&, const PlatformId&) = default;
};

/// A 384-bit measurement of TDX (MRSEAM, MR_SERVICETD).
using TdxMeasurement = std::array<std::uint8_t, 48>;

/// A known weakness that is tolerated for a while, so that a fleet can be updated in turn.
struct AdvisoryGrace {
  std::string advisory;                           ///< Intel's name, for example "INTEL-SA-00615"
  std::chrono::system_clock::time_point until{};  ///< the last moment at which it counts

  /// Reads "INTEL-SA-00615 until 2026-12-31T00:00:00Z".
  /// Errors: invalid_argument/advisory_grace_invalid.
  COCOON_API static Result<AdvisoryGrace> from_text(std::string_view text);

  friend bool operator==(const AdvisoryGrace&, const AdvisoryGrace&) = default;
};

/// Which evidence is good enough. The defaults admit nobody until images are listed, and then only
/// current, production-mode TDX guests on real hardware. There is no setting that skips
/// verification or admits a debug or migratable guest.
struct AttestationPolicy {
  /// A policy that names the simulated root accepts nothing else; one that names Intel never
  /// accepts simulated evidence.
  TrustedRootKind root = TrustedRootKind::intel;
  /// With the simulated root: the directory that holds the network's `root.pem` and
  /// `collateral.json`. Read once, at start.
  std::string simulated_dir;

  /// The images that are admitted. Empty admits nobody.
  std::vector<ImageHash> images;
  /// Kinds of environment that are admitted.
  std::vector<TeeKind> tees{TeeKind::tdx};
  /// TCB statuses that are admitted. `revoked` is refused even where listed.
  std::vector<TcbStatus> tcb_statuses{TcbStatus::up_to_date};
  /// Weaknesses that are tolerated for a while: a status that is not listed is admitted where it
  /// comes with advisories, every one of them stands here, and none has run out. `revoked` is
  /// refused all the same.
  std::vector<AdvisoryGrace> tcb_grace;
  /// Floor of the TCB evaluation number of the collateral (the smaller of TCB info and QE
  /// identity), so that nobody gets by with an older, kinder edition.
  std::uint32_t min_tcb_evaluation_number = 0;
  /// Oldest issue date of the collateral, as an age; unset: its own validity is enough.
  std::optional<std::chrono::seconds> max_collateral_age;

  /// The machines that are admitted; unset: any genuine one. An empty list admits none.
  std::optional<std::vector<PlatformId>> platforms;
  /// The TDX modules (MRSEAM) that are admitted; unset: any that Intel lists.
  std::optional<std::vector<TdxMeasurement>> tdx_modules;
  /// Service guests (MR_SERVICETD) that may be bound to a guest. One that has none is always
  /// admitted.
  std::vector<TdxMeasurement> service_tds;
  /// Processor features that a guest may use (XFAM). The default is the set of TDX module 1.0 and
  /// 1.5; bits 0 and 1 (x87, SSE) are always required.
  std::uint64_t allowed_xfam = 0x6DBE7;
};

/// Where a node's own evidence comes from.
struct EvidenceSource {
  enum class Kind : std::uint8_t {
    tdx,       ///< the Linux TDX guest interfaces of this machine
    simulated  ///< a simulated platform: accepted by policies that name its root, only
  };
  Kind kind = Kind::tdx;
  /// Kind::simulated: the directory with `root.pem`, `collateral.json` and the platform's keys.
  std::string simulated_dir;
};

COCOON_ABI_END
