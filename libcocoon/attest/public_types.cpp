#include <algorithm>
#include <charconv>

#include "attest/text.h"
#include "base/limits.h"
#include "cocoon/attestation.h"

COCOON_ABI_BEGIN

namespace {

struct StatusName {
  TcbStatus status;
  std::string_view name;
};
constexpr StatusName kStatusNames[] = {
    {TcbStatus::up_to_date, "UpToDate"},
    {TcbStatus::sw_hardening_needed, "SWHardeningNeeded"},
    {TcbStatus::configuration_needed, "ConfigurationNeeded"},
    {TcbStatus::configuration_and_sw_hardening_needed, "ConfigurationAndSWHardeningNeeded"},
    {TcbStatus::out_of_date, "OutOfDate"},
    {TcbStatus::out_of_date_configuration_needed, "OutOfDateConfigurationNeeded"},
    {TcbStatus::td_relaunch_advised, "TDRelaunchAdvised"},
    {TcbStatus::td_relaunch_advised_configuration_needed, "TDRelaunchAdvisedConfigurationNeeded"},
    {TcbStatus::revoked, "Revoked"},
};

/// All of `text`, in decimal.
bool read_number(std::string_view text, std::uint32_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string_view to_string(TrustedRootKind kind) noexcept {
  switch (kind) {
    case TrustedRootKind::intel: return "intel";
    case TrustedRootKind::simulated: return "simulated";
    case TrustedRootKind::amd: return "amd";
  }
  return "unknown";
}

std::string_view to_string(TeeKind kind) noexcept {
  switch (kind) {
    case TeeKind::sgx: return "sgx";
    case TeeKind::tdx: return "tdx";
    case TeeKind::snp: return "snp";
  }
  return "unknown";
}

std::string_view to_string(SnpProduct product) noexcept {
  switch (product) {
    case SnpProduct::milan: return "Milan";
    case SnpProduct::genoa: return "Genoa";
    case SnpProduct::turin: return "Turin";
  }
  return "unknown";
}

std::string_view to_string(TcbStatus status) noexcept {
  for (const StatusName& entry : kStatusNames) {
    if (entry.status == status) return entry.name;
  }
  return "unknown";
}

std::optional<TcbStatus> tcb_status_from_string(std::string_view name) noexcept {
  for (const StatusName& entry : kStatusNames) {
    if (entry.name == name) return entry.status;
  }
  return std::nullopt;
}

Result<ImageHash> ImageHash::from_hex(std::string_view text) {
  const auto bytes = attest::decode_hex_array<32>(text);
  if (!bytes) {
    return Error(ErrorKind::invalid_argument, "image_hash_invalid",
                 "An image hash is written as 64 hexadecimal digits.");
  }
  return ImageHash{*bytes};
}

std::string ImageHash::to_hex() const {
  return attest::encode_hex(bytes);
}

Result<PlatformId> PlatformId::from_hex(std::string_view text) {
  const auto id = attest::decode_hex_array<16>(text);
  if (!id) {
    return Error(ErrorKind::invalid_argument, "platform_id_invalid",
                 "A platform id is written as 32 hexadecimal digits.");
  }
  return PlatformId{*id};
}

std::string PlatformId::to_hex() const {
  return attest::encode_hex(bytes);
}

Result<AdvisoryGrace> AdvisoryGrace::from_text(std::string_view text) {
  constexpr std::string_view kUntil = " until ";
  constexpr std::string_view kPrefix = "INTEL-SA-";
  const std::size_t at = text.find(kUntil);
  const std::string_view advisory = text.substr(0, at);
  const bool named = advisory.starts_with(kPrefix) && advisory.size() > kPrefix.size() &&
                     advisory.find_first_not_of("0123456789", kPrefix.size()) == advisory.npos;
  const auto until = at == std::string_view::npos
                         ? std::nullopt
                         : attest::parse_utc(text.substr(at + kUntil.size()));
  if (!named || !until) {
    return Error(ErrorKind::invalid_argument, "advisory_grace_invalid",
                 "A tolerated advisory is written as \"INTEL-SA-00615 until "
                 "2026-12-31T00:00:00Z\".");
  }
  // The public type counts nanoseconds from 1970, so it ends in 2262: later is as good as for ever,
  // and earlier as good as its beginning.
  using Clock = std::chrono::system_clock;
  constexpr UnixTime kLatest = std::chrono::time_point_cast<Millis>(Clock::time_point::max());
  return AdvisoryGrace{std::string(advisory), std::clamp(*until, UnixTime{}, kLatest)};
}

Result<QgsAddress> QgsAddress::from_text(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  constexpr std::string_view kVsock = "vsock:";
  QgsAddress out;
  bool valid = false;
  if (text.starts_with(kUnix)) {
    out.unix_path = text.substr(kUnix.size());
    valid = out.unix_path.starts_with('/') &&
            out.unix_path.size() <= cocoon::limits::kMaxUnixPathBytes &&
            out.unix_path.find('\0') == out.unix_path.npos;
  } else if (text.starts_with(kVsock)) {
    const std::string_view numbers = text.substr(kVsock.size());
    const std::size_t colon = numbers.find(':');
    valid = colon != numbers.npos && read_number(numbers.substr(0, colon), out.cid) &&
            read_number(numbers.substr(colon + 1), out.port);
  }
  if (!valid) {
    return Error(ErrorKind::invalid_argument, "qgs_address_invalid",
                 "The address of a Quote Generation Service is written as \"vsock:2:4050\" (CID 2 "
                 "is the host) or \"unix:/run/qgs.socket\".");
  }
  return out;
}

std::string QgsAddress::to_text() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  return "vsock:" + std::to_string(cid) + ":" + std::to_string(port);
}

COCOON_ABI_END
