/// Workers that ask more than a request can pay stand in nobody's way, and a worker that has failed
/// a client is not the one that it wishes for.

#include "base/limits.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

/// At the cap of the tests' requests it can pay some 14 times the registry's price.
constexpr std::string_view kLong = R"("max_tokens":4096)";

/// One worker at the registry's price, and one that asks as much as is allowed.
class DearWorker : public ::testing::Test {
 protected:
  DearWorker() { dear.ask_coefficient(limits::kMaxCoefficientE3); }

  std::string refusal(const Asked& asked) {
    const RequestOutcome outcome = net.outcome(asked);
    EXPECT_FALSE(outcome.status);
    EXPECT_EQ(outcome.retry_after_s, 0u);
    return outcome.status ? "" : std::string(outcome.status.error().detail());
  }

  Network net{{.clients = 2, .proxies = 1, .workers = 2}};
  Node& cheap = net.worker(0);
  Node& dear = net.worker(1);
};

TEST_F(DearWorker, RefusesNobodyWhoCanPayAnotherOne) {
  net.boot();
  for (int i = 0; i < 10; ++i) {
    for (const std::size_t client : {0u, 1u}) net.expect_served(net.ask(net.client(client), kLong));
  }
}

TEST_F(DearWorker, IsSaidToBeTooDearWhereThereIsNoOther) {
  net.boot();
  cheap.crash();
  net.run(Millis(100));
  const Asked asked = net.ask(net.client(), kLong);
  net.expect_refused(asked, ErrorKind::payment, "cap_too_low");
  const std::string text = refusal(asked);
  EXPECT_NE(text.find("asks 1000000/1000"), std::string::npos) << text;
  EXPECT_NE(text.find("max_request_cost"), std::string::npos) << text;
}

TEST_F(DearWorker, IsNotTheReasonWhereNobodyServesTheModel) {
  net.boot();
  cheap.crash();
  dear.crash();
  net.run(Millis(100));
  net.expect_refused(net.ask(net.client(), kLong), ErrorKind::unavailable, "no_worker");
}

TEST_F(DearWorker, EndsNobodysWaitForABusyOne) {
  net.world.weather.chunk_gap = Millis(250);
  net.boot();
  std::vector<Asked> asked;  // two more than it has slots
  for (int i = 0; i < 6; ++i) asked.push_back(net.ask(net.client(), kLong));
  for (const Asked& a : asked) net.expect_served(a);
  EXPECT_FALSE(net.said(net.proxy(), "no_candidate_free"));
}

TEST_F(DearWorker, IsNotPaidWhereTheClientPaysNobodySo) {
  net.world.max_coefficient_e3 = 2000;
  net.boot();
  for (int i = 0; i < 10; ++i) net.expect_served(net.ask());
  cheap.crash();
  net.run(Millis(100));
  const Asked asked = net.ask();
  net.expect_refused(asked, ErrorKind::payment, "cap_too_low");
  const std::string text = refusal(asked);
  EXPECT_NE(text.find("max_coefficient_e3"), std::string::npos) << text;
}

TEST_F(DearWorker, WhosePriceIsJustWithinTheCapGetsTheRequest) {
  dear.ask_coefficient(1234);
  net.world.max_coefficient_e3 = 1239;  // asked for as 1200
  net.boot();
  cheap.crash();
  net.run(Millis(100));
  const RequestOutcome outcome = net.outcome(net.ask());
  EXPECT_TRUE(outcome.status) << outcome.status.error().detail();
}

TEST(LastWorker, IsNotWishedForWhereItsEngineRefuses) {
  Network net({.clients = 1, .proxies = 1, .workers = 2});
  std::optional<AccountId> wish;
  net.meddle = [&](Hop& hop) {
    if (const auto* ask = hop.as<wire::CandidatesRequest>()) wish = ask->preferred;
  };
  net.boot();
  net.world.weather.engine_status = 404;
  EXPECT_TRUE(net.outcome(net.ask()).status);
  net.run(limits::kCandidatesFresh);
  (void)net.outcome(net.ask());
  EXPECT_FALSE(wish);
}

TEST(LastWorker, IsWishedForUntilItFails) {
  Network net({.clients = 1, .proxies = 1, .workers = 2});
  std::vector<std::optional<AccountId>> wishes;
  net.meddle = [&](Hop& hop) {
    if (const auto* ask = hop.as<wire::CandidatesRequest>()) wishes.push_back(ask->preferred);
  };
  net.boot();
  net.expect_served(net.ask());
  net.run(limits::kCandidatesFresh);
  net.expect_served(net.ask());
  ASSERT_EQ(wishes.size(), 2u);
  EXPECT_TRUE(wishes.back()) << "it served well";

  net.world.weather.engine_fails = 1000;
  EXPECT_FALSE(net.outcome(net.ask()).status);
  net.world.weather.engine_fails = 0;
  net.expect_served(net.ask());
  ASSERT_EQ(wishes.size(), 3u) << "candidates are asked for anew at once";
  EXPECT_FALSE(wishes.back());
}

}  // namespace
}  // namespace cocoon::core::test
