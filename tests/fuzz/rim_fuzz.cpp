// modules: rim
// covers: apps/rim/rim.cpp

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "attest/text.h"
#include "rim/rim.h"

namespace {

using namespace cocoon;

std::string genuine() {
  std::ifstream in(COCOON_TEST_VECTORS "/attestation/nvidia/driver-rim-550.144.03.xml",
                   std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Cuts a piece out of the genuine manifest and puts the rest of `input` in its place: two numbers
/// of 16 bits, where and how long, then the new bytes.
std::string edited(std::string xml, ByteView input) {
  if (input.size() < 4) return xml;
  const std::size_t at = (std::size_t{input[0]} << 8 | input[1]) % (xml.size() + 1);
  const std::size_t size =
      std::min<std::size_t>(std::size_t{input[2]} << 8 | input[3], xml.size() - at);
  return xml.replace(at, size, as_text(input.subspan(4)));
}

void read(std::string_view xml) {
  static const UnixTime kNow = attest::parse_utc("2025-03-01T00:00:00Z").value();
  const auto rim = app::read_rim(xml, attest::GpuPart::driver, app::nvidia_rim_root(), kNow);
  if (!rim) return;
  // What NVIDIA signed is all that can be read.
  static const Hash kSigned =
      app::read_rim(genuine(), attest::GpuPart::driver, app::nvidia_rim_root(), kNow)->set.hash();
  if (rim->set.hash() != kSigned) std::abort();
}

}  // namespace

/// The first byte says what the rest is: a manifest, or a change of the genuine one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string kGenuine = genuine();
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  if (data[0] % 2 == 0) {
    read(as_text(input));
  } else {
    read(edited(kGenuine, input));
  }
  return 0;
}
