// Handshakes with peers on hardware, whose collateral the node gets from a real PCCS while they
// wait, or cannot get.

#include <gmock/gmock.h>

#include <fstream>

#include "io/clock.h"
#include "live/live_node.h"
#include "support/pccs_server.h"
#include "support/sim_hardware.h"

namespace cocoon::live {
namespace {

using ::testing::HasSubstr;

constexpr attest::Fmspc kOtherFmspc{0x90, 0xc0, 0x6f, 0, 0, 0};
constexpr Millis kNoWait{50};
/// The life of collateral that is to be renewed during a test, after half of it at the latest.
constexpr Seconds kSoon{20};
constexpr Millis kLongWait{60'000};

Credentials worker(const attest::Fmspc& fmspc = test::kHardwareFmspc,
                   const std::function<void(test::SimWorkshop&)>& more = {}) {
  return with_evidence(test::hardware(fmspc, more), wire::Role::worker);
}

class LiveCollateral : public LiveTest {
 protected:
  CollateralSource source() const { return {.url = pccs.url(), .ca_file = ca_file}; }
  void start_proxy(Millis patience) { start_proxy(source(), patience); }
  void start_proxy(const CollateralSource& from, Millis patience) {
    start_node_on_hardware(without_evidence(), wire::Role::worker, from, patience);
  }
  void serve(const attest::CollateralText& collateral) { pccs.serve("b0c06f000000", collateral); }

  /// What the core hears of the worker that comes.
  std::string outcome(const Credentials& who) {
    next_peer();
    if (!run_until([&] { return driver().connections() == 0; })) return "the last one stays";
    const std::size_t known = core().log.size();
    peer_comes(who, wire::Role::worker);
    if (!run_until([&] { return core().log.size() > known; })) return "nothing";
    return core().log.back() == "connected"
               ? "connected"
               : std::string(core().losses.back().code()) + ": " + core().losses.back().detail();
  }

  const std::string ca_file = folder().file("pccs.pem");
  test::PccsServer pccs{ca_file};
};

TEST_F(LiveCollateral, AStrangersPlatformIsNeverAskedFor) {
  start_proxy(kLongWait);
  const auto& all = test::sim_defects();
  for (const std::string_view id :
       {"s15-qe-report-bad-signature", "s16-quote-bad-signature", "s17-attestation-key-not-bound",
        "s18-untrusted-root-same-name"}) {
    const auto defect =
        std::find_if(all.begin(), all.end(), [&](const auto& d) { return d.id == id; });
    ASSERT_NE(defect, all.end());
    EXPECT_THAT(outcome(worker(test::kHardwareFmspc, defect->apply)),
                HasSubstr("evidence_untrusted"))
        << id;
  }
  // Simulated evidence is no stranger's, but not of hardware.
  EXPECT_THAT(outcome(with_evidence(sound(), wire::Role::worker)),
              HasSubstr("evidence_untrusted: the worker's quote does not verify: FMSPC_RESERVED"));
  EXPECT_TRUE(pccs.asked().empty());
}

TEST_F(LiveCollateral, AQuoteForAnotherKeyIsNoReasonToAsk) {
  const auto honest = worker();
  serve(honest.collateral);
  start_proxy(kLongWait);
  EXPECT_THAT(outcome(with_stolen_evidence(honest)), HasSubstr("key_not_bound"));
  EXPECT_TRUE(pccs.asked().empty());
}

TEST_F(LiveCollateral, WithoutCollateralThePeerIsRefusedAndTheReasonSaysWhatToDo) {
  pccs.stop();
  start_proxy(kLongWait);
  EXPECT_THAT(outcome(worker()),
              HasSubstr("connection_refused: there is no collateral of tdx b0c06f000000 (platform "
                        "CA): nothing listens at https://127.0.0.1"));
  EXPECT_THAT(supply_log(), HasSubstr("check \"url\""));
}

TEST_F(LiveCollateral, APlatformThatTheServiceDoesNotKnowIsRefused) {
  serve(worker().collateral);
  start_proxy(kLongWait);
  EXPECT_THAT(outcome(worker(kOtherFmspc)), HasSubstr("nothing is known of this platform"));
}

TEST_F(LiveCollateral, ARevokedPlatformIsRefusedByWhatWasFetched) {
  const auto revoked = worker(test::kHardwareFmspc, [](test::SimWorkshop& w) {
    w.revoked_by_ca = {test::SimWorkshop::kPckSerial};
  });
  serve(revoked.collateral);
  start_proxy(kLongWait);
  EXPECT_THAT(outcome(revoked), HasSubstr("PCK_REVOKED"));
}

TEST_F(LiveCollateral, APeerOfANewPlatformIsAdmittedWhenItsCollateralHasCome) {
  const auto honest = worker();
  serve(honest.collateral);
  start_proxy(kLongWait);
  EXPECT_EQ(outcome(honest), "connected");
  EXPECT_EQ(pccs.asked().size(), 4U);
  ASSERT_TRUE(core().peers.front().evidence);
  EXPECT_FALSE(core().peers.front().evidence->simulated);
  EXPECT_EQ(*core().peers.front().evidence->collateral, honest.collateral.to_json());
  EXPECT_EQ(outcome(worker()), "connected") << "another of that platform";
  EXPECT_EQ(pccs.asked().size(), 4U) << "what is held was asked for again";
}

TEST_F(LiveCollateral, ASlowServiceDelaysNobodyWhosePlatformIsKnown) {
  const auto known = worker();
  const auto unknown = worker(kOtherFmspc);
  serve(known.collateral);
  start_proxy(kLongWait);
  EXPECT_EQ(outcome(known), "connected");
  pccs.hold();
  std::optional<verify::EvidenceVerdict> waits;
  verifier().verify(unknown.certificate, verify::Shown::all, wire::Role::worker, io::now().unix,
                    [&](verify::EvidenceVerdict verdict) { waits = std::move(verdict); });
  ASSERT_TRUE(run_until([&] { return pccs.asked().size() == 8; }));
  EXPECT_EQ(outcome(worker()), "connected");
  EXPECT_FALSE(waits);
  pccs.serve("90c06f000000", unknown.collateral);
  pccs.release();
  ASSERT_TRUE(run_until([&] { return waits.has_value(); }));
  EXPECT_TRUE(*waits) << waits->error().detail();
}

TEST_F(LiveCollateral, WhatComesAfterTheFirstHandshakeGaveUpServesTheSecond) {
  const auto honest = worker();
  serve(honest.collateral);
  pccs.hold();
  start_proxy(kNoWait);
  EXPECT_THAT(outcome(honest), HasSubstr("collateral_timeout: " + pccs.url()));
  pccs.release();
  ASSERT_TRUE(run_until([&] { return !supply().holdings()->empty(); }));
  EXPECT_EQ(outcome(honest), "connected");
  EXPECT_EQ(pccs.asked().size(), 4U);
}

TEST_F(LiveCollateral, ABundleServesWithoutANetwork) {
  const auto honest = worker();
  pccs.stop();
  std::ofstream(folder().file("tdx-b0c06f000000-platform.json")) << honest.collateral.to_json();
  start_proxy({.url = "", .bundle_dir = folder().file("")}, kLongWait);
  EXPECT_EQ(outcome(honest), "connected");
  EXPECT_THAT(outcome(worker(kOtherFmspc)), HasSubstr("cocoon-attest fetch-collateral --tee tdx "
                                                      "--fmspc 90c06f000000"));
}

TEST_F(LiveCollateral, NewerCollateralMeansANewVerdictAndARevokedPeerHasToGo) {
  const auto with_end = [](const std::vector<Bytes>& revoked) {
    return worker(test::kHardwareFmspc, [revoked](test::SimWorkshop& w) {
      w.revoked_by_ca = revoked;
      w.next = std::chrono::floor<Seconds>(io::now().unix) + kSoon;
    });
  };
  const auto honest = with_end({});
  serve(honest.collateral);
  start_proxy(kLongWait);
  ASSERT_EQ(outcome(honest), "connected");
  const std::uint64_t verified = verifier().verified();
  driver().review_peers();
  ASSERT_TRUE(run_until([&] { return verifier().cached() == 1; }));
  EXPECT_EQ(verifier().verified(), verified);
  const auto before = supply().holdings();
  serve(with_end({test::SimWorkshop::kPckSerial}).collateral);
  ASSERT_TRUE(run_until([&] { return supply().holdings() != before; }));
  driver().review_peers();
  ASSERT_TRUE(run_until([&] { return !core().losses.empty(); }));
  EXPECT_THAT(core().losses.back().detail(), HasSubstr("PCK_REVOKED"));
  EXPECT_EQ(verifier().cached(), 1U) << "the verdict by the old collateral was used again";
}

}  // namespace
}  // namespace cocoon::live
