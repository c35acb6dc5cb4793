#include "verify/trust_files.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "attest/sim/platform.h"
#include "base/limits.h"

namespace cocoon::verify {
namespace {

Result<std::string> read_file(const std::string& path, std::size_t most) {
  std::ifstream in(path, std::ios::binary);
  // In pieces: room for the largest file at once would stay with the process for its life.
  std::string text;
  char piece[16 * 1024];
  while (in && text.size() <= most) {
    in.read(piece, sizeof piece);
    text.append(piece, static_cast<std::size_t>(in.gcount()));
  }
  if (!in.eof() || text.empty() || text.size() > most) {
    return Error(ErrorKind::io, "simulated_root_unreadable",
                 "cannot read " + path +
                     ": the simulated platform's directory has root.pem and collateral.json; "
                     "cocoon-devnet makes them");
  }
  return text;
}

}  // namespace

Result<SimulatedTrust> load_simulated(const std::string& folder) {
  const std::string base = folder + "/";
  COCOON_TRY(const std::string pem, read_file(base + std::string(attest::sim::kRootFile),
                                              limits::kMaxCollateralFileBytes));
  COCOON_TRY(const std::string json, read_file(base + std::string(attest::sim::kCollateralFile),
                                               limits::kMaxCollateralFileBytes));
  COCOON_TRY(const auto root, attest::TrustedRoot::simulated(pem));
  COCOON_TRY(const auto text, attest::CollateralText::from_json(json));
  SimulatedTrust out{collateral::hold_unexamined(text, root), attest::GpuRoot::nvidia()};
  const std::string gpu_file = base + std::string(kGpuRootFile);
  std::error_code unknown;
  if (std::filesystem::exists(gpu_file, unknown) || unknown) {
    COCOON_TRY(const std::string gpu_pem, read_file(gpu_file, limits::kMaxCollateralFileBytes));
    COCOON_TRY(out.gpu_root, attest::GpuRoot::stand_in_for_nvidia(gpu_pem));
  }
  return out;
}

}  // namespace cocoon::verify
