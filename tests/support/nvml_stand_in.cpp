/// A stand-in for NVIDIA's library, of the functions that libcocoon/tee/nvml.cpp uses. What the
/// machine is like stands in the environment, COCOON_STAND_IN_GPUS: the number of GPUs, and after
/// it words from this list: "off" (confidential computing), "unsupported" (reports),
/// "no_driver", "other_nonce", "oversized" (a size beyond what was written), "garbage".

#include <cstdlib>
#include <cstring>
#include <string>

#include "support/stand_in_gpu.h"

namespace {

struct SystemState {
  unsigned environment, feature, dev_tools;
};
struct Certificates {
  unsigned chain_size, attestation_chain_size;
  char chain[4096];
  char attestation_chain[5120];
};
struct Report {
  unsigned cec_present, size, cec_size;
  unsigned char nonce[32];
  unsigned char bytes[8192];
  unsigned char cec_bytes[4096];
};

std::string machine() {
  const char* text = std::getenv("COCOON_STAND_IN_GPUS");
  return text == nullptr ? "0" : text;
}
bool is(const char* word) {
  return machine().find(word) != std::string::npos;
}

cocoon::attest::test::ForgedGpu gpu(const void* device, const cocoon::Hash& nonce) {
  return cocoon::test::stand_in_gpu(
      static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(device)) - 1, nonce);
}

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED int nvmlInit_v2() {
  return is("no_driver") ? 9 : 0;
}
EXPORTED int nvmlShutdown() {
  return 0;
}
EXPORTED const char* nvmlErrorString(int code) {
  return code == 9 ? "Driver Not Loaded" : "Not Supported";
}
EXPORTED int nvmlSystemGetConfComputeState(SystemState* state) {
  *state = {1, is("off") ? 0u : 1u, 0};
  return 0;
}
EXPORTED int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(std::strtoul(machine().c_str(), nullptr, 10));
  return 0;
}
EXPORTED int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  *device = reinterpret_cast<void*>(static_cast<std::uintptr_t>(index) + 1);
  return 0;
}
EXPORTED int nvmlDeviceGetConfComputeGpuCertificate(void* device, Certificates* out) {
  const std::string chain = gpu(device, {}).certificates();
  out->attestation_chain_size = static_cast<unsigned>(chain.size());
  std::memcpy(out->attestation_chain, chain.data(), chain.size());
  return 0;
}
EXPORTED int nvmlDeviceGetConfComputeGpuAttestationReport(void* device, Report* out) {
  if (is("unsupported")) return 3;
  cocoon::Hash nonce;
  std::memcpy(nonce.data(), out->nonce, nonce.size());
  if (is("other_nonce")) nonce[0] ^= 1;
  const cocoon::Bytes report = gpu(device, nonce).report();
  std::memcpy(out->bytes, report.data(), report.size());
  if (is("garbage")) out->bytes[0] = 0;
  out->size = is("oversized") ? 9000 : static_cast<unsigned>(report.size());
  return 0;
}
