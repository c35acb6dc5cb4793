/// What a proxy asks its ledger about new connections: how much at once, and in which order.

#include <gtest/gtest.h>

#include "base/limits.h"
#include "core/proxy_core.h"
#include "crypto/system_random.h"
#include "session/connection.h"
#include "support/sim_random.h"
#include "unit/core/small_registry.h"

namespace cocoon::core::test {
namespace {

constexpr std::size_t kMost = limits::kMaxLookups;

class Lookups : public ::testing::Test {
 protected:
  Lookups() : random(7) {
    (void)crypto::initialise();
    NodeIdentity self{network, key(), key(), {}};
    proxy = self.account.account_id();
    self.epoch = billing::sign(billing::EpochRecord::make(network, 1, self.boot.boot_key_id()),
                               self.account);
    core = std::make_unique<ProxyCore>(std::move(self), small_registry(network), ProxyCoreOptions{},
                                       random, now);
    (void)core->take_effects();  // it reads its contract
  }

  crypto::SigningKey key() { return crypto::SigningKey::generate(random); }

  /// A channel of `client` that the ledger may show.
  billing::ChannelState channel_of(const crypto::SigningKey& client) {
    billing::ChannelState state;
    state.terms.network = network;
    state.terms.client = state.terms.signer = client.account_id();
    state.terms.proxy = proxy;
    state.deposited = Nano{100'000};
    return state;
  }

  /// A client says hello on connection `peer`.
  void hello(PeerId peer) {
    const crypto::SigningKey client = key();
    channels[peer] = channel_of(client);
    session::Connection session(session::Side::initiator, now.mono);
    const PeerIdentity identity;
    core->on_connected(peer, identity, now);
    const billing::ChannelAuth auth{network, channels[peer].id(), identity.exporter,
                                    identity.leaf_sha256};
    const auto signature = billing::sign_channel(auth, client);
    wire::Hello hello;
    hello.role = wire::Role::client;
    hello.network = network;
    hello.account = client.account_id();
    hello.channel = channels[peer].id();
    hello.channel_signature = signature;
    session.start(hello);
    core->on_bytes(peer, session.output(), now);
    take();
  }
  void hellos(PeerId first, PeerId last) {
    for (PeerId peer = first; peer <= last; ++peer) hello(peer);
  }
  void leave(PeerId peer) {
    core->on_disconnected(peer, Error(ErrorKind::io, "closed", "closed"), now);
    take();
  }
  /// The ledger shows the channel of that connection.
  void answer(PeerId peer) {
    const CallId call = out.at(peer);
    out.erase(peer);
    core->on_ledger(call, ports::LedgerReply(ports::ChannelView{channels[peer]}), now);
    take();
  }

  /// Notes what the proxy asks of the ledger, and whom it ends.
  void take() {
    for (Effect& effect : core->take_effects()) {
      if (auto* call = std::get_if<CallLedger>(&effect)) {
        const auto* read = std::get_if<ports::ReadChannel>(&call->request);
        ASSERT_NE(read, nullptr);
        for (const auto& [peer, state] : channels) {
          if (state.id() != read->channel) continue;
          out[peer] = call->call;
          asked.push_back(peer);
        }
      } else if (auto* ended = std::get_if<Disconnect>(&effect)) {
        gone.insert(ended->peer);
      }
    }
  }

  simulation::SimRandom random;
  const NetworkId network{{1, 2, 3}};
  Now now{MonoTime{} + std::chrono::hours(1), UnixTime(Millis(1'800'000'000'000))};
  AccountId proxy;
  std::unique_ptr<ProxyCore> core;
  std::map<PeerId, billing::ChannelState> channels;
  std::map<PeerId, CallId> out;  ///< questions that the ledger has not answered
  std::vector<PeerId> asked;     ///< about whom, in order
  std::set<PeerId> gone;
};

TEST_F(Lookups, OnlySoManyAreOutAtOnce) {
  hellos(1, 3 * kMost);
  EXPECT_EQ(out.size(), kMost);
  answer(1);
  EXPECT_EQ(out.size(), kMost);
  EXPECT_EQ(core->counts().clients, 1u);
}

TEST_F(Lookups, NobodyIsAdmittedBeforeItsAnswer) {
  core->on_connected(7, PeerIdentity{}, now);  // and says nothing
  hellos(1, 3);
  EXPECT_EQ(core->take_admitted(), std::vector<PeerId>{});
  channels[3].phase = billing::ChannelPhase::closing;
  answer(3);
  EXPECT_EQ(core->take_admitted(), std::vector<PeerId>{}) << "that one was refused";
  answer(2);
  EXPECT_EQ(core->take_admitted(), std::vector<PeerId>{2});
  answer(1);
  EXPECT_EQ(core->take_admitted(), std::vector<PeerId>{1});
}

TEST_F(Lookups, WhoCameLastGoesFirst) {
  hellos(1, kMost + 3);
  answer(1);
  answer(2);
  EXPECT_EQ(asked.at(kMost), kMost + 3);
  EXPECT_EQ(asked.at(kMost + 1), kMost + 2);
}

TEST_F(Lookups, WhoHasLeftIsNotAskedAbout) {
  hellos(1, kMost + 3);
  leave(kMost + 3);
  answer(1);
  EXPECT_EQ(asked.back(), kMost + 2);
}

TEST_F(Lookups, AnAnswerAboutWhoHasLeftMakesRoom) {
  hellos(1, kMost + 1);
  leave(1);
  EXPECT_EQ(asked.size(), kMost);
  answer(1);
  EXPECT_EQ(asked.back(), kMost + 1);
}

TEST_F(Lookups, AllAreAnsweredInTheEnd) {
  hellos(1, 3 * kMost);
  while (!out.empty()) answer(out.begin()->first);
  EXPECT_EQ(core->counts().clients, 3 * kMost);
  EXPECT_TRUE(gone.empty());
}

TEST_F(Lookups, ADrainingProxyTakesNobodyWhoseAnswerComesLate) {
  hello(1);
  core->drain(now);
  answer(1);
  EXPECT_EQ(core->counts().clients, 0u);
  EXPECT_TRUE(gone.contains(1));
}

TEST_F(Lookups, ADrainingProxyAsksAboutNobodyMore) {
  hellos(1, kMost + 2);
  core->drain(now);
  take();
  EXPECT_TRUE(gone.contains(kMost + 1) && gone.contains(kMost + 2));
  answer(1);
  EXPECT_EQ(asked.size(), kMost);
}

}  // namespace
}  // namespace cocoon::core::test
