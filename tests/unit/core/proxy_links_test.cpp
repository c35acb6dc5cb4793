/// Connections of one worker to a proxy, spoken by hand: which one is used, and how many there may
/// be.

#include <gtest/gtest.h>

#include "base/limits.h"
#include "core/proxy_core.h"
#include "crypto/hash.h"
#include "crypto/system_random.h"
#include "session/answer_batch.h"
#include "session/challenge.h"
#include "session/connection.h"
#include "support/sim_random.h"
#include "unit/core/small_registry.h"
#include "wire/records.h"

namespace cocoon::core::test {
namespace {

/// One connection of the worker: what the proxy said on it, and whether it has closed it.
struct WorkerLink {
  explicit WorkerLink(Now now) : session(session::Side::initiator, now.mono) {}
  session::Connection session;
  Hash leaf{};
  std::optional<session::Challenge> challenge;
  bool admitted = false;
  bool told_to_go = false;
  std::string ended;  ///< the code
};

class ProxyLinks : public ::testing::Test {
 protected:
  explicit ProxyLinks(ProxyCoreOptions options = {}) : random(7), account(key()), boot(key()) {
    (void)crypto::initialise();
    NodeIdentity self{network, key(), key(), {}};
    self.epoch = billing::sign(billing::EpochRecord::make(network, 1, self.boot.boot_key_id()),
                               self.account);
    core = std::make_unique<ProxyCore>(std::move(self), small_registry(network), std::move(options),
                                       random, now);
    epoch = billing::sign(billing::EpochRecord::make(network, 1, boot.boot_key_id()), account);
  }

  /// Connections from now on are those of another worker.
  void become_another() {
    account = key();
    boot = key();
    epoch = billing::sign(billing::EpochRecord::make(network, 1, boot.boot_key_id()), account);
  }

  crypto::SigningKey key() { return crypto::SigningKey::generate(random); }

  /// A connection that shows a certificate of its own, for the same boot key, as far as its
  /// hello_ack.
  WorkerLink& connect(PeerId peer) {
    WorkerLink& link = links.emplace(peer, WorkerLink(now)).first->second;
    link.leaf[0] = static_cast<std::uint8_t>(peer);
    auto evidence = std::make_shared<VerifiedEvidence>();
    evidence->digest = EvidenceDigest{link.leaf};
    evidence->role = wire::Role::worker;
    evidence->account = account.account_id();
    evidence->network = network;
    evidence->boot_key = boot.boot_key_id();
    evidence->certificate = Bytes(64, static_cast<std::uint8_t>(peer));
    PeerIdentity identity;
    identity.boot_key = boot.boot_key_id();
    identity.leaf_sha256 = link.leaf;
    identity.evidence = evidence;
    core->on_connected(peer, identity, now);
    const Bytes record = epoch.value.encode();
    wire::Hello hello;
    hello.role = wire::Role::worker;
    hello.network = network;
    hello.account = account.account_id();
    hello.epoch_record = record;
    hello.epoch_signature = epoch.signature;
    link.session.start(hello);
    link.challenge.emplace(
        session::ChallengeSetting{attest::EvidenceRole::worker, {}, link.leaf, {}},
        random.array<32>());
    turn();
    return link;
  }

  /// Its record and status: the proxy lists the worker by this connection.
  void list(WorkerLink& link) {
    wire::WorkerRecord record;
    record.network = network;
    record.account = account.account_id();
    record.boot_key = boot.boot_key_id();
    record.evidence = EvidenceDigest{link.leaf};
    record.sealing_key = sealing_key;
    record.not_before = now.unix - Seconds(10);
    record.not_after = now.unix + Seconds(3600);
    record.capacity = 4;
    record.models = {"m"};
    const Bytes bytes = wire::encode_worker_record(record).value();
    const auto signature = boot.sign(wire::worker_record_signing_bytes(bytes));
    link.session.send(wire::SignedWorkerRecord{bytes, signature});
    wire::WorkerStatus status;
    status.ready = true;
    status.free_slots = 4;
    link.session.send(status);
    turn();
  }
  WorkerLink& listed(PeerId peer) {
    WorkerLink& link = connect(peer);
    list(link);
    return link;
  }

  void pass(Seconds time) {
    for (Seconds s{0}; s < time; ++s) {
      now.mono += Seconds(1);
      now.unix += Seconds(1);
      core->on_time(now);
      turn();
    }
  }

  /// Carries bytes and effects until nothing moves.
  void turn() {
    for (bool moved = true; std::exchange(moved, false);) {
      core->end_turn(now);
      for (auto& [peer, link] : links) {
        const Bytes out = std::exchange(link.session.output(), {});
        if (out.empty() || !link.ended.empty()) continue;
        core->on_bytes(peer, out, now);
        moved = true;
      }
      for (Effect& effect : core->take_effects()) {
        if (auto* call = std::get_if<CallLedger>(&effect)) {
          if (!std::get_if<ports::ReadEpoch>(&call->request)) continue;
          core->on_ledger(call->call, ports::LedgerReply(ports::EpochView{epoch}), now);
          moved = true;
        } else if (auto* quote = std::get_if<MakeQuote>(&effect)) {
          core->on_quote(quote->call, to_bytes(quote->report_data), now);
          moved = true;
        } else if (auto* answer = std::get_if<VerifyAnswer>(&effect)) {
          EXPECT_EQ(answer->quote, to_bytes(answer->report_data));
          core->on_answer_verified(answer->call, ok(), now);
          moved = true;
        } else if (auto* gone = std::get_if<Disconnect>(&effect)) {
          leaving.push_back(gone->peer);
        }
      }
      for (auto& [peer, link] : links) {
        Bytes* out = core->output(peer);
        if (out == nullptr || out->empty()) continue;
        const Bytes in = std::exchange(*out, {});  // until next_event() has returned nothing
        link.session.feed(in, now.mono);
        while (auto event = link.session.next_event()) hear(link, *event);
        moved = true;
      }
      for (const PeerId peer : std::exchange(leaving, {})) {
        core->on_disconnected(peer, Error(ErrorKind::io, "closed", "closed"), now);
        moved = true;
      }
    }
  }

  static void hear(WorkerLink& link, const session::Event& event) {
    if (std::get_if<session::HelloAcked>(&event)) {
      link.admitted = true;
      link.session.send(link.challenge->question());
    }
    if (const auto* control = std::get_if<session::Control>(&event)) {
      if (const auto* question = std::get_if<wire::Challenge>(&control->message)) {
        answer(link, *question);
      }
    }
    if (std::get_if<session::PeerGoingAway>(&event)) link.told_to_go = true;
    if (const auto* failed = std::get_if<session::ConnectionFailed>(&event)) {
      link.ended = failed->error.code();
    }
  }

  /// With what these tests take for a quote: the report data alone.
  static void answer(WorkerLink& link, const wire::Challenge& question) {
    ASSERT_TRUE(link.challenge->on_challenge(question));
    session::AnswerBatch batch;
    batch.add(0, *link.challenge->take_leaf());
    const ByteArray<64> quote = *batch.begin();
    const wire::Answer answer = batch.finish(quote).front().second;
    link.session.send(answer);
    link.session.send(wire::Evidence{answer.quote, 64, 0, quote});
  }

  simulation::SimRandom random;
  const NetworkId network{{1, 2, 3}};
  Now now{MonoTime{} + std::chrono::hours(1), UnixTime(Millis(1'800'000'000'000))};
  crypto::SigningKey account;
  crypto::SigningKey boot;
  const ByteArray<32> sealing_key{9};
  billing::SignedEpoch epoch;
  std::unique_ptr<ProxyCore> core;
  std::map<PeerId, WorkerLink> links;
  std::vector<PeerId> leaving;
};

TEST_F(ProxyLinks, AnOlderConnectionIsToldToGoAndStaysOnceItAnswers) {
  WorkerLink& older = listed(1);
  EXPECT_FALSE(older.told_to_go);
  WorkerLink& newer = listed(2);
  EXPECT_TRUE(older.told_to_go);
  older.session.go_away("replaced", "");
  pass(limits::kHandoverGrace * 3);
  EXPECT_EQ(older.ended, "");
  EXPECT_EQ(newer.ended, "");
  EXPECT_FALSE(newer.told_to_go);
}

TEST_F(ProxyLinks, AnOlderConnectionThatDoesNotAnswerIsEndedAfterTheGrace) {
  WorkerLink& older = listed(1);
  WorkerLink& newer = listed(2);
  pass(limits::kHandoverGrace - Seconds(1));
  EXPECT_EQ(older.ended, "");
  pass(Seconds(2));
  EXPECT_EQ(older.ended, "superseded");
  EXPECT_EQ(newer.ended, "");
}

TEST_F(ProxyLinks, AThirdConnectionEndsTheSecondAndNotTheFirstThatFinishes) {
  WorkerLink& first = listed(1);
  WorkerLink& second = listed(2);
  first.session.go_away("replaced", "");
  turn();
  WorkerLink& third = listed(3);
  EXPECT_EQ(first.ended, "");
  EXPECT_EQ(second.ended, "superseded");
  EXPECT_EQ(third.ended, "");
  WorkerLink& fourth = listed(4);
  EXPECT_EQ(first.ended, "");
  EXPECT_EQ(third.ended, "superseded");
  EXPECT_EQ(fourth.ended, "");
  EXPECT_EQ(core->counts().workers, 2u);
}

TEST_F(ProxyLinks, OnceTheFirstIsGoneTheSecondMayFinishToo) {
  WorkerLink& first = listed(1);
  WorkerLink& second = listed(2);
  first.session.go_away("replaced", "");
  turn();
  core->on_disconnected(1, Error(ErrorKind::io, "closed", "closed"), now);
  links.erase(1);
  listed(3);
  second.session.go_away("replaced", "");
  pass(limits::kHandoverGrace * 2);
  EXPECT_EQ(second.ended, "");
}

TEST_F(ProxyLinks, LateWordsOfAReplacedConnectionChangeNothing) {
  WorkerLink& older = listed(1);
  WorkerLink& newer = listed(2);
  older.session.go_away("replaced", "");
  list(older);
  EXPECT_EQ(older.ended, "");
  EXPECT_FALSE(newer.told_to_go) << "the older one took its place back";
  EXPECT_EQ(newer.ended, "");
}

/// A proxy that has as many workers as it takes.
class FullProxy : public ProxyLinks {
 protected:
  static constexpr std::size_t kWorkers = 16;
  static ProxyCoreOptions options() {
    ProxyCoreOptions options;
    options.max_workers = kWorkers;
    return options;
  }
  FullProxy() : ProxyLinks(options()) {
    for (std::size_t i = 1; i <= kWorkers; ++i) {
      if (i != 1) become_another();
      EXPECT_TRUE(connect(i).admitted);
    }
  }
};

TEST_F(FullProxy, TakesNoOtherWorker) {
  become_another();
  WorkerLink& beyond = connect(100);
  EXPECT_FALSE(beyond.admitted);
  EXPECT_EQ(beyond.ended, "proxy_full");
}

TEST_F(FullProxy, TakesAWorkerThatReplacesItsConnection) {
  EXPECT_TRUE(connect(100).admitted);
}

TEST_F(FullProxy, TakesOnlySomeSecondConnectionsAtOnce) {
  const std::size_t room = kWorkers / limits::kRenewalRoom + 1;
  for (std::size_t i = 0; i < room; ++i) EXPECT_TRUE(connect(100 + i).admitted);
  EXPECT_EQ(connect(200).ended, "proxy_full");
}

TEST_F(ProxyLinks, OneAccountHasOnlySoManyConnections) {
  // None of them is listed: only listed ones replace each other.
  for (PeerId peer = 1; peer <= limits::kMaxConnectionsPerAccount; ++peer) {
    EXPECT_TRUE(connect(peer).admitted);
  }
  WorkerLink& beyond = connect(100);
  EXPECT_FALSE(beyond.admitted);
  EXPECT_EQ(beyond.ended, "too_many_connections");
  core->on_disconnected(1, Error(ErrorKind::io, "closed", "closed"), now);
  links.erase(1);
  EXPECT_TRUE(connect(101).admitted) << "one has gone, and there is room again";
}

TEST_F(ProxyLinks, AnotherRunOfTheWorkerEndsTheConnectionsOfTheOneBefore) {
  WorkerLink& older = listed(1);
  boot = key();
  epoch = billing::sign(billing::EpochRecord::make(network, 2, boot.boot_key_id()), account);
  WorkerLink& newer = listed(2);
  EXPECT_EQ(older.ended, "superseded");
  EXPECT_EQ(newer.ended, "");
  EXPECT_EQ(core->counts().workers, 1u);
}

}  // namespace
}  // namespace cocoon::core::test
