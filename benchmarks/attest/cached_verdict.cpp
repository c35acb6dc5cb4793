#include "attest/cached_verdict.h"

#include <fmt/format.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "attest/sim/platform.h"
#include "attest/verdict.h"
#include "crypto/system_random.h"
#include "io/clock.h"
#include "io/context.h"
#include "need.h"
#include "tls/certificate.h"
#include "verify/verifier.h"

namespace cocoon::bench {
namespace {

constexpr int kBatch = 1000;
constexpr int kBatches = 1000;
constexpr int kWarmUp = 100;

UnixTime now() {
  return std::chrono::floor<Seconds>(io::now().unix);
}

double resident_kib() {
  std::ifstream in("/proc/self/statm");
  long pages = 0;
  in >> pages >> pages;
  return static_cast<double>(pages * sysconf(_SC_PAGESIZE)) / 1024;
}

/// A folder with the simulated platform's root and collateral, as a development network has it.
class TrustFolder {
 public:
  explicit TrustFolder(const attest::sim::SimPlatform& platform) {
    std::string path = (std::filesystem::temp_directory_path() / "cocoon-bench-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) fail("cannot make a temporary folder");
    path_ = path;
    std::ofstream(path_ / "root.pem") << platform.root_pem();
    std::ofstream(path_ / "collateral.json") << platform.collateral().to_json();
  }
  ~TrustFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TrustFolder(const TrustFolder&) = delete;
  TrustFolder& operator=(const TrustFolder&) = delete;

  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

/// A worker's certificate with evidence, as its node makes it.
Bytes certificate(const attest::sim::SimPlatform& platform, const NetworkId& network,
                  crypto::SystemRandom& random) {
  const auto key = crypto::SigningKey::generate(random);
  tls::CertificateFields fields;
  fields.common_name = "benchmark";
  fields.not_before = now() - Seconds(60);
  fields.not_after = now() + Seconds(86'400);
  const Bytes plain = need(tls::make_certificate(key, fields), "a certificate");
  attest::Claims claims;
  claims.role = attest::EvidenceRole::worker;
  claims.network = network;
  claims.beacon.time = now();
  const Bytes encoded =
      attest::encode_claims(claims, need(tls::parse_certificate(plain), "a certificate").spki);
  attest::sim::SimTdReport guest;
  guest.report_data = attest::report_data_for(encoded);
  fields.extensions.push_back(
      {std::string(attest::kEvidenceOid), false,
       attest::build_evidence_extension(need(platform.quote(guest), "a quote"), encoded)});
  return need(tls::make_certificate(key, fields), "a certificate");
}

/// One verifier on one loop, which this thread drives.
class Judge {
 public:
  Judge(const attest::sim::SimPlatform& platform, const NetworkId& network) : trust_(platform) {
    if (uv_loop_init(&loop_) != 0) fail("cannot make a loop");
    context_.emplace(Loop::borrow(&loop_));
    verifier_ =
        need(verify::Verifier::create(*context_, network, billing::NetworkKind::dev), "a verifier");
    AttestationPolicy policy;
    policy.root = TrustedRootKind::simulated;
    policy.simulated_dir = trust_.path();
    policy.images = {attest::image_hash(attest::sim::sim_td_report({}))};
    if (auto set = verifier_->set_policy(wire::Role::worker, policy); !set) {
      fail("the policy: " + set.error().detail());
    }
  }
  ~Judge() {
    bool stopped = false;
    verifier_->stop([&] { stopped = true; });
    run_until(stopped);
    verifier_.reset();
    bool closed = false;
    context_->close([&] { closed = true; });
    context_.reset();
    run_until(closed);
    uv_run(&loop_, UV_RUN_NOWAIT);
    uv_loop_close(&loop_);
  }
  Judge(const Judge&) = delete;
  Judge& operator=(const Judge&) = delete;

  /// `times` verdicts on `certificate`, all of which have to admit it.
  void judge(const Bytes& certificate, int times) {
    const UnixTime time = now();
    int admitted = 0;
    bool done = false;
    for (int i = 0; i < times; ++i) {
      verifier_->verify(certificate, verify::Shown::all, wire::Role::worker, time,
                        [&](verify::EvidenceVerdict verdict) {
                          if (!verdict)
                            fail("the evidence is refused: " + verdict.error().detail());
                          done = ++admitted == times;
                        });
    }
    run_until(done);
  }
  std::uint64_t cached() const { return verifier_->cached(); }

 private:
  void run_until(const bool& done) {
    while (!done) uv_run(&loop_, UV_RUN_ONCE);
  }

  TrustFolder trust_;
  uv_loop_t loop_{};
  std::optional<io::Context> context_;
  std::unique_ptr<verify::Verifier> verifier_;
};

}  // namespace

CachedVerdict cached_verdict() {
  crypto::SystemRandom random;
  const NetworkId network{random.array<16>()};
  const auto platform = need(attest::sim::SimPlatform::create(random, now()), "a platform");
  const Bytes shown = certificate(platform, network, random);
  Judge judge(platform, network);
  judge.judge(shown, 1);
  for (int i = 0; i < kWarmUp; ++i) judge.judge(shown, kBatch);
  const double before = resident_kib();
  std::vector<double> times;
  for (int i = 0; i < kBatches; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    judge.judge(shown, kBatch);
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    times.push_back(took.count() / kBatch);
  }
  if (judge.cached() != std::uint64_t{kBatch} * (kWarmUp + kBatches))
    fail("verdicts were not kept");
  std::nth_element(times.begin(), times.begin() + kBatches / 2, times.end());
  return {static_cast<double>(shown.size()) / 1024, times[kBatches / 2], resident_kib() - before};
}

}  // namespace cocoon::bench
