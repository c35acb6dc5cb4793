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

class SimulatedSource final : public Source {
 public:
  SimulatedSource(attest::sim::SimPlatform platform, attest::EvidenceRole role, io::JobPool& jobs)
      : platform_(std::make_shared<attest::sim::SimPlatform>(std::move(platform))),
        role_(role),
        jobs_(jobs) {}

  void quote(const ByteArray<64>& report_data, Callback<void(Result<Bytes>)> done) override {
    struct Job {
      std::optional<Result<Bytes>> quote;
      Callback<void(Result<Bytes>)> done;
    };
    auto job = std::make_shared<Job>();
    job->done = std::move(done);
    auto guest = guest_of(role_);
    guest.report_data = report_data;
    auto status = jobs_.submit(
        io::JobClass::urgent,
        [job, platform = platform_, guest] { job->quote = platform->quote(guest); },
        [job] { job->done(std::move(*job->quote)); });
    if (!status) job->done(status.error());
  }

  bool simulated() const override { return true; }

 private:
  std::shared_ptr<const attest::sim::SimPlatform> platform_;
  attest::EvidenceRole role_;
  io::JobPool& jobs_;
};

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

Result<std::unique_ptr<Source>> open_simulated(const std::string& directory,
                                               attest::EvidenceRole role, io::JobPool& jobs) {
  const std::string base = directory + "/";
  COCOON_TRY(const std::string root, read_state(base + std::string(attest::sim::kRootFile)));
  COCOON_TRY(const std::string collateral,
             read_state(base + std::string(attest::sim::kCollateralFile)));
  COCOON_TRY(std::string keys, read_state(base + std::string(attest::sim::kKeysFile)));
  auto platform = attest::sim::SimPlatform::load(root, collateral, as_bytes(keys));
  crypto::wipe({reinterpret_cast<std::uint8_t*>(keys.data()), keys.size()});
  if (!platform) return std::move(platform).error();
  return std::unique_ptr<Source>(
      std::make_unique<SimulatedSource>(std::move(*platform), role, jobs));
}

ImageHash simulated_image(attest::EvidenceRole role) {
  return attest::image_hash(attest::sim::sim_td_report(guest_of(role)));
}

}  // namespace cocoon::tee
