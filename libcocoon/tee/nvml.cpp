#include "tee/nvml.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <memory>

#include "attest/gpu_report.h"
#include "base/limits.h"

namespace cocoon::tee {
namespace {

using Device = void*;  // nvmlDevice_t: an opaque pointer
using Return = int;    // nvmlReturn_t

constexpr Return kSuccess = 0;
constexpr Return kNotSupported = 3;
constexpr Return kNoPermission = 4;
constexpr Return kDriverNotLoaded = 9;

/// nvmlConfComputeSystemState_t
struct SystemState {
  unsigned environment;
  unsigned feature;  ///< 0: confidential computing is off
  unsigned dev_tools;
};

/// nvmlConfComputeGpuCertificate_t. The chains are PEM, leaf first; the second one is the one of
/// the key that signs reports.
struct Certificates {
  unsigned chain_size;
  unsigned attestation_chain_size;
  std::array<char, 0x1000> chain;
  std::array<char, 0x1400> attestation_chain;
};

/// nvmlConfComputeGpuAttestationReport_t
struct Report {
  unsigned cec_present;
  unsigned size;
  unsigned cec_size;
  Hash nonce;  ///< in: what is to be signed
  std::array<std::uint8_t, 0x2000> bytes;
  std::array<std::uint8_t, 0x1000> cec_bytes;
};

Error unavailable(std::string_view code, std::string detail) {
  return Error(ErrorKind::unavailable, code, std::move(detail));
}

/// The library, as long as it is needed. Its functions have the names of nvml.h.
class Nvml {
 public:
  static Result<std::unique_ptr<Nvml>> open(const std::string& library) {
    std::unique_ptr<Nvml> out(new Nvml);
    out->handle_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (out->handle_ == nullptr) {
      return unavailable("nvml_missing",
                         fmt::format("NVIDIA's library cannot be opened ({}): install the driver "
                                     "in this guest, or name the library as \"nvml\"",
                                     dlerror()));
    }
    const bool found = out->find("nvmlInit_v2", out->init) &&
                       out->find("nvmlShutdown", out->shut_down) &&
                       out->find("nvmlErrorString", out->error_text) &&
                       out->find("nvmlSystemGetConfComputeState", out->system_state) &&
                       out->find("nvmlDeviceGetCount_v2", out->count) &&
                       out->find("nvmlDeviceGetHandleByIndex_v2", out->device) &&
                       out->find("nvmlDeviceGetConfComputeGpuCertificate", out->certificates) &&
                       out->find("nvmlDeviceGetConfComputeGpuAttestationReport", out->report);
    if (!found) {
      return unavailable("nvml_missing",
                         fmt::format("{} has no function {}: GPU evidence needs NVIDIA's driver "
                                     "535 or later",
                                     library, out->lacking_));
    }
    COCOON_CHECK(out->check(out->init(), "start NVML"));
    out->started_ = true;
    return out;
  }

  ~Nvml() {
    if (started_) shut_down();
    if (handle_ != nullptr) dlclose(handle_);
  }
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  Return (*init)() = nullptr;
  Return (*shut_down)() = nullptr;
  const char* (*error_text)(Return) = nullptr;
  Return (*system_state)(SystemState*) = nullptr;
  Return (*count)(unsigned*) = nullptr;
  Return (*device)(unsigned, Device*) = nullptr;
  Return (*certificates)(Device, Certificates*) = nullptr;
  Return (*report)(Device, Report*) = nullptr;

  /// @param what was tried, for people: "read the state of …"
  Status check(Return code, std::string_view what) const {
    if (code == kSuccess) return ok();
    const char* text = error_text(code);
    std::string_view advice;
    if (code == kDriverNotLoaded) advice = ": load the driver (modprobe nvidia)";
    if (code == kNoPermission) advice = ": this user may not use /dev/nvidia*";
    if (code == kNotSupported) {
      advice = ": either the GPU has no confidential computing, or the host has not turned it on";
    }
    return unavailable("nvml_failed",
                       fmt::format("NVIDIA's library cannot {} ({}){}", what,
                                   text == nullptr ? "no reason given" : text, advice));
  }

 private:
  Nvml() = default;

  template <class Function>
  bool find(const char* name, Function& out) {
    out = reinterpret_cast<Function>(dlsym(handle_, name));
    if (out == nullptr) lacking_ = name;
    return out != nullptr;
  }

  void* handle_ = nullptr;
  std::string lacking_;
  bool started_ = false;
};

Status check_confidential(const Nvml& nvml) {
  SystemState state{};
  COCOON_CHECK(nvml.check(nvml.system_state(&state), "read whether computing is confidential"));
  if (state.feature != 0) return ok();
  return unavailable("gpu_not_confidential",
                     "confidential computing is off on this machine's GPUs, so they sign no "
                     "reports: the host turns it on before it hands them to the guest (NVIDIA's "
                     "gpu-admin-tools, --set-cc-mode=on)");
}

Result<attest::GpuEvidence> gpu_evidence(const Nvml& nvml, unsigned index, const Hash& nonce) {
  const std::string name = fmt::format(" of GPU {}", index);
  Device device = nullptr;
  COCOON_CHECK(nvml.check(nvml.device(index, &device), "open the device" + name));
  // On the heap: 13 KB and 9 KB are much for a thread's stack.
  auto certificates = std::make_unique<Certificates>();
  COCOON_CHECK(
      nvml.check(nvml.certificates(device, certificates.get()), "read the certificates" + name));
  auto report = std::make_unique<Report>();
  report->nonce = nonce;
  COCOON_CHECK(nvml.check(nvml.report(device, report.get()), "make the report" + name));
  if (certificates->attestation_chain_size > certificates->attestation_chain.size() ||
      report->size > report->bytes.size()) {
    return unavailable("nvml_failed", "NVIDIA's library names more bytes than it can have written" +
                                          name + ": install another version of the driver");
  }
  attest::GpuEvidence out;
  out.report = to_bytes(ByteView(report->bytes).first(report->size));
  out.certificates.assign(certificates->attestation_chain.data(),
                          certificates->attestation_chain_size);
  auto parsed = attest::parse_gpu_report(out.report);
  if (!parsed) return std::move(parsed).error().within("the report" + name);
  if (parsed->request_nonce != nonce) {
    return Error(ErrorKind::attestation, "gpu_report_of_other_nonce",
                 "the report" + name +
                     " is over another nonce than was asked for: it is not shown to anybody; if "
                     "it happens again, install another version of the driver");
  }
  return out;
}

}  // namespace

Result<std::vector<attest::GpuEvidence>> nvml_evidence(const std::string& library,
                                                       const Hash& nonce) {
  COCOON_TRY(const std::unique_ptr<Nvml> nvml, Nvml::open(library));
  unsigned count = 0;
  COCOON_CHECK(nvml->check(nvml->count(&count), "count the GPUs"));
  if (count == 0) {
    return unavailable("gpu_none",
                       "NVIDIA's driver knows no GPU in this guest: hand one to it, or take "
                       "\"gpu\" out of [evidence]");
  }
  if (count > limits::kMaxGpus) {
    return unavailable("gpu_too_many", fmt::format("this machine has {} GPUs, and a node shows {} "
                                                   "at most: give each node a part of them",
                                                   count, limits::kMaxGpus));
  }
  COCOON_CHECK(check_confidential(*nvml));
  std::vector<attest::GpuEvidence> out;
  for (unsigned index = 0; index < count; ++index) {
    COCOON_TRY(attest::GpuEvidence gpu, gpu_evidence(*nvml, index, nonce));
    out.push_back(std::move(gpu));
  }
  return out;
}

}  // namespace cocoon::tee
