// Evidence of GPUs at a real node: TLS carries the certificate alone, so a worker is let in as one
// that owes the rest; what it then shows is judged whole, and judged again while the connection
// lasts.

#include <fstream>

#include "live/live_node.h"
#include "support/stand_in_gpu.h"

namespace cocoon::live {
namespace {

class LiveGpus : public LiveTest {
 protected:
  LiveGpus() : sets(test::stand_in_gpu(0, {}).sets()), worker(with_gpus()) {}

  std::vector<GpuSetHash> admitted() const { return {sets[0].hash(), sets[1].hash()}; }
  void trust_gpus() {
    const auto gpu = test::stand_in_gpu(0, {});
    std::ofstream(folder().file("gpu_root.pem")) << attest::encode_pem_certificate(
        attest::test::forge(gpu.root, gpu.root_key, gpu.root_key));
  }
  /// The worker comes to a proxy.
  void connect(const Credentials& who) {
    start_node(with_evidence(sound(), wire::Role::proxy), wire::Role::worker, who.collateral);
    peer_comes(who, wire::Role::worker);
    ASSERT_TRUE(run_until([&] { return !core().peers.empty() || !core().losses.empty(); }));
    ASSERT_EQ(core().peers.size(), 1u) << core().losses.front().detail();
  }
  /// The proxy's core asks about what the worker shows.
  verify::EvidenceVerdict verdict(Bytes shown) {
    const std::size_t before = core().verdicts.size();
    core().ask_verdict(std::move(shown), wire::Role::worker, core().peer_ids.front());
    driver().arm();
    EXPECT_TRUE(run_until([&] { return core().verdicts.size() > before; }));
    return core().verdicts.back();
  }
  void expect_lost(std::string_view code) {
    driver().review_peers();
    ASSERT_TRUE(run_until([&] { return !core().losses.empty(); }));
    EXPECT_EQ(core().losses.front().code(), code) << core().losses.front().detail();
  }

  std::vector<attest::GpuMeasurementSet> sets;
  Credentials worker;
};

TEST_F(LiveGpus, AreOwedAfterTheHandshake) {
  admit_gpus(admitted());
  connect(worker);
  EXPECT_TRUE(core().peers.front().evidence->gpu_owed);
}

TEST_F(LiveGpus, AreOwedByAWorkerWithoutAnyWhereTheyAreDemanded) {
  admit_gpus(admitted());
  const Credentials plain = with_evidence(sound(), wire::Role::worker);
  connect(plain);
  EXPECT_TRUE(core().peers.front().evidence->gpu_owed);
  const auto found = verdict(plain.certificate);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), "gpu_missing");
}

TEST_F(LiveGpus, AreNotOwedWhereNobodySpeaksOfThem) {
  connect(with_evidence(sound(), wire::Role::worker));
  EXPECT_FALSE(core().peers.front().evidence->gpu_owed);
}

TEST_F(LiveGpus, OfASimulatedRootAreRefusedWhereThatIsNotTrusted) {
  admit_gpus(admitted());
  connect(worker);
  const auto found = verdict(worker.shown());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), "gpu_untrusted") << found.error().detail();
}

TEST_F(LiveGpus, ThatNobodyAdmitsAreRefused) {
  trust_gpus();
  connect(worker);
  const auto found = verdict(worker.shown());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), "gpu_not_admitted");
}

TEST_F(LiveGpus, AreJudgedOnceAndAsAWhole) {
  trust_gpus();
  admit_gpus(admitted());
  connect(worker);
  const auto found = verdict(worker.shown());
  ASSERT_TRUE(found) << found.error().detail();
  EXPECT_FALSE((*found)->gpu_owed);
  EXPECT_NE((*found)->json.find(R"("chip":"GH100")"), std::string::npos) << (*found)->json;
  const auto judged = verifier().verified();
  EXPECT_TRUE(verdict(worker.shown()));
  EXPECT_EQ(verifier().verified(), judged);
  // The same certificate with something else behind it is another thing.
  worker.gpus.sets.pop_back();
  EXPECT_FALSE(verdict(worker.shown()));
  EXPECT_EQ(verifier().verified(), judged + 1);
  EXPECT_FALSE(verdict(worker.certificate));
}

TEST_F(LiveGpus, ThatAreNoLongerAdmittedEndTheConnection) {
  trust_gpus();
  admit_gpus(admitted());
  connect(worker);
  ASSERT_TRUE(verdict(worker.shown()));
  admit_gpus(std::vector<GpuSetHash>{sets[0].hash()});
  expect_lost("gpu_measurement_set");
}

TEST_F(LiveGpus, ThatAreStillAdmittedKeepTheConnection) {
  trust_gpus();
  admit_gpus(admitted());
  connect(worker);
  ASSERT_TRUE(verdict(worker.shown()));
  auto more = admitted();
  more.push_back(GpuSetHash{1});
  admit_gpus(more);
  const auto judged = verifier().verified();
  driver().review_peers();
  ASSERT_TRUE(run_until([&] { return verifier().verified() > judged; }));
  EXPECT_TRUE(core().losses.empty());
}

TEST_F(LiveGpus, ThatAreDemandedOnlyNowEndTheConnectionOfAWorkerWithoutAny) {
  connect(with_evidence(sound(), wire::Role::worker));
  admit_gpus(admitted());
  expect_lost("gpu_missing");
}

}  // namespace
}  // namespace cocoon::live
