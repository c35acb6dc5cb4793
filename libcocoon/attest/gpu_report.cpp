#include "attest/gpu_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"

namespace cocoon::attest {

namespace {

constexpr std::uint8_t kSpdm11 = 0x11;
constexpr std::uint8_t kGetMeasurements = 0xE0;
constexpr std::uint8_t kMeasurements = 0x60;
/// Attributes of the request: a signature is wanted.
constexpr std::uint8_t kSigned = 0x01;
/// Operation of the request: all measurements.
constexpr std::uint8_t kAll = 0xFF;
constexpr std::uint8_t kDmtf = 0x01;
/// Bit 7 of a measurement's type: a raw value instead of a digest.
constexpr std::uint8_t kRaw = 0x80;
constexpr std::uint8_t kLastSlot = 7;

// Types of opaque data.
constexpr std::uint16_t kDriverVersion = 3;
constexpr std::uint16_t kVbiosVersion = 6;
constexpr std::uint16_t kNvdec0 = 11;
constexpr std::uint16_t kMeasurementCounts = 12;
constexpr std::uint16_t kChipSku = 15;
constexpr std::uint16_t kProject = 17;
constexpr std::uint16_t kProjectSku = 18;
constexpr std::uint16_t kFwid = 20;
constexpr std::uint16_t kProtectedPcie = 21;
constexpr std::uint16_t kFeatureFlag = 36;
// Values of switches.
constexpr std::uint8_t kOn = 0xAA;
constexpr std::uint8_t kOff = 0x55;

constexpr std::size_t kVbiosVersionBytes = 8;
constexpr std::size_t kMaxTextBytes = 64;

Error refuse(std::string_view what) {
  return Error(ErrorKind::attestation, "gpu_report_format",
               fmt::format("A GPU's attestation report is refused: {}.", what));
}

std::uint32_t u24le(ByteReader& in) {
  const std::uint32_t low = in.u16le();
  return low | std::uint32_t{in.u8()} << 16;
}

/// Printable ASCII up to the first zero, after which only zeros stand.
std::optional<std::string> read_text(ByteView value) {
  const auto end = std::find(value.begin(), value.end(), std::uint8_t{0});
  const bool valid =
      value.size() <= kMaxTextBytes && end != value.begin() &&
      std::all_of(value.begin(), end, [](std::uint8_t b) { return b > 0x20 && b < 0x7F; }) &&
      std::all_of(end, value.end(), [](std::uint8_t b) { return b == 0; });
  return valid ? std::optional(std::string(value.begin(), end)) : std::nullopt;
}

std::optional<bool> read_switch(ByteView value) {
  if (value.size() != 1 || (value[0] != kOn && value[0] != kOff)) return std::nullopt;
  return value[0] == kOn;
}

/// Eight bytes: a little-endian word with the first four numbers of the version, the fifth number,
/// and three zeros.
std::optional<std::string> read_vbios_version(ByteView value) {
  if (value.size() != kVbiosVersionBytes) return std::nullopt;
  return fmt::format("{:02X}.{:02X}.{:02X}.{:02X}.{:02X}", value[3], value[2], value[1], value[0],
                     value[4]);
}

/// The opaque data in progress.
class OpaqueReader {
 public:
  Result<GpuOpaqueData> run(ByteView data) {
    ByteReader in(data);
    std::vector<std::uint16_t> seen;
    while (in.remaining() > 0) {
      const std::uint16_t type = in.u16le();
      const ByteView value = in.take(in.u16le());
      if (in.failed()) return refuse("its opaque data ends within an element");
      if (std::find(seen.begin(), seen.end(), type) != seen.end()) {
        return refuse(fmt::format("the opaque element {} occurs twice", type));
      }
      seen.push_back(type);
      if (!read(type, value))
        return refuse(fmt::format("the opaque element {} is malformed", type));
    }
    if (out_.driver_version.empty() || out_.vbios_version.empty()) {
      return refuse("it names no driver or no VBIOS version");
    }
    if (!set_mode()) return refuse("its feature flag contradicts its protected PCIe status");
    return std::move(out_);
  }

 private:
  bool read(std::uint16_t type, ByteView value) {
    switch (type) {
      case kDriverVersion: return set(out_.driver_version, read_text(value));
      case kVbiosVersion: return set(out_.vbios_version, read_vbios_version(value));
      case kProject: return set(out_.project, read_text(value));
      case kProjectSku: return set(out_.project_sku, read_text(value));
      case kChipSku: return set(out_.chip_sku, read_text(value));
      case kFwid: out_.fwid = to_array<48>(value); return out_.fwid.has_value();
      case kNvdec0:
        out_.nvdec0_enabled = read_switch(value);
        return out_.nvdec0_enabled.has_value();
      case kProtectedPcie: protected_pcie_ = read_switch(value); return protected_pcie_.has_value();
      case kFeatureFlag:
        if (value.size() == 2) feature_ = ByteReader(value).u16le();
        return feature_ && *feature_ <= static_cast<std::uint16_t>(GpuMode::protected_pcie);
      case kMeasurementCounts: return read_counts(value);
      default: return true;
    }
  }

  static bool set(std::string& to, std::optional<std::string> text) {
    if (text) to = std::move(*text);
    return !to.empty();
  }

  bool read_counts(ByteView value) {
    ByteReader in(value);
    while (in.remaining() >= 4) out_.measurement_counts.push_back(in.u32le());
    return in.finished();
  }

  bool set_mode() {
    if (feature_) out_.mode = static_cast<GpuMode>(*feature_);
    if (!feature_ && protected_pcie_ == true) out_.mode = GpuMode::protected_pcie;
    return !feature_ || !protected_pcie_ ||
           *protected_pcie_ == (out_.mode == GpuMode::protected_pcie);
  }

  GpuOpaqueData out_;
  std::optional<bool> protected_pcie_;
  std::optional<std::uint16_t> feature_;
};

Status read_request(ByteReader& in, GpuReport& out) {
  const auto head = in.array<4>();
  out.request_nonce = in.array<32>();
  out.slot = in.u8();
  if (in.failed() || head != ByteArray<4>{kSpdm11, kGetMeasurements, kSigned, kAll} ||
      out.slot > kLastSlot) {
    return refuse("it does not begin with an SPDM 1.1 request for all measurements, signed");
  }
  return ok();
}

Status read_measurements(ByteView records, std::size_t count, GpuReport& out) {
  ByteReader in(records);
  int last = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t index = in.u8();
    const std::uint8_t specification = in.u8();
    ByteReader value(in.take(in.u16le()));
    const std::uint8_t type = value.u8();
    const std::uint16_t size = value.u16le();
    const GpuDigest digest = value.array<48>();
    if (in.failed() || !value.finished() || specification != kDmtf || (type & kRaw) != 0 ||
        size != digest.size()) {
      return refuse(fmt::format("its measurement block {} is no SHA-384 digest", i));
    }
    if (index <= last) return refuse("the indices of its measurements do not ascend from 1");
    last = index;
    out.measurements.emplace(static_cast<std::uint8_t>(index - 1), digest);
  }
  if (!in.finished()) return refuse("bytes follow its last measurement");
  return ok();
}

}  // namespace

std::string_view to_string(GpuMode mode) {
  switch (mode) {
    case GpuMode::multi: return "multi";
    case GpuMode::single: return "single";
    case GpuMode::protected_pcie: return "protected-pcie";
    case GpuMode::unstated: return "unstated";
  }
  return "unknown";
}

Result<GpuReport> parse_gpu_report(ByteView bytes) {
  if (bytes.size() > limits::kMaxGpuReportBytes) {
    return refuse(fmt::format("it has {} bytes, and {} are allowed", bytes.size(),
                              limits::kMaxGpuReportBytes));
  }
  GpuReport out;
  ByteReader in(bytes);
  COCOON_CHECK(read_request(in, out));
  const auto head = in.array<4>();
  const std::size_t count = in.u8();
  const ByteView records = in.take(u24le(in));
  out.response_nonce = in.array<32>();
  const ByteView opaque = in.take(in.u16le());
  if (in.failed() || head != ByteArray<4>{kSpdm11, kMeasurements, 0, out.slot} || count == 0) {
    return refuse("its second part is no SPDM 1.1 response with measurements");
  }
  out.signed_bytes = bytes.first(in.position());
  out.signature = in.array<96>();
  if (!in.finished()) return refuse("it does not end with a P-384 signature");
  COCOON_CHECK(read_measurements(records, count, out));
  COCOON_TRY(out.opaque, OpaqueReader().run(opaque));
  return out;
}

}  // namespace cocoon::attest
