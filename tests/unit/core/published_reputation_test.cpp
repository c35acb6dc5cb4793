/// What a proxy publishes with its epoch is what it has measured.

#include "core/published_reputation.h"

#include "core/store_keys.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

Hash digest_of(Network& net) {
  std::vector<routing::RatedWorker> workers;
  for (const auto& [account, averages] : net.proxy().proxy().reputation().all()) {
    workers.push_back({account, averages->figures()});
  }
  return routing::reputation_digest(net.world.registry().network, workers);
}

Hash on_the_ledger(Network& net, const Node& node) {
  const auto newest = net.world.ledger->epoch(node.account());
  EXPECT_TRUE(newest && *newest);
  return newest && *newest ? (*newest)->value.reputation : Hash{};
}

TEST(PublishedReputation, IsWhatTheRunBeforeHasMeasured) {
  Network net;
  net.boot();
  EXPECT_EQ(on_the_ledger(net, net.proxy()), Hash{});
  for (int i = 0; i < 5; ++i) net.expect_served(net.ask());
  const Hash measured = digest_of(net);
  EXPECT_NE(measured, Hash{});
  EXPECT_EQ(on_the_ledger(net, net.proxy()), Hash{}) << "an epoch's digest does not change";
  net.proxy().proxy().settle_all(net.world.now);  // as at an orderly stop
  net.proxy().turn();
  net.run(Millis(10));  // until it is on disk
  net.proxy().crash();
  net.proxy().boot();
  EXPECT_EQ(on_the_ledger(net, net.proxy()), measured);
  EXPECT_EQ(on_the_ledger(net, net.worker()), Hash{});
  net.run(Millis(20'000));  // until all have found it again
  for (int i = 0; i < 5; ++i) net.expect_served(net.ask());
  EXPECT_NE(digest_of(net), measured);
  EXPECT_EQ(on_the_ledger(net, net.proxy()), measured);
}

TEST(PublishedReputation, ComesFromItsKeyAlone) {
  routing::ReputationBook book;
  book.of(AccountId{{2}}, UnixTime{}).add({routing::Outcome::failed, {}, 0, {}, {}});
  book.of(AccountId{{1}}, UnixTime{});
  const Bytes noise = {1, 2, 3};
  const auto published =
      reputation_to_publish(NetworkId{{9}}, {{std::string(kPayoutKey) + "x", noise},
                                             {std::string(kReputationKey), book.snapshot()},
                                             {std::string(kReputationKey) + "x", noise}});
  ASSERT_TRUE(published);
  EXPECT_EQ(published->network, NetworkId{{9}});
  ASSERT_EQ(published->workers.size(), 2u);
  EXPECT_EQ(published->workers[0].account, AccountId{{1}});
  EXPECT_EQ(published->workers[0].figures.success_e4, 10'000u);
  EXPECT_EQ(published->workers[1].figures.success_e4, 8'750u);
  EXPECT_EQ(published->digest, routing::reputation_digest(NetworkId{{9}}, published->workers));
}

TEST(PublishedReputation, OfADamagedStoreIsRefused) {
  const auto published =
      reputation_to_publish(NetworkId{{9}}, {{std::string(kReputationKey), Bytes{1, 2, 3}}});
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code(), "bad_reputation_snapshot");
}

}  // namespace
}  // namespace cocoon::core::test
