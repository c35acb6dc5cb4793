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
  intel,      ///< Intel SGX Root CA: real hardware
  simulated,  ///< a network's own simulated platform: development only, proves nothing
  amd         ///< AMD's root keys (ARK), in verdicts of SEV-SNP reports: real hardware
};

/// "intel", "simulated" or "amd".
COCOON_API std::string_view to_string(TrustedRootKind kind) noexcept;

/// The kind of trusted execution environment.
enum class TeeKind : std::uint8_t {
  sgx,  ///< an Intel SGX enclave
  tdx,  ///< an Intel TDX guest (trust domain)
  snp   ///< an AMD SEV-SNP guest
};

/// "sgx", "tdx" or "snp".
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
/// SEV-SNP: SHA-256("cocoon-image-snp-v1" ‖ 0x00 ‖ MEASUREMENT ‖ HOST_DATA ‖ ID_KEY_DIGEST ‖
/// AUTHOR_KEY_DIGEST): 48, 32, 48 and 48 bytes. HOST_DATA stands for MRCONFIGID: the host sets it,
/// and the guest cannot change it.
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
///
/// SEV-SNP: the first 16 bytes of SHA-256("cocoon-platform-snp-v1" ‖ 0x00 ‖ CHIP_ID), with the 64
/// bytes of the chip's id from its VCEK certificate. A VLEK belongs to no chip: its guests have
/// no such id.
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

/// A measurement set of NVIDIA GPUs, by the SHA-256 of its text (docs/attestation.md).
using GpuSetHash = std::array<std::uint8_t, 32>;

/// A known weakness that is tolerated for a while, so that a fleet can be updated in turn.
struct AdvisoryGrace {
  std::string advisory;                           ///< Intel's name, for example "INTEL-SA-00615"
  std::chrono::system_clock::time_point until{};  ///< the last moment at which it counts

  /// Reads "INTEL-SA-00615 until 2026-12-31T00:00:00Z".
  /// Errors: invalid_argument/advisory_grace_invalid.
  COCOON_API static Result<AdvisoryGrace> from_text(std::string_view text);

  friend bool operator==(const AdvisoryGrace&, const AdvisoryGrace&) = default;
};

/// A SHA-384 digest in a SEV-SNP report (MEASUREMENT, ID_KEY_DIGEST, AUTHOR_KEY_DIGEST).
using SnpDigest = std::array<std::uint8_t, 48>;

/// A line of AMD processors with a root key of its own. Bergamo and Siena belong to `genoa`.
enum class SnpProduct : std::uint8_t { milan, genoa, turin };
/// AMD's spelling: "Milan", "Genoa" or "Turin".
COCOON_API std::string_view to_string(SnpProduct product) noexcept;

/// What signed a SEV-SNP report (SIGNING_KEY).
enum class SnpSigningKey : std::uint8_t {
  vcek = 0,  ///< a key of the chip
  vlek = 1   ///< a key that AMD lent to a cloud provider, for all its chips
};

/// Security patch levels of a SEV-SNP platform's parts (TCB_VERSION). They are compared part by
/// part: none makes up for another.
struct SnpTcb {
  std::uint8_t fmc = 0;  ///< Turin only
  std::uint8_t boot_loader = 0;
  std::uint8_t tee = 0;
  std::uint8_t snp = 0;
  std::uint8_t microcode = 0;
  friend bool operator==(const SnpTcb&, const SnpTcb&) = default;
};

/// The least that a product's platforms must have.
struct SnpFloor {
  SnpProduct product = SnpProduct::milan;
  SnpTcb tcb;
};

/// Which SEV-SNP guests are good enough; for policies whose `tees` have TeeKind::snp. AMD publishes
/// no list of statuses as Intel does, so the policy says itself how current a platform must be.
/// There is no setting that admits a guest that its host may debug or migrate.
struct SnpPolicy {
  /// The least reported, committed, current and launch TCB. A product that is not listed is not
  /// admitted, so empty admits nobody.
  std::vector<SnpFloor> minimum_tcb;
  /// The least ABI version that the guest's own policy demands of its firmware.
  std::uint8_t min_abi_major = 0;
  std::uint8_t min_abi_minor = 0;
  /// Privilege levels (VMPL) that may ask for the report: 0 to this one.
  std::uint32_t max_vmpl = 0;
  /// The guest may run while a neighbour thread of its core runs something else.
  bool allow_smt = false;
  /// The guest may be spread over several sockets.
  bool allow_multiple_sockets = true;
  /// The platform may run firmware that its owner can still roll back.
  bool allow_provisional_firmware = false;
  /// CHIP_ID may be zero. (The platform is known from the VCEK certificate all the same.)
  bool allow_masked_chip_id = false;
  /// The verdict may rest on no revocation list.
  bool allow_missing_revocation_list = false;
  /// The firmware must have looked for memory that aliases other memory (BadRAM).
  bool require_alias_check = false;
  /// Cloud providers (CSP_ID) whose VLEK is admitted. Empty: only chips' own keys are.
  std::vector<std::string> vlek_providers;
  /// Keys that may have signed the guest's id block; unset: any or none.
  std::optional<std::vector<SnpDigest>> id_keys;
  /// Keys that may have vouched for the id key; unset: any or none.
  std::optional<std::vector<SnpDigest>> author_keys;
};

/// Which evidence is good enough. The defaults admit the images that the network's registry lists,
/// and of them only current, production-mode TDX guests on real hardware. There is no setting that
/// skips verification or admits a debug or migratable guest.
struct AttestationPolicy {
  /// A policy that names the simulated root accepts nothing else; one that names Intel never
  /// accepts simulated evidence. SEV-SNP guests, which rest on AMD's roots, are admitted where
  /// `tees` lists them and this is `intel`, which stands for real hardware.
  TrustedRootKind root = TrustedRootKind::intel;
  /// With the simulated root: the directory that holds the network's `root.pem` and
  /// `collateral.json`, and, where its GPUs are simulated, too, their root, `gpu_root.pem`. Read
  /// once, at start.
  std::string simulated_dir;

  /// The images that are admitted, of those that the registry lists. Unset: all of the registry's.
  /// An empty list admits nobody, and so does a registry that lists none.
  std::optional<std::vector<ImageHash>> images;
  /// Kinds of environment that are admitted.
  std::vector<TeeKind> tees{TeeKind::tdx};
  /// TCB statuses that are admitted. `revoked` is refused even where listed.
  std::vector<TcbStatus> tcb_statuses{TcbStatus::up_to_date};
  /// Weaknesses that are tolerated for a while: a status that is not listed is admitted where it
  /// comes with advisories, every one of them stands here, and none has run out. `revoked` is
  /// refused all the same.
  std::vector<AdvisoryGrace> tcb_grace;
  /// Floor of the TCB evaluation number of Intel's collateral (the smaller of TCB info and QE
  /// identity), so that nobody gets by with an older, kinder edition.
  std::uint32_t min_tcb_evaluation_number = 0;
  /// Oldest issue date of the collateral (SEV-SNP: of the revocation list), as an age; unset: its
  /// own validity is enough.
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

  /// SEV-SNP guests.
  SnpPolicy snp;

  /// Workers: the measurement sets that their GPUs may fit. Set: a worker must show evidence of its
  /// GPUs, and an empty list admits none. Unset: the registry's list holds, and where that is
  /// empty, too, no GPU evidence is demanded, and a worker that claims some is refused, because
  /// nobody said what it is to be judged by.
  std::optional<std::vector<GpuSetHash>> gpu_measurement_sets;
};

/// Where a Quote Generation Service (QGS) of Intel's listens: on the host, to which a guest has a
/// vsock, or behind a unix socket. The default is the host, at the port of Intel's package.
struct QgsAddress {
  std::string unix_path;      ///< empty: vsock
  std::uint32_t cid = 2;      ///< VMADDR_CID_HOST (vsock(7))
  std::uint32_t port = 4050;  ///< of Intel's qgs.conf

  /// Reads "vsock:CID:PORT" or "unix:/path".
  /// Errors: invalid_argument/qgs_address_invalid.
  COCOON_API static Result<QgsAddress> from_text(std::string_view text);
  /// As from_text() reads it.
  COCOON_API std::string to_text() const;

  friend bool operator==(const QgsAddress&, const QgsAddress&) = default;
};

/// Where Intel's statements about platforms come from: TCB info, QE identity and revocation lists.
/// They are signed, so whoever hands them out is not trusted with what they say; only with being
/// there, and with having the newest. For policies with the root `intel`.
struct CollateralSource {
  /// Which TCB recovery the statements are of.
  enum class Update : std::uint8_t {
    early,    ///< the newest at once
    standard  ///< once the time that Intel gives for updating has run out
  };
  /// Intel's Provisioning Certification Service, or a PCCS such as "https://pccs.example:8081";
  /// without a path. API version 4, the only one with TDX. Empty: nothing is fetched.
  std::string url = "https://api.trustedservices.intel.com";
  Update update = Update::early;
  /// The authorities, PEM, that may vouch for the service's TLS certificate, in place of the
  /// system's; empty: the system's.
  std::string ca_file;
  /// A folder with what `cocoon-attest fetch-collateral` has written into it; it is looked at
  /// before the service is asked. Empty: none.
  std::string bundle_dir;
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
  /// Kind::tdx: where configfs is mounted. Quotes come from `tsm/report` in it (Linux 6.7).
  std::string configfs = "/sys/kernel/config";
  /// Kind::tdx: who is asked for a quote where configfs gives none.
  QgsAddress qgs;
  /// Kind::tdx: a file with the log of this guest's boot, which Linux has at
  /// `/sys/firmware/acpi/tables/data/CCEL`. The node shows it in its certificate, so that outsiders
  /// can tell from the quote what booted: to everybody who connects, and with the kernel's command
  /// line. Empty: it shows none.
  std::string event_log;

  enum class Gpu : std::uint8_t {
    none,   ///< no evidence of GPUs
    nvidia  ///< that of all NVIDIA GPUs of this machine, by NVML
  };
  /// Workers: whose evidence is shown beside that of the guest. With Gpu::nvidia a worker that gets
  /// none of its GPUs shows no evidence at all, and tries again.
  Gpu gpu = Gpu::none;
  /// Gpu::nvidia: the files with the measurement sets that the GPUs fit, as `cocoon-attest rim`
  /// writes them: of driver and VBIOS of each kind of board.
  std::vector<std::string> gpu_set_files;
  /// Gpu::nvidia: NVIDIA's library, by name or path.
  std::string nvml = "libnvidia-ml.so.1";
};

COCOON_ABI_END
