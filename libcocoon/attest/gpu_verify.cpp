#include "attest/gpu_verify.h"

#include <fmt/format.h>

#include <algorithm>

#include "attest/der.h"
#include "attest/open_verdict.h"
#include "attest/sha384_certificate.h"
#include "attest/text.h"

namespace cocoon::attest {

namespace {

/// SHA-256 of the SubjectPublicKeyInfo of NVIDIA Device Identity CA (nvtrust, local_gpu_verifier,
/// certs/verifier_device_root.pem).
constexpr std::string_view kNvidiaRoot =
    "a90c4eb5acfd3e3d03a25db6a26b84f720ad0503196c627c21ddd48dd85b06a4";

/// TCG DICE: the extension with the id of the firmware that a key belongs to. Hopper puts a
/// CompositeDeviceID there, Blackwell a DiceTcbInfo.
constexpr std::string_view kDiceTcbInfo = "2.23.133.5.4.1";
/// The least number of certificates: leaf, device, identity, root.
constexpr std::size_t kLeastChain = 4;
/// The measurement that concerns the video decoder 0.
constexpr std::uint8_t kNvdec0Index = 35;

/// The digest of a FWID: SEQUENCE { OID SHA-384, OCTET STRING }.
std::optional<GpuDigest> read_fwid(ByteView contents) {
  constexpr ByteArray<9> kSha384{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02};
  der::Reader in(contents);
  const ByteView algorithm = in.read(der::Tag::object_identifier);
  const auto digest = to_array<48>(in.read(der::Tag::octet_string));
  return in.finished() && equal_public(algorithm, kSha384) ? digest : std::nullopt;
}

/// The first FWID in the extension's value.
std::optional<GpuDigest> find_fwid(ByteView value) {
  constexpr std::uint8_t kSequence = static_cast<std::uint8_t>(der::Tag::sequence);
  constexpr std::uint8_t kFwids = 0xA6;  // [6], in DiceTcbInfo
  der::Reader outer(value);
  der::Reader in = outer.sequence();
  if (!outer.finished()) return std::nullopt;
  while (!in.at_end()) {
    const der::Element element = in.any();
    if (element.tag == kFwids)
      return read_fwid(der::Reader(element.contents).read(der::Tag::sequence));
    if (element.tag != kSequence) continue;
    if (const auto fwid = read_fwid(element.contents)) return fwid;
  }
  return std::nullopt;
}

/// "GH100" of "NVIDIA GH100 Identity"; empty for other names.
std::string chip_of(std::string_view identity_name) {
  constexpr std::string_view kBefore = "NVIDIA ";
  constexpr std::string_view kAfter = " Identity";
  if (!identity_name.starts_with(kBefore) || !identity_name.ends_with(kAfter) ||
      identity_name.size() <= kBefore.size() + kAfter.size()) {
    return {};
  }
  return std::string(
      identity_name.substr(kBefore.size(), identity_name.size() - kBefore.size() - kAfter.size()));
}

/// One verification in progress.
class Verification : OpenVerdict<GpuVerdict> {
 public:
  Verification(const GpuEvidence& evidence, std::span<const GpuMeasurementSet> sets, UnixTime now)
      : evidence_(evidence), sets_(sets), now_(now) {}

  GpuVerdict run(const Hash& nonce, const GpuRoot& root) {
    if (read_parts()) {
      check_chain(root);
      if (!chain_.front()->key.verify_raw({report_.signed_bytes}, report_.signature)) {
        fault(GpuFault::report_signature);
      }
      check_dates();
      if (report_.request_nonce != nonce) fault(GpuFault::nonce_mismatch);
      check_fwid();
      if (out_.faults.empty()) check_measurements();
    }
    return close();
  }

 private:
  bool read_parts() {
    auto report = parse_gpu_report(evidence_.report);
    auto chain = parse_sha384_chain(evidence_.certificates);
    if (!report) fault(GpuFault::report_format);
    if (!chain) fault(GpuFault::chain_untrusted, "format");
    if (chain && chain->size() < kLeastChain) fault(GpuFault::chain_untrusted, "count");
    if (!out_.faults.empty()) return false;
    report_ = std::move(report).value();
    chain_ = std::move(chain).value();
    out_.firmware = report_.opaque;
    return true;
  }

  void check_chain(const GpuRoot& root) {
    std::string_view wrong = check_sha384_links(chain_);
    out_.chip = chip_of(chain_[chain_.size() - 2]->common_name);
    if (wrong.empty() &&
        (out_.chip.empty() || !chain_.front()->common_name.starts_with(out_.chip + " "))) {
      wrong = "name";
    }
    if (chain_.back()->key.digest() != root.key()) wrong = "root";
    if (!wrong.empty()) fault(GpuFault::chain_untrusted, std::string(wrong));
    out_.device = chain_[1]->key.digest();
  }

  void check_dates() {
    out_.expires = UnixTime::max();
    for (const Sha384CertificatePtr& certificate : chain_) {
      out_.expires = std::min(out_.expires, certificate->not_after);
    }
    if (now_ > out_.expires) fault(GpuFault::expired);
    if (std::any_of(chain_.begin(), chain_.end(),
                    [&](const Sha384CertificatePtr& c) { return now_ < c->not_before; })) {
      fault(GpuFault::not_yet_valid);
    }
  }

  void check_fwid() {
    const auto extension = chain_.front()->extension(kDiceTcbInfo);
    const auto certified = extension ? find_fwid(*extension) : std::nullopt;
    if (!certified || !report_.opaque.fwid) {
      fault(GpuFault::fwid_mismatch, "missing");
    } else if (*certified != *report_.opaque.fwid) {
      fault(GpuFault::fwid_mismatch);
    }
  }

  /// The sets that are made for this chip's part in the version that it runs.
  std::vector<const GpuMeasurementSet*> candidates(GpuPart part, const std::string& version) {
    std::vector<const GpuMeasurementSet*> out;
    for (const GpuMeasurementSet& set : sets_) {
      if (set.part() == part && set.chip() == out_.chip && set.version() == version) {
        out.push_back(&set);
      }
    }
    if (out.empty()) {
      fault(GpuFault::measurements_missing,
            fmt::format("{} {} {}", to_string(part), out_.chip, version));
    }
    return out;
  }

  /// Two boards may have a VBIOS of one version and different measurements, so a version may have
  /// several sets: one pair has to fit. What is wrong with the first is reported.
  void check_measurements() {
    const auto drivers = candidates(GpuPart::driver, report_.opaque.driver_version);
    const auto vbioses = candidates(GpuPart::vbios, report_.opaque.vbios_version);
    std::optional<GpuFinding> first;
    for (const GpuMeasurementSet* driver : drivers) {
      for (const GpuMeasurementSet* vbios : vbioses) {
        auto wrong = compare(driver->digests(), vbios->digests());
        if (!wrong) {
          out_.driver_set = driver->hash();
          out_.vbios_set = vbios->hash();
          return;
        }
        if (!first) first = std::move(wrong);
      }
    }
    if (first) out_.faults.push_back(std::move(*first));
  }

  std::optional<GpuFinding> compare(const GpuMeasurementSet::Digests& driver,
                                    const GpuMeasurementSet::Digests& vbios) const {
    std::vector<std::uint8_t> shared;
    std::vector<std::uint8_t> wrong;
    for (const auto& [index, allowed] : driver) {
      if (vbios.contains(index)) shared.push_back(index);
      if (!matches(index, allowed)) wrong.push_back(index);
    }
    for (const auto& [index, allowed] : vbios) {
      if (!matches(index, allowed)) wrong.push_back(index);
    }
    std::sort(wrong.begin(), wrong.end());
    if (!shared.empty()) {
      return GpuFinding{GpuFault::measurements_conflict, fmt::format("{}", fmt::join(shared, ","))};
    }
    if (wrong.empty()) return std::nullopt;
    return GpuFinding{GpuFault::measurements_mismatch, fmt::format("{}", fmt::join(wrong, ","))};
  }

  bool matches(std::uint8_t index, const std::vector<GpuDigest>& allowed) const {
    if (index == kNvdec0Index && report_.opaque.nvdec0_enabled == false) return true;
    const auto found = report_.measurements.find(index);
    return found != report_.measurements.end() &&
           std::find(allowed.begin(), allowed.end(), found->second) != allowed.end();
  }

  const GpuEvidence& evidence_;
  std::span<const GpuMeasurementSet> sets_;
  UnixTime now_;
  GpuReport report_;
  std::vector<Sha384CertificatePtr> chain_;
};

template <class T>
bool contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

void judge(const GpuVerdict& gpu, const GpuPolicy& policy, UnixTime now,
           std::vector<Refusal>& out) {
  const std::string name = encode_hex(gpu.device);
  if (!gpu.trusted()) {
    out.push_back(
        {"gpu_untrusted", fmt::format("A GPU's evidence did not verify: {}.", gpu.text())});
    return;
  }
  if (now > gpu.expires) {
    out.push_back({"gpu_expired", fmt::format("The certificates of the GPU {} ended at {}.", name,
                                              format_utc(gpu.expires))});
  }
  for (const Hash& set : {gpu.driver_set, gpu.vbios_set}) {
    if (contains(policy.measurement_sets, set)) continue;
    out.push_back({"gpu_measurement_set",
                   fmt::format("The GPU {} fits the measurement set {}, which is not on the "
                               "policy's list.",
                               name, encode_hex(set))});
  }
  if (!contains(policy.modes, gpu.firmware.mode)) {
    out.push_back(
        {"gpu_mode", fmt::format("The GPU {} is in the mode {}, which the policy does not "
                                 "admit.",
                                 name, to_string(gpu.firmware.mode))});
  }
  if (policy.devices && !contains(*policy.devices, gpu.device)) {
    out.push_back({"gpu_device", fmt::format("The GPU {} is not on the policy's list.", name)});
  }
}

}  // namespace

GpuRoot GpuRoot::nvidia() {
  // A constant of 64 digits: value() cannot fail.
  return GpuRoot(decode_hex_array<32>(kNvidiaRoot).value());
}

Result<GpuRoot> GpuRoot::stand_in_for_nvidia(std::string_view root_pem) {
  COCOON_TRY(const Hash key, self_signed_sha384_key(root_pem));
  return GpuRoot(key);
}

std::string_view to_string(GpuFault fault) {
  switch (fault) {
    case GpuFault::report_format: return "GPU_REPORT_FORMAT";
    case GpuFault::chain_untrusted: return "GPU_CHAIN_UNTRUSTED";
    case GpuFault::report_signature: return "GPU_REPORT_SIGNATURE";
    case GpuFault::measurements_missing: return "GPU_MEASUREMENTS_MISSING";
    case GpuFault::expired: return "GPU_EXPIRED";
    case GpuFault::not_yet_valid: return "GPU_NOT_YET_VALID";
    case GpuFault::nonce_mismatch: return "GPU_NONCE_MISMATCH";
    case GpuFault::fwid_mismatch: return "GPU_FWID_MISMATCH";
    case GpuFault::measurements_conflict: return "GPU_MEASUREMENTS_CONFLICT";
    case GpuFault::measurements_mismatch: return "GPU_MEASUREMENTS_MISMATCH";
  }
  return "UNKNOWN";
}

std::string GpuVerdict::text() const {
  if (faults.empty()) return "Genuine";
  std::string out(to_string(faults.front().fault));
  if (!faults.front().part.empty()) out += ":" + faults.front().part;
  return out;
}

GpuVerdict verify_gpu_evidence(const GpuEvidence& evidence, const Hash& nonce,
                               std::span<const GpuMeasurementSet> sets, const GpuRoot& root,
                               UnixTime now) {
  return Verification(evidence, sets, now).run(nonce, root);
}

PolicyDecision evaluate(std::span<const GpuVerdict> gpus, const GpuPolicy& policy, UnixTime now) {
  PolicyDecision out;
  if (gpus.empty()) out.refusals.push_back({"gpu_none", "There is no evidence of any GPU."});
  std::vector<Hash> devices;
  for (const GpuVerdict& gpu : gpus) {
    judge(gpu, policy, now, out.refusals);
    if (contains(devices, gpu.device)) {
      out.refusals.push_back({"gpu_twice", fmt::format("The evidence counts the GPU {} twice.",
                                                       encode_hex(gpu.device))});
    }
    devices.push_back(gpu.device);
  }
  return out;
}

}  // namespace cocoon::attest
