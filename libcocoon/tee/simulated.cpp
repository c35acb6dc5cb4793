#include "tee/simulated.h"

#include <fstream>
#include <iterator>

#include "crypto/hash.h"
#include "crypto/secret.h"

namespace cocoon::tee {
namespace {

/// What the simulated platform measures: a name instead of a kernel.
attest::sim::SimTdReport guest_of(attest::EvidenceRole role) {
  attest::sim::SimTdReport guest;
  const std::string name = "cocoon simulated image: " + std::string(attest::to_string(role));
  guest.mr_td = crypto::sha384(as_bytes(name));
  return guest;
}

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
    auto guest = guest_of(role);
    guest.report_data = report_data;
    return platform->quote(guest);
  });
}

ImageHash simulated_image(attest::EvidenceRole role) {
  return attest::image_hash(attest::sim::sim_td_report(guest_of(role)));
}

}  // namespace cocoon::tee
