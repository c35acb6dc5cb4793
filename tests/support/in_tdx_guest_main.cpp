// Runs a program in a stand-in for a TDX guest on a simulated platform:
//
//   in_tdx_guest STATE PROVIDER PROGRAM [ARGUMENT...]
//
// STATE has the platform's root.pem, collateral.json and keys.pem, as cocoon-devnet makes them, or
// is empty and gets the first two. It gets config/, which is configfs for the program, and
// CCEL, the log of the guest's boot. The guest runs the image of a devnet's workers. PROVIDER is
// what the kernel says makes its reports. Exits as the program does; 125 where there is no guest to
// run it in.

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "attest/sim/platform.h"
#include "crypto/system_random.h"
#include "support/tdx_guest.h"
#include "tee/simulated.h"

namespace {

using namespace cocoon;

constexpr int kNoGuest = 125;

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Result<attest::sim::SimPlatform> open_platform(const std::string& state) {
  using attest::sim::SimPlatform;
  if (std::filesystem::exists(state + "/keys.pem")) {
    return SimPlatform::load(content(state + "/root.pem"), content(state + "/collateral.json"),
                             as_bytes(content(state + "/keys.pem")));
  }
  crypto::SystemRandom random;
  const auto now = std::chrono::floor<Seconds>(std::chrono::system_clock::now());
  COCOON_TRY(SimPlatform platform, SimPlatform::create(random, now));
  std::ofstream(state + "/root.pem") << platform.root_pem();
  std::ofstream(state + "/collateral.json") << platform.collateral().to_json();
  return platform;
}

int run(const std::string& state, const std::string& provider,
        const std::vector<std::string>& command) {
  const auto platform = open_platform(state);
  if (!platform) {
    std::fprintf(stderr, "in_tdx_guest: %s\n", platform.error().detail().c_str());
    return kNoGuest;
  }
  std::filesystem::create_directories(state + "/config/tsm/report");
  std::ofstream(state + "/CCEL") << as_text(tee::simulated_event_log(attest::EvidenceRole::worker));
  test::TdxGuest::Behaviour behaviour;
  behaviour.texts["provider"] = provider;
  behaviour.quote = [&](const ByteArray<64>& report_data) {
    attest::sim::SimTdReport guest = tee::simulated_guest(attest::EvidenceRole::worker);
    guest.report_data = report_data;
    return platform->quote(guest).value();
  };
  test::TdxGuest guest(state + "/config", "", std::move(behaviour));
  const int exit_code = guest.run_program(command);
  return exit_code < 0 ? kNoGuest : exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: in_tdx_guest STATE PROVIDER PROGRAM [ARGUMENT...]\n");
    return kNoGuest;
  }
  return run(std::filesystem::canonical(argv[1]), argv[2], {argv + 3, argv + argc});
}
