#include "routing/directory.h"

#include <gtest/gtest.h>

#include "crypto/merkle.h"
#include "unit/routing/fixture.h"

namespace cocoon::routing {
namespace {

class DirectoryTest : public testing::Test {
 protected:
  SeededRandom random_{1};
  crypto::SigningKey boot_ = crypto::SigningKey::generate(random_);
  Directory directory_{network(), boot_};

  WorkerIndex add(TestWorker& worker) {
    auto index = directory_.add(worker.peer(), worker.sign(), at(0));
    EXPECT_TRUE(index) << index.error().detail();
    return *index;
  }
  std::string_view refusal(TestWorker& worker) {
    auto index = directory_.add(worker.peer(), worker.sign(), at(0));
    return index ? "accepted" : index.error().code();
  }
  void make_ready(WorkerIndex index, std::uint32_t free = 8) {
    directory_.update(
        index,
        [&](WorkerEntry& e) {
          e.ready = true;
          e.reported_free = free;
        },
        [](const WorkerEntry&) { return true; });
  }
};

TEST_F(DirectoryTest, RefusesARecordSignedByAnotherKey) {
  TestWorker worker(random_);
  const auto other = crypto::SigningKey::generate(random_);
  auto index = directory_.add(worker.peer(), worker.sign_by(other), at(0));
  ASSERT_FALSE(index);
  EXPECT_EQ(index.error().code(), "bad_signature");
  EXPECT_EQ(directory_.size(), 0u);
}

TEST_F(DirectoryTest, RefusesARecordOfAnotherNetworkAccountBootKeyOrEvidence) {
  for (int field = 0; field < 4; ++field) {
    TestWorker worker(random_);
    const WorkerPeer peer = worker.peer();
    if (field == 0) worker.record.network.bytes[0] ^= 1;
    if (field == 1) worker.record.account.bytes[0] ^= 1;
    if (field == 2) worker.record.boot_key = crypto::SigningKey::generate(random_).boot_key_id();
    if (field == 3) worker.record.evidence.bytes[0] ^= 1;
    auto index = directory_.add(peer, worker.sign(), at(0));
    ASSERT_FALSE(index) << field;
    EXPECT_EQ(index.error().code(), "worker_record_mismatch") << field;
  }
}

TEST_F(DirectoryTest, RefusesAnExpiredRecordAndOneFromTheFuture) {
  TestWorker expired(random_);
  expired.record.not_after = unix_seconds(kStart);
  EXPECT_EQ(refusal(expired), "worker_record_expired");
  TestWorker future(random_);
  future.record.not_before = unix_seconds(kStart + 31);
  EXPECT_EQ(refusal(future), "worker_record_expired");
}

TEST_F(DirectoryTest, RefusesPricesAndCapacitiesOutOfBounds) {
  TestWorker dear(random_);
  dear.record.coefficient_e3 = limits::kMaxCoefficientE3 + 1;
  EXPECT_EQ(refusal(dear), "bad_worker_record");
  TestWorker large(random_);
  large.record.capacity = limits::kMaxWorkerCapacity + 1;
  EXPECT_EQ(refusal(large), "bad_worker_record");
}

TEST_F(DirectoryTest, RefusesAnAccountThatIsConnectedAlready) {
  TestWorker worker(random_);
  add(worker);
  worker.record.sealing_key[0] ^= 1;
  EXPECT_EQ(refusal(worker), "worker_already_listed");
}

TEST_F(DirectoryTest, RefusesAnotherWorkersSealingKey) {
  TestWorker worker(random_);
  add(worker);
  TestWorker thief(random_);
  thief.record.sealing_key = worker.record.sealing_key;
  EXPECT_EQ(refusal(thief), "sealing_key_taken");
}

TEST_F(DirectoryTest, RenewalCannotTakeAnotherWorkersSealingKey) {
  TestWorker worker(random_);
  add(worker);
  TestWorker thief(random_);
  const WorkerIndex index = add(thief);
  const SealingKeyId own = directory_.find(index)->sealing_key;
  thief.record.sealing_key = worker.record.sealing_key;
  const Status renewed = directory_.renew(index, thief.peer(), thief.sign(), at(1));
  ASSERT_FALSE(renewed);
  EXPECT_EQ(renewed.error().code(), "sealing_key_taken");
  EXPECT_EQ(directory_.find(own), index);
}

TEST_F(DirectoryTest, AnOldIndexFindsNothingAfterItsSlotIsReused) {
  TestWorker gone(random_);
  const WorkerIndex old = add(gone);
  directory_.remove(old);
  TestWorker next(random_);
  const WorkerIndex fresh = add(next);
  EXPECT_EQ(fresh.slot, old.slot);
  EXPECT_EQ(directory_.find(old), nullptr);
  EXPECT_NE(directory_.find(fresh), nullptr);
  EXPECT_FALSE(directory_.renew(old, gone.peer(), gone.sign(), at(0)));
}

TEST_F(DirectoryTest, FindsByAccountAndByPresentAndPreviousSealingKey) {
  TestWorker worker(random_);
  const WorkerIndex index = add(worker);
  const SealingKeyId first = directory_.find(index)->sealing_key;
  worker.record.sealing_key[0] ^= 1;
  ASSERT_TRUE(directory_.renew(index, worker.peer(), worker.sign(), at(1)));
  const SealingKeyId second = directory_.find(index)->sealing_key;
  EXPECT_NE(first, second);
  EXPECT_EQ(directory_.find(first), index);
  EXPECT_EQ(directory_.find(second), index);
  worker.record.sealing_key[0] ^= 2;
  ASSERT_TRUE(directory_.renew(index, worker.peer(), worker.sign(), at(2)));
  EXPECT_EQ(directory_.find(first), std::nullopt);
  EXPECT_EQ(directory_.find(worker.account()), index);
  directory_.remove(index);
  EXPECT_EQ(directory_.find(second), std::nullopt);
  EXPECT_EQ(directory_.find(worker.account()), std::nullopt);
}

TEST_F(DirectoryTest, OffersAreSortedByPriceAndFollowEveryChange) {
  std::vector<WorkerIndex> workers;
  for (const std::uint32_t price : {1500u, 500u, 1000u}) {
    TestWorker worker(random_, {"a", "b"});
    worker.record.coefficient_e3 = price;
    workers.push_back(add(worker));
    make_ready(workers.back());
  }
  const ModelEntry* model = directory_.model("a");
  ASSERT_EQ(model->offers.size(), 3u);
  EXPECT_EQ(model->offers[0].slot, workers[1].slot);
  EXPECT_EQ(model->offers[2].slot, workers[0].slot);
  EXPECT_EQ(model->capacity, 24u);
  make_ready(workers[1], 0);
  EXPECT_EQ(model->offers.size(), 2u);
  ASSERT_EQ(model->full.size(), 1u);
  EXPECT_EQ(model->lowest_coefficient_e3(), 500u);
  EXPECT_EQ(model->free_slots, 16u);
  directory_.remove(workers[1]);
  EXPECT_TRUE(model->full.empty());
  EXPECT_EQ(model->workers, 2u);
}

TEST_F(DirectoryTest, ARenewalMovesTheWorkerToItsNewModelsAndPrice) {
  TestWorker worker(random_, {"a", "b"});
  const WorkerIndex index = add(worker);
  make_ready(index);
  worker.record.models = {"b", "c"};
  worker.record.coefficient_e3 = 700;
  ASSERT_TRUE(directory_.renew(index, worker.peer(), worker.sign(), at(1)));
  EXPECT_EQ(directory_.model("a"), nullptr);
  ASSERT_EQ(directory_.model("b")->offers.size(), 1u);
  EXPECT_EQ(directory_.model("b")->offers[0].coefficient_e3, 700u);
  EXPECT_EQ(directory_.model("c")->workers, 1u);
  directory_.remove(index);
  EXPECT_TRUE(directory_.models().empty());
}

TEST_F(DirectoryTest, CountsAreThoseOfItsWorkersAfterRandomChanges) {
  const std::uint64_t seed = 20240607;
  SCOPED_TRACE(seed);
  SeededRandom choice(seed);
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  std::vector<WorkerIndex> live;
  for (int step = 0; step < 3000; ++step) {
    const auto what = choice.below(10);
    if (live.empty() || (what < 2 && live.size() < 20)) {
      std::vector<std::string> models;
      for (const auto& name : names) {
        if (choice.below(2) == 0) models.push_back(name);
      }
      if (models.empty()) models.push_back("a");
      TestWorker worker(random_, models);
      worker.record.coefficient_e3 = static_cast<std::uint32_t>(1 + choice.below(3));
      live.push_back(add(worker));
    } else if (what == 2) {
      const std::size_t which = choice.below(live.size());
      directory_.remove(live[which]);
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(which));
    } else {
      const bool offered = choice.below(4) != 0;
      directory_.update(
          live[choice.below(live.size())],
          [&](WorkerEntry& e) {
            e.ready = choice.below(5) != 0;
            e.running = static_cast<std::uint32_t>(choice.below(10));
            e.reported_free = static_cast<std::uint32_t>(choice.below(9));
          },
          [&](const WorkerEntry&) { return offered; });
    }
    for (const auto& [name, model] : directory_.models()) {
      ModelEntry expected;
      for (const WorkerIndex index : live) {
        const WorkerEntry& e = *directory_.find(index);
        if (std::find(e.record.models.begin(), e.record.models.end(), name) ==
                e.record.models.end() ||
            !e.ready) {
          continue;
        }
        ++expected.workers;
        expected.capacity += e.record.capacity;
        expected.free_slots += e.free_slots();
        expected.running += e.running;
        if (e.free_slots() == 0) {
          ++expected.listed;  // counts the full ones here
        }
      }
      ASSERT_EQ(model.workers, expected.workers) << name << " at step " << step;
      ASSERT_EQ(model.capacity, expected.capacity) << name << " at step " << step;
      ASSERT_EQ(model.free_slots, expected.free_slots) << name << " at step " << step;
      ASSERT_EQ(model.running, expected.running) << name << " at step " << step;
      ASSERT_EQ(model.full.size(), expected.listed) << name << " at step " << step;
      ASSERT_EQ(model.offers.size() + model.reserve.size() + model.full.size(), model.workers);
      ASSERT_TRUE(std::is_sorted(model.offers.begin(), model.offers.end()));
    }
  }
}

TEST_F(DirectoryTest, EveryCandidateIsProvedByThePublishedRoot) {
  std::vector<WorkerIndex> workers;
  for (int i = 0; i < 13; ++i) {
    TestWorker worker(random_);
    workers.push_back(add(worker));
  }
  const Hash root = directory_.publish(at(0));
  wire::Candidates answer;
  directory_.fill_root(answer);
  for (const WorkerIndex index : workers) {
    ASSERT_TRUE(directory_.published(index.slot));
    const wire::Candidate candidate = directory_.candidate(index.slot);
    EXPECT_TRUE(crypto::verify_merkle_path(
        crypto::merkle_leaf(wire::directory_leaf(candidate.record)), candidate.inclusion.index,
        answer.leaves, candidate.inclusion.path, root));
  }
}

TEST_F(DirectoryTest, TheRootDependsOnTheRecordsAloneNotOnTheOrderTheyCame) {
  TestWorker a(random_);
  TestWorker b(random_);
  TestWorker c(random_);
  add(a);
  add(b);
  add(c);
  Directory other(network(), boot_);
  for (TestWorker* worker : {&c, &a, &b})
    ASSERT_TRUE(other.add(worker->peer(), worker->sign(), at(0)));
  EXPECT_EQ(directory_.publish(at(0)), other.publish(at(3)));
}

TEST_F(DirectoryTest, ARootIsSignedAfreshEachMinuteAndAtEachChange) {
  TestWorker worker(random_);
  const WorkerIndex index = add(worker);
  auto published_at = [&](double s) {
    directory_.publish(at(s));
    wire::Candidates answer;
    directory_.fill_root(answer);
    return to_unix_seconds(answer.root_time) - kStart;
  };
  EXPECT_EQ(published_at(0), 0u);
  EXPECT_EQ(published_at(59), 0u);
  EXPECT_EQ(published_at(60), 60u);
  directory_.remove(index);
  EXPECT_EQ(published_at(61), 61u);
}

TEST_F(DirectoryTest, ARootFromAClockThatWasSetBackIsReplaced) {
  directory_.publish(at(3600));
  directory_.publish(at(0));
  wire::Candidates answer;
  directory_.fill_root(answer);
  EXPECT_EQ(to_unix_seconds(answer.root_time), kStart);
}

TEST_F(DirectoryTest, ALargeDirectoryIsRebuiltAtMostOncePerInterval) {
  SeededRandom fast(3);
  // One boot key for all: what is measured is the tree, not signatures.
  const auto boot = crypto::SigningKey::generate(fast);
  for (int i = 0; i < 300; ++i) {
    TestWorker worker(fast);
    worker.boot = boot.duplicate();
    worker.record.boot_key = boot.boot_key_id();
    add(worker);
  }
  const Hash before = directory_.publish(at(0));
  TestWorker late(random_);
  const WorkerIndex index = add(late);
  EXPECT_EQ(directory_.publish(at(0.005)), before);
  EXPECT_FALSE(directory_.published(index.slot));
  EXPECT_NE(directory_.publish(at(0.007)), before);
  EXPECT_TRUE(directory_.published(index.slot));
}

}  // namespace
}  // namespace cocoon::routing
