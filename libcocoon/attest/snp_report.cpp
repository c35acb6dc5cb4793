#include "attest/snp_report.h"

#include <fmt/format.h>

#include <algorithm>

namespace cocoon::attest {

namespace {

constexpr std::uint32_t kFirstVersion = 2;
constexpr std::uint32_t kVersionWithCpu = 3;
constexpr std::uint32_t kVersionWithMitigations = 5;
constexpr std::uint32_t kLastVersion = 5;
/// SIGNATURE_ALGO: ECDSA P-384 with SHA-384 (same specification, chapter "Digital signatures").
constexpr std::uint32_t kEcdsaP384 = 1;
/// r and s stand in fields of this size, little-endian.
constexpr std::size_t kScalarField = 72;
constexpr std::size_t kScalarBytes = 48;

Error refuse(std::string_view what) {
  return Error(ErrorKind::attestation, "snp_report_format",
               fmt::format("A SEV-SNP report is refused: {}.", what));
}

/// Reads a report from front to back and remembers whether a reserved byte was set.
class Fields {
 public:
  explicit Fields(ByteView bytes) : in(bytes) {}

  void reserved(std::size_t size) {
    const ByteView bytes = in.take(size);
    if (std::any_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b != 0; })) {
      dirty = true;
    }
  }
  SnpFirmware firmware() {
    SnpFirmware out;
    out.build = in.u8();
    out.minor = in.u8();
    out.major = in.u8();
    reserved(1);
    return out;
  }
  /// The next scalar of the signature, turned to big-endian.
  void scalar(std::uint8_t* out) {
    const ByteView bytes = in.take(kScalarBytes);
    std::reverse_copy(bytes.begin(), bytes.end(), out);
    reserved(kScalarField - kScalarBytes);
  }

  ByteReader in;
  bool dirty = false;
};

/// 0x000 to 0x04F. Returns false where the key is none that can be.
bool read_head(Fields& f, SnpReport& out) {
  out.guest_svn = f.in.u32le();
  out.policy = f.in.u64le();
  out.family_id = f.in.array<16>();
  out.image_id = f.in.array<16>();
  out.vmpl = f.in.u32le();
  const std::uint32_t algorithm = f.in.u32le();
  out.current_tcb = f.in.array<8>();
  out.platform_info = f.in.u64le();
  const std::uint32_t flags = f.in.u32le();
  f.reserved(4);
  out.author_key_enabled = (flags & 1) != 0;
  out.chip_key_masked = (flags & 2) != 0;
  out.signing_key = static_cast<SnpSigningKey>(flags >> 2 & 7);
  if (flags >> 5 != 0) f.dirty = true;
  return algorithm == kEcdsaP384 &&
         (out.signing_key == SnpSigningKey::vcek || out.signing_key == SnpSigningKey::vlek);
}

/// 0x050 to 0x29F.
void read_body(Fields& f, SnpReport& out) {
  out.report_data = f.in.array<64>();
  out.measurement = f.in.array<48>();
  out.host_data = f.in.array<32>();
  out.id_key_digest = f.in.array<48>();
  out.author_key_digest = f.in.array<48>();
  out.report_id = f.in.array<32>();
  out.report_id_ma = f.in.array<32>();
  out.reported_tcb = f.in.array<8>();
  if (out.version >= kVersionWithCpu) {
    out.cpu.emplace();
    out.cpu->family = f.in.u8();
    out.cpu->model = f.in.u8();
    out.cpu->stepping = f.in.u8();
    f.reserved(21);
  } else {
    f.reserved(24);
  }
  out.chip_id = f.in.array<64>();
  out.committed_tcb = f.in.array<8>();
  out.current_firmware = f.firmware();
  out.committed_firmware = f.firmware();
  out.launch_tcb = f.in.array<8>();
  if (out.version >= kVersionWithMitigations) {
    out.launch_mitigations = f.in.u64le();
    out.current_mitigations = f.in.u64le();
  } else {
    f.reserved(16);
  }
  f.reserved(kSnpSignedBytes - f.in.position());
}

}  // namespace

Result<SnpReport> parse_snp_report(ByteView bytes) {
  if (bytes.size() != kSnpReportBytes) {
    return refuse(fmt::format("it has {} bytes instead of {}", bytes.size(), kSnpReportBytes));
  }
  Fields f(bytes);
  SnpReport out;
  out.version = f.in.u32le();
  if (out.version < kFirstVersion || out.version > kLastVersion) {
    return refuse(fmt::format("its version is {}, and {} to {} are known", out.version,
                              kFirstVersion, kLastVersion));
  }
  if (!read_head(f, out)) {
    return refuse("it is not signed with ECDSA on P-384 by a VCEK or VLEK");
  }
  read_body(f, out);
  f.scalar(out.signature.data());
  f.scalar(out.signature.data() + kScalarBytes);
  f.reserved(f.in.remaining());
  if (f.dirty || !f.in.finished()) return refuse("a reserved byte is not zero");
  return out;
}

SnpTcb decode_snp_tcb(SnpProduct product, const SnpTcbBytes& bytes) {
  SnpTcb out;
  out.microcode = bytes[7];
  if (product == SnpProduct::turin) {
    out.fmc = bytes[0];
    out.boot_loader = bytes[1];
    out.tee = bytes[2];
    out.snp = bytes[3];
  } else {
    out.boot_loader = bytes[0];
    out.tee = bytes[1];
    out.snp = bytes[6];
  }
  return out;
}

}  // namespace cocoon::attest
