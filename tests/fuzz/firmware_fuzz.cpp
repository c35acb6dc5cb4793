// modules: image attest
// covers: apps/image/tdvf.cpp apps/image/pe_image.cpp

#include <cstddef>
#include <cstdint>

#include "image/pe_image.h"
#include "image/tdvf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cocoon;
  constexpr std::uint64_t kMemory = std::uint64_t{4} << 30;
  const ByteView bytes(data, size);
  if (const auto sections = app::parse_tdvf(bytes)) {
    // MRTD costs as much as the memory that the sections name: a fuzzer would look for the slowest.
    std::uint64_t memory = 0;
    for (const app::TdvfSection& section : *sections) memory += section.memory_bytes;
    if (memory < 16 * app::kTdxPageBytes) {
      (void)app::tdvf_mrtd(*sections, app::PageOrder::page);
      (void)app::tdvf_mrtd(*sections, app::PageOrder::section);
    }
    (void)app::tdvf_configuration(*sections);
    (void)app::tdvf_hand_off(*sections, kMemory);
  }
  (void)app::authenticode_sha384(bytes);
  (void)app::is_unified_kernel(bytes);
  if (const auto kernel = app::with_qemu_setup_header(bytes, 1, kMemory)) {
    (void)app::authenticode_sha384(*kernel);
  }
  return 0;
}
