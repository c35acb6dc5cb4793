#include "tee/simulated.h"

#include <fstream>
#include <iterator>

#include "attest/event_log.h"
#include "attest/sim/event_log.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

namespace cocoon::tee {
namespace {

Result<std::string> read_state(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return Error(ErrorKind::io, "simulated_keys_unreadable",
                 "cannot read " + path +
                     ": the simulated platform's directory has root.pem, collateral.json and "
                     "keys.pem; cocoon-devnet makes them");
  }
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

Bytes simulated_event_log(attest::EvidenceRole role) {
  // As a guest whose firmware boots a kernel directly. Types: TCG PC Client Platform Firmware
  // Profile, section 10.4.1.
  constexpr std::uint32_t kFirmwareConfig = 0x0000000A;  // EV_PLATFORM_CONFIG_FLAGS
  constexpr std::uint32_t kKernel = 0x80000003;          // EV_EFI_BOOT_SERVICES_APPLICATION
  constexpr std::uint32_t kCommandLine = 0x00000006;     // EV_EVENT_TAG
  const std::string kernel = "cocoon simulated kernel: " + std::string(attest::to_string(role));
  const attest::sim::SimEvent events[] = {{1, kFirmwareConfig, "cocoon simulated firmware"},
                                          {2, kKernel, kernel},
                                          {3, kCommandLine, "simulated=yes"}};
  return attest::sim::sim_event_log(events);
}

attest::sim::SimTdReport simulated_guest(attest::EvidenceRole role) {
  attest::sim::SimTdReport guest;
  // Names instead of firmware and kernel.
  const std::string name = "cocoon simulated image: " + std::string(attest::to_string(role));
  guest.mr_td = crypto::sha384(as_bytes(name));
  guest.rtmr = attest::replay(attest::parse_event_log(simulated_event_log(role)).value());
  return guest;
}

Result<MakeQuote> open_simulated(const std::string& directory, attest::EvidenceRole role) {
  const std::string base = directory + "/";
  COCOON_TRY(const std::string root, read_state(base + std::string(attest::sim::kRootFile)));
  COCOON_TRY(const std::string collateral,
             read_state(base + std::string(attest::sim::kCollateralFile)));
  COCOON_TRY(std::string keys, read_state(base + std::string(attest::sim::kKeysFile)));
  auto loaded = attest::sim::SimPlatform::load(root, collateral, as_bytes(keys));
  crypto::wipe({reinterpret_cast<std::uint8_t*>(keys.data()), keys.size()});
  if (!loaded) return std::move(loaded).error();
  auto platform = std::make_shared<const attest::sim::SimPlatform>(std::move(*loaded));
  return MakeQuote([platform, role](const ByteArray<64>& report_data) {
    auto guest = simulated_guest(role);
    guest.report_data = report_data;
    return platform->quote(guest);
  });
}

ImageHash simulated_image(attest::EvidenceRole role) {
  return attest::image_hash(attest::sim::sim_td_report(simulated_guest(role)));
}

}  // namespace cocoon::tee
