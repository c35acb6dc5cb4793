// Every applicable defect of the synthetic quote vectors, shown by a peer in a live handshake:
// refused for what it is, before a byte of the peer's is believed and before it hears one of ours.

#include "live/live_node.h"

namespace cocoon::live {
namespace {

using test::SimDefect;

/// Classes of faults are written in capitals, TCB statuses as Intel spells them.
bool is_status(std::string_view verdict) {
  return verdict.find_first_of("abcdefghijklmnopqrstuvwxyz") != std::string_view::npos;
}

void expect_reason(const Error& why, const SimDefect& defect) {
  EXPECT_EQ(why.kind(), ErrorKind::attestation);
  if (defect.id == "s23-debug-td") {
    EXPECT_EQ(why.code(), "debug") << why.detail();
  } else if (defect.verdict == "QUOTE_FORMAT") {
    EXPECT_EQ(why.code(), "quote_format") << why.detail();
  } else if (is_status(defect.verdict)) {
    EXPECT_EQ(why.code(), "tcb_status") << why.detail();
    EXPECT_NE(why.detail().find(defect.verdict), std::string::npos) << why.detail();
  } else {
    EXPECT_EQ(why.code(), "evidence_untrusted") << why.detail();
    EXPECT_NE(why.detail().find(defect.verdict), std::string::npos) << why.detail();
  }
}

class LiveDefect : public LiveTest, public testing::WithParamInterface<SimDefect> {
 protected:
  void SetUp() override { peer().words = to_bytes(as_bytes("words of the peer")); }

  void expect_outcome() {
    if (GetParam().accepted) {
      ASSERT_TRUE(run_until([&] { return !core().bytes.empty() && !peer().heard.empty(); }));
      EXPECT_EQ(core().log, (std::vector<std::string>{"connected", "bytes"}));
      EXPECT_EQ(core().bytes, "words of the peer");
      EXPECT_EQ(peer().heard, RecordingCore::kGreeting);
      ASSERT_NE(core().peers.front().evidence, nullptr);
      EXPECT_TRUE(core().peers.front().evidence->simulated);
      return;
    }
    ASSERT_TRUE(run_until([&] { return !core().losses.empty() && peer().closed; }));
    EXPECT_TRUE(peer().ready) << "it was refused before it had proved its key";
    EXPECT_EQ(core().log, std::vector<std::string>{"disconnected"});
    EXPECT_EQ(core().bytes, "");
    EXPECT_EQ(peer().heard, "");
    EXPECT_EQ(driver().connections(), 0u);
    expect_reason(core().losses.front(), GetParam());
  }
};

TEST_P(LiveDefect, OfAWorkerThatComesToAProxy) {
  const auto worker = with_evidence(GetParam(), wire::Role::worker);
  start_node(with_evidence(sound(), wire::Role::proxy), wire::Role::worker, worker.collateral);
  peer_comes(worker, wire::Role::worker);
  expect_outcome();
}

TEST_P(LiveDefect, OfAProxyToWhichAWorkerGoes) {
  const auto proxy = with_evidence(GetParam(), wire::Role::proxy);
  start_node(with_evidence(sound(), wire::Role::worker), wire::Role::proxy, proxy.collateral);
  node_goes(proxy, wire::Role::proxy);
  expect_outcome();
}

TEST_P(LiveDefect, OfAProxyToWhichAClientGoes) {
  const auto proxy = with_evidence(GetParam(), wire::Role::proxy);
  start_node(without_evidence(), wire::Role::proxy, proxy.collateral);
  node_goes(proxy, wire::Role::proxy);
  expect_outcome();
}

/// A client never meets the worker: the proxy hands it the worker's certificate.
TEST_P(LiveDefect, OfAWorkerWhoseCertificateAClientIsHanded) {
  const auto worker = with_evidence(GetParam(), wire::Role::worker);
  start_node(without_evidence(), wire::Role::worker, worker.collateral);
  core().ask_verdict(worker.certificate, wire::Role::worker);
  driver().arm();
  ASSERT_TRUE(run_until([&] { return !core().verdicts.empty(); }));
  const auto& verdict = core().verdicts.front();
  ASSERT_EQ(static_cast<bool>(verdict), GetParam().accepted);
  if (!verdict) expect_reason(verdict.error(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Vectors, LiveDefect, testing::ValuesIn(test::sim_defects()),
                         [](const auto& vector) {
                           std::string name(vector.param.id);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// What is wrong with sound evidence in the wrong hands.

class LiveMisuse : public LiveTest {
 protected:
  void SetUp() override { peer().words = to_bytes(as_bytes("words of the peer")); }

  void expect_refused(std::string_view code) {
    ASSERT_TRUE(run_until([&] { return !core().losses.empty() && peer().closed; }));
    EXPECT_EQ(core().log, std::vector<std::string>{"disconnected"});
    EXPECT_EQ(peer().heard, "");
    EXPECT_EQ(core().losses.front().code(), code) << core().losses.front().detail();
  }
};

TEST_F(LiveMisuse, EvidenceOfAnotherNodeUnderAKeyOfOnesOwn) {
  const auto honest = with_evidence(sound(), wire::Role::worker);
  const auto thief = with_stolen_evidence(honest);
  start_node(with_evidence(sound(), wire::Role::proxy), wire::Role::worker, honest.collateral);
  peer_comes(thief, wire::Role::worker);
  expect_refused("key_not_bound");
}

TEST_F(LiveMisuse, AProxyThatPosesAsAWorker) {
  const auto proxy = with_evidence(sound(), wire::Role::proxy);
  start_node(with_evidence(sound(), wire::Role::proxy), wire::Role::worker, proxy.collateral);
  peer_comes(proxy, wire::Role::worker);
  expect_refused("wrong_role");
}

TEST_F(LiveMisuse, AProxyWithoutEvidence) {
  start_node(without_evidence(), wire::Role::proxy, platform().collateral());
  node_goes(without_evidence(), wire::Role::proxy);
  expect_refused("evidence_missing");
}

}  // namespace
}  // namespace cocoon::live
