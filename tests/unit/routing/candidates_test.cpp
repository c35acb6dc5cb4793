#include "routing/candidates.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <set>

#include "unit/routing/fixture.h"

namespace cocoon::routing {
namespace {

/// An answer of three workers, whose parts a hostile proxy may change.
class VerifyCandidatesTest : public testing::Test {
 protected:
  VerifyCandidatesTest() {
    for (int i = 0; i < 5; ++i) proxy_.add();
    answer_ = proxy_.scheduler.candidates(ask_, at(0));
  }
  std::string_view verdict(Now now = at(1)) { return verdict_of(answer_, ask_, now); }
  std::string_view verdict_of(const wire::Candidates& answer, const wire::CandidatesRequest& ask,
                              Now now = at(1)) {
    auto result = proxy_.verify(answer, ask, now);
    return result ? "accepted" : result.error().code();
  }
  /// Makes the answer one of `worker` alone, with a true root.
  void answer_with(TestWorker& worker, const crypto::SigningKey& key) {
    worker.sign_by(key);
    const wire::SignedWorkerRecord record{worker.bytes, worker.signature};
    answer_.root = crypto::merkle_leaf(wire::directory_leaf(record));
    answer_.leaves = 1;
    answer_.root_time = unix_seconds(kStart);
    root_signature_ = proxy_.boot.sign(
        wire::directory_root_signing_bytes(network(), answer_.root, 1, answer_.root_time));
    answer_.root_signature = root_signature_;
    answer_.workers = {{record, {0, {}}}};
  }

  TestProxy proxy_{11};
  wire::CandidatesRequest ask_ = ask_for("m", 42, 3);
  wire::Candidates answer_;
  crypto::Signature root_signature_{};
};

TEST_F(VerifyCandidatesTest, AcceptsAnHonestAnswer) {
  auto result = proxy_.verify(answer_, ask_, at(1));
  ASSERT_TRUE(result) << result.error().detail();
  ASSERT_EQ(result->size(), 3u);
  EXPECT_EQ(result->front().sealing_key.bytes, crypto::sha256(result->front().record.sealing_key));
}

TEST_F(VerifyCandidatesTest, RefusesARootThatTheProxyDidNotSign) {
  answer_.root[0] ^= 1;
  EXPECT_EQ(verdict(), "bad_directory_root");
}

TEST_F(VerifyCandidatesTest, RefusesARootSignedByAnotherProxy) {
  TestProxy other(12);
  other.add();
  const wire::Candidates foreign = other.scheduler.candidates(ask_, at(0));
  EXPECT_EQ(verdict_of(foreign, ask_), "bad_directory_root");
}

TEST_F(VerifyCandidatesTest, RefusesARootOfAnotherNetwork) {
  const NetworkId other{{9}};
  auto result = verify_candidates(answer_, ask_, other, proxy_.boot.boot_key_id(), at(1));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), "bad_directory_root");
}

TEST_F(VerifyCandidatesTest, RefusesARootForAnotherNumberOfLeaves) {
  answer_.leaves += 1;
  EXPECT_EQ(verdict(), "bad_directory_root");
}

TEST_F(VerifyCandidatesTest, RefusesOldAndFutureRoots) {
  EXPECT_EQ(verdict(at(120)), "accepted");
  EXPECT_EQ(verdict(at(121)), "stale_directory_root");
  EXPECT_EQ(verdict(at(-30)), "accepted");
  EXPECT_EQ(verdict(at(-31)), "stale_directory_root");
}

TEST_F(VerifyCandidatesTest, RefusesProofsThatDoNotHold) {
  auto moved = answer_;
  moved.workers[0].inclusion.index ^= 1;
  EXPECT_EQ(verdict_of(moved, ask_), "bad_inclusion_proof");
  auto cut = answer_;
  cut.workers[0].inclusion.path.pop_back();
  EXPECT_EQ(verdict_of(cut, ask_), "bad_inclusion_proof");
  auto longer = answer_;
  longer.workers[0].inclusion.path.resize(20);
  EXPECT_EQ(verdict_of(longer, ask_), "bad_inclusion_proof");
}

TEST_F(VerifyCandidatesTest, RefusesARecordThatIsNotInTheDirectory) {
  TestWorker stranger(proxy_.random);
  answer_.workers[0].record = stranger.sign();
  EXPECT_EQ(verdict(), "bad_inclusion_proof");
}

TEST_F(VerifyCandidatesTest, RefusesARecordSignedByAnyOtherKeyAlthoughTheProxyListsIt) {
  TestWorker forged(proxy_.random);
  answer_with(forged, proxy_.boot);
  EXPECT_EQ(verdict(), "bad_record_signature");
}

TEST_F(VerifyCandidatesTest, RefusesBytesThatAreNoRecordAlthoughTheProxyListsThem) {
  TestWorker worker(proxy_.random);
  worker.sign();
  worker.bytes.push_back(0);
  worker.signature = worker.boot.sign(wire::worker_record_signing_bytes(worker.bytes));
  const wire::SignedWorkerRecord record{worker.bytes, worker.signature};
  answer_.root = crypto::merkle_leaf(wire::directory_leaf(record));
  answer_.leaves = 1;
  root_signature_ = proxy_.boot.sign(
      wire::directory_root_signing_bytes(network(), answer_.root, 1, answer_.root_time));
  answer_.root_signature = root_signature_;
  answer_.workers = {{record, {0, {}}}};
  EXPECT_EQ(verdict(), "bad_worker_record");
}

TEST_F(VerifyCandidatesTest, RefusesAnExpiredRecordAndOneFromTheFuture) {
  TestWorker old(proxy_.random);
  old.record.not_after = unix_seconds(kStart + 1);
  answer_with(old, old.boot);
  EXPECT_EQ(verdict(at(0)), "accepted");
  EXPECT_EQ(verdict(at(1)), "worker_record_expired");
  TestWorker early(proxy_.random);
  early.record.not_before = unix_seconds(kStart + 40);
  answer_with(early, early.boot);
  EXPECT_EQ(verdict(at(1)), "worker_record_expired");
}

TEST_F(VerifyCandidatesTest, RefusesAnotherModelNetworkOrPrice) {
  TestWorker other_model(proxy_.random, {"m2"});
  answer_with(other_model, other_model.boot);
  EXPECT_EQ(verdict(), "candidate_not_eligible");

  TestWorker other_network(proxy_.random);
  other_network.record.network.bytes[5] ^= 1;
  answer_with(other_network, other_network.boot);
  EXPECT_EQ(verdict(), "candidate_not_eligible");

  TestWorker dear(proxy_.random);
  dear.record.coefficient_e3 = 1001;
  answer_with(dear, dear.boot);
  EXPECT_EQ(verdict(), "accepted");
  ask_.max_coefficient_e3 = 1000;
  EXPECT_EQ(verdict(), "candidate_not_eligible");
}

TEST_F(VerifyCandidatesTest, RefusesAnAnswerToAnotherQuestion) {
  answer_.model = "m2";
  EXPECT_EQ(verdict(), "candidates_model_mismatch");
}

TEST_F(VerifyCandidatesTest, RefusesMoreCandidatesThanAsked) {
  ask_.count = 2;
  EXPECT_EQ(verdict(), "too_many_candidates");
}

TEST_F(VerifyCandidatesTest, RefusesTheSameWorkerTwice) {
  answer_.workers[2] = answer_.workers[0];
  EXPECT_EQ(verdict(), "duplicate_candidate");
}

TEST_F(VerifyCandidatesTest, AcceptsAnEmptyAnswerWithoutASignature) {
  answer_.workers.clear();
  answer_.root_signature = {};
  auto result = proxy_.verify(answer_, ask_, at(1));
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->empty());
}

TEST(Steering, AnHonestProxyIsNeverAccused) {
  TestProxy proxy(21);
  std::vector<WorkerIndex> workers;
  for (int i = 0; i < 12; ++i) workers.push_back(proxy.add());
  // Very unequal workers: weights from one end of the range to the other.
  for (std::size_t i = 0; i < workers.size(); ++i) {
    for (int n = 0; n < 8; ++n) {
      ASSERT_TRUE(proxy.scheduler.start(workers[i], at(0)));
      proxy.scheduler.finish(workers[i], proxy.account(workers[i]), "m",
                             served(0.05 * std::pow(2.0, static_cast<double>(i)), 1, 100), at(0));
    }
  }
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    wire::CandidatesRequest ask = ask_for("m", seed, 4);
    if (seed % 3 == 0) ask.preferred = proxy.account(workers[seed % workers.size()]);
    const wire::Candidates answer = proxy.scheduler.candidates(ask, at(1));
    auto result = proxy.verify(answer, ask, at(1));
    ASSERT_TRUE(result) << "seed " << seed << ": " << result.error().detail();
  }
}

TEST(Steering, AProxyThatPutsItsFavouriteFirstIsCaught) {
  TestProxy proxy(22);
  const WorkerIndex favourite = proxy.add();
  for (int i = 0; i < 9; ++i) proxy.add();
  int caught = 0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    wire::CandidatesRequest ask = ask_for("m", seed, 2);
    wire::Candidates answer = proxy.scheduler.candidates(ask, at(1));
    answer.workers.pop_back();
    answer.workers.insert(answer.workers.begin(),
                          proxy.scheduler.directory().candidate(favourite.slot));
    auto result = proxy.verify(answer, ask, at(1));
    if (!result && result.error().code() == "candidates_out_of_order") ++caught;
  }
  // The rightful first of nine others has an exponential cost with rate 9, the favourite one with
  // rate 1: its cost is over 16 times as high with probability 9 / (9 + 16) = 0.36.
  EXPECT_GT(caught, 100);
}

TEST(Steering, ThePreferredWorkerMayStandFirstButOnlyTheOneAskedFor) {
  TestProxy proxy(23);
  for (int i = 0; i < 2; ++i) proxy.add();
  // A seed under which no permitted weights give the order (1, 0).
  for (std::uint64_t seed = 0;; ++seed) {
    ASSERT_LT(seed, 10000u);
    wire::CandidatesRequest ask = ask_for("m", seed, 2);
    wire::Candidates answer = proxy.scheduler.candidates(ask, at(1));
    std::swap(answer.workers[0], answer.workers[1]);
    if (proxy.verify(answer, ask, at(1))) continue;
    auto first = wire::decode_worker_record(answer.workers[0].record.record);
    auto second = wire::decode_worker_record(answer.workers[1].record.record);
    ask.preferred = first->account;
    EXPECT_TRUE(proxy.verify(answer, ask, at(1)));
    ask.preferred = second->account;
    EXPECT_FALSE(proxy.verify(answer, ask, at(1)));
    return;
  }
}

/// 0x`first`, 0x`first` + 1, …
template <std::size_t N>
ByteArray<N> counting(std::uint8_t first) {
  ByteArray<N> out;
  for (std::size_t i = 0; i < N; ++i) out[i] = static_cast<std::uint8_t>(first + i);
  return out;
}

TEST(Rendezvous, TheCostIsThatOfTheExampleInTheProtocol) {
  const Rendezvous rendezvous(counting<16>(0x10), counting<32>(0x20));
  EXPECT_DOUBLE_EQ(rendezvous.cost(AccountId{counting<32>(0x40)}), 0.23886285105898575);
}

/// Places in `workers` in the order of the rendezvous.
std::vector<std::uint32_t> order_of(const Rendezvous& rendezvous,
                                    std::span<const Weighted> workers) {
  std::vector<Scored> best(workers.size());
  rendezvous_order(rendezvous, workers, best);
  std::vector<std::uint32_t> places;
  for (const Scored& scored : best) places.push_back(scored.place);
  return places;
}

TEST(Rendezvous, FirstPlacesFollowTheWeights) {
  const AccountId accounts[] = {{{1}}, {{2}}, {{3}}, {{4}}};
  const std::vector<Weighted> workers = {
      {&accounts[0], 1.0}, {&accounts[1], 0.5}, {&accounts[2], 0.25}, {&accounts[3], 0.25}};
  const Hash root{7};
  const int rounds = 20000;
  std::vector<int> firsts(workers.size());
  for (int i = 0; i < rounds; ++i) {
    const auto seed = ask_for("m", static_cast<std::uint64_t>(i)).seed;
    ++firsts[order_of(Rendezvous(seed, root), workers).at(0)];
  }
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const double p = workers[i].weight / 2.0;
    // Five standard deviations: the seeds are fixed, so this holds or does not.
    EXPECT_NEAR(firsts[i], rounds * p, 5 * std::sqrt(rounds * p * (1 - p))) << i;
  }
}

TEST(Rendezvous, TheBestFewAreTheFirstOfAll) {
  std::vector<AccountId> accounts;
  for (std::uint8_t i = 0; i < 40; ++i) accounts.push_back({{i}});
  std::vector<Weighted> workers;
  for (const AccountId& account : accounts) {
    workers.push_back({&account, 1.0 / (1 + account.bytes[0] % 7)});
  }
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Rendezvous rendezvous(ask_for("m", seed).seed, Hash{7});
    const std::vector<std::uint32_t> all = order_of(rendezvous, workers);
    EXPECT_EQ(std::set<std::uint32_t>(all.begin(), all.end()).size(), workers.size());
    for (std::size_t i = 1; i < all.size(); ++i) {
      const auto score = [&](std::uint32_t place) {
        return rendezvous.cost(accounts[place]) / workers[place].weight;
      };
      ASSERT_LE(score(all[i - 1]), score(all[i]));
    }
    std::array<Scored, 3> best;
    rendezvous_order(rendezvous, workers, best);
    for (std::size_t i = 0; i < best.size(); ++i) EXPECT_EQ(best[i].place, all[i]);
  }
}

TEST(Rendezvous, AWorkerThatLeavesMovesOnlyItsOwnClients) {
  std::vector<AccountId> accounts;
  for (std::uint8_t i = 0; i < 10; ++i) accounts.push_back({{i}});
  std::vector<Weighted> workers;
  for (const AccountId& account : accounts) workers.push_back({&account, 1.0});
  const Hash root{7};
  std::vector<Weighted> fewer(workers.begin(), workers.end() - 1);
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto seed = ask_for("m", i).seed;
    const std::size_t before = order_of(Rendezvous(seed, root), workers).at(0);
    if (before == 9) continue;
    EXPECT_EQ(order_of(Rendezvous(seed, root), fewer).at(0), before);
  }
}

TEST(RefusalSeed, IsTheFirstHalfOfTheRequestHash) {
  RequestHash hash;
  for (std::size_t i = 0; i < 32; ++i) hash.bytes[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(refusal_seed(hash)[15], 15);
}

}  // namespace
}  // namespace cocoon::routing
