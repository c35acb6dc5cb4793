// A node looks at the dates of its peers' certificates and beacons, and knows when they end: its
// core has to replace the connection before.

#include "base/limits.h"
#include "io/clock.h"
#include "live/live_node.h"
#include "tls/certificate.h"

namespace cocoon::live {
namespace {

class LiveDates : public LiveTest {
 protected:
  void proxy_with(Dates dates) {
    proxy = with_evidence(sound(), wire::Role::proxy, dates);
    meet_proxy();
  }
  void meet_proxy() {
    start_node(without_evidence(), wire::Role::proxy, proxy->collateral);
    node_goes(*proxy, wire::Role::proxy);
  }
  void expect_refused(std::string_view code) {
    ASSERT_TRUE(run_until([&] { return !core().losses.empty(); }));
    EXPECT_EQ(core().log, std::vector<std::string>{"disconnected"});
    EXPECT_EQ(core().losses.front().code(), code) << core().losses.front().detail();
  }
  /// When what the proxy showed ends, as the core was told.
  UnixTime expires() {
    EXPECT_TRUE(run_until([&] { return !core().peers.empty() || !core().losses.empty(); }));
    return core().peers.empty() ? UnixTime{} : core().peers.front().evidence->expires;
  }

  std::optional<Credentials> proxy;
};

TEST_F(LiveDates, ACertificateThatHasEndedIsRefused) {
  proxy_with({.ends = Seconds(-1)});
  expect_refused("certificate_expired");
}

TEST_F(LiveDates, ACertificateThatHasNotBegunIsRefused) {
  proxy_with({.begins = Seconds(600)});
  expect_refused("certificate_expired");
}

TEST_F(LiveDates, EvidenceWithAnOldBeaconIsRefused) {
  proxy_with({.beacon_age = limits::kMaxBeaconAge + Seconds(60)});
  expect_refused("beacon_too_old");
}

TEST_F(LiveDates, EvidenceEndsWithItsCertificate) {
  proxy_with({});
  EXPECT_EQ(expires(), tls::parse_certificate(proxy->certificate).value().not_after);
}

TEST_F(LiveDates, EvidenceEndsWhenItsBeaconIsTooOld) {
  const UnixTime before = io::now().unix;
  proxy_with({.beacon_age = limits::kMaxBeaconAge - Seconds(600)});
  const UnixTime ends = expires();
  EXPECT_GT(ends, before + Seconds(500));
  EXPECT_LE(ends, io::now().unix + Seconds(600));
}

TEST_F(LiveDates, EvidenceEndsWhenItsCollateralIsTooOldForThePolicy) {
  proxy = with_evidence(sound(), wire::Role::proxy);
  const auto collateral = attest::Collateral::parse(proxy->collateral);
  const UnixTime before = io::now().unix;
  rules.max_collateral_age =
      std::chrono::ceil<Seconds>(before - collateral->tcb_info.content->head.issue_date) +
      Seconds(600);
  meet_proxy();
  const UnixTime ends = expires();
  EXPECT_GT(ends, before + Seconds(500));
  // Rounded up above, and again because an age counts in whole seconds.
  EXPECT_LE(ends, io::now().unix + Seconds(602)) << "ages count in whole seconds";
}

}  // namespace
}  // namespace cocoon::live
