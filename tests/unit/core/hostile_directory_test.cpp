/// A hostile proxy that lies about its directory: whatever of it a client can check, it checks, and
/// it seals nothing for such a proxy.

#include "codec/hex.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "routing/candidates.h"
#include "session/sealed_header.h"
#include "unit/core/acts.h"
#include "wire/records.h"

namespace cocoon::core::test {
namespace {

/// A record as it stands in a directory.
struct Listed {
  Bytes record;
  Bytes signature;
  wire::WorkerRecord value() const { return wire::decode_worker_record(record).value(); }
};

/// Twelve workers: enough that some stand far from the first place for any seed.
class HostileDirectory : public ::testing::Test {
 protected:
  HostileDirectory() : net({.workers = 12}) {}

  void SetUp() override {
    net.meddle = [this](Hop& hop) {
      auto* record = hop.as<wire::SignedWorkerRecord>();
      if (record != nullptr && hop.between(kWorker, kProxy)) {
        all.push_back({to_bytes(record->record), to_bytes(record->signature)});
      }
    };
    net.boot();
    ASSERT_EQ(all.size(), 12u);
    net.meddle = [this](Hop& hop) {
      if (auto* ask = hop.as<wire::CandidatesRequest>()) seed = ask->seed;
      auto* answer = hop.as<wire::Candidates>();
      if (answer == nullptr || !hop.between(kProxy, kClient) || answer->workers.empty()) return;
      if (forge) forge(hop, *answer);
    };
  }

  /// Makes `answer` one from a directory of all of `all`, in which `chosen` are the candidates.
  void answer_from(Hop& hop, wire::Candidates& answer, const std::vector<std::size_t>& chosen,
                   std::optional<UnixTime> time = std::nullopt) {
    std::vector<Hash> leaves;
    for (const Listed& listed : all) {
      leaves.push_back(crypto::merkle_leaf(
          wire::directory_leaf({.record = listed.record, .signature = listed.signature})));
    }
    const crypto::MerkleTree tree(leaves);
    answer.root = tree.root();
    answer.leaves = static_cast<std::uint32_t>(leaves.size());
    if (time) answer.root_time = *time;
    answer.workers.clear();
    for (const std::size_t i : chosen) {
      answer.workers.push_back(
          {{all[i].record, all[i].signature}, {static_cast<std::uint32_t>(i), tree.path(i)}});
    }
    sign_root(hop, answer);
  }

  void sign_root(Hop& hop, wire::Candidates& answer) {
    const auto signature = net.proxy().boot_key().sign(wire::directory_root_signing_bytes(
        net.world.registry().network, answer.root, answer.leaves, answer.root_time));
    answer.root_signature = hop.keep(Bytes(signature.begin(), signature.end()));
  }

  /// All workers in the order of the rendezvous for the client's seed, under this answer's root.
  std::vector<std::size_t> order(const Hash& root) {
    std::vector<AccountId> accounts;
    for (const Listed& listed : all) accounts.push_back(listed.value().account);
    std::vector<routing::Weighted> weighted;
    for (const AccountId& account : accounts) weighted.push_back({&account, 1});
    std::vector<routing::Scored> best(weighted.size());
    routing::rendezvous_order(routing::Rendezvous(seed, root), weighted, best);
    std::vector<std::size_t> places;
    for (const routing::Scored& scored : best) places.push_back(scored.place);
    return places;
  }

  /// Number `i` says something else, signed by its own boot key as a colluding worker would.
  void rewrite(std::size_t i, const std::function<void(wire::WorkerRecord&)>& edit) {
    wire::WorkerRecord record = all[i].value();
    const Node& worker = *net.with(record.account);
    edit(record);
    all[i].record = wire::encode_worker_record(record).value();
    const auto signature = worker.boot_key().sign(wire::worker_record_signing_bytes(all[i].record));
    all[i].signature = Bytes(signature.begin(), signature.end());
  }

  /// The client leaves the proxy, saying `code`; nothing was sealed or run.
  void expect_caught(std::string_view code) {
    const Asked asked = net.ask();
    net.expect_refused(asked, ErrorKind::unavailable, "no_proxy");
    EXPECT_TRUE(net.said(net.client(), code)) << net.problem(net.client());
    EXPECT_EQ(net.executions(asked), 0u);
    EXPECT_EQ(net.acknowledged(net.client()), Nano{0});
  }

  Network net;
  std::vector<Listed> all;
  ByteArray<16> seed{};
  std::function<void(Hop&, wire::Candidates&)> forge;
};

TEST_F(HostileDirectory, ATrueDirectoryOfOurMakingIsAccepted) {
  // So that what follows is refused for its lie, and for nothing else.
  forge = [this](Hop& hop, wire::Candidates& answer) {
    answer_from(hop, answer, {0});
    const auto best = order(answer.root);
    answer_from(hop, answer, {best[0], best[1]});
  };
  net.expect_served(net.ask());
}

TEST_F(HostileDirectory, ARootThatTheProxyDidNotSignIsRefused) {
  forge = [](Hop& hop, wire::Candidates& answer) {
    answer.root_signature = hop.flipped(answer.root_signature, 5);
  };
  expect_caught("bad_directory_root");
}

TEST_F(HostileDirectory, ARootOfAnotherKeyIsRefused) {
  forge = [this](Hop& hop, wire::Candidates& answer) {
    const auto signature = net.proxy().account_key().sign(wire::directory_root_signing_bytes(
        net.world.registry().network, answer.root, answer.leaves, answer.root_time));
    answer.root_signature = hop.keep(Bytes(signature.begin(), signature.end()));
  };
  expect_caught("bad_directory_root");
}

TEST_F(HostileDirectory, ARootForAnotherNetworkIsRefused) {
  forge = [this](Hop& hop, wire::Candidates& answer) {
    const auto signature = net.proxy().boot_key().sign(wire::directory_root_signing_bytes(
        NetworkId{}, answer.root, answer.leaves, answer.root_time));
    answer.root_signature = hop.keep(Bytes(signature.begin(), signature.end()));
  };
  expect_caught("bad_directory_root");
}

TEST_F(HostileDirectory, AStaleRootIsRefused) {
  forge = [this](Hop& hop, wire::Candidates& answer) {
    answer.root_time -= limits::kMaxDirectoryAge + Seconds(2);
    sign_root(hop, answer);
  };
  expect_caught("stale_directory_root");
}

TEST_F(HostileDirectory, ARootOfTheFutureIsRefused) {
  forge = [this](Hop& hop, wire::Candidates& answer) {
    answer.root_time += limits::kClockSkew + Seconds(2);
    sign_root(hop, answer);
  };
  expect_caught("stale_directory_root");
}

TEST_F(HostileDirectory, AProofForAnotherPlaceIsRefused) {
  forge = [](Hop&, wire::Candidates& answer) { answer.workers[0].inclusion.index ^= 1; };
  expect_caught("bad_inclusion_proof");
}

TEST_F(HostileDirectory, AnAlteredProofIsRefused) {
  forge = [](Hop&, wire::Candidates& answer) { answer.workers[0].inclusion.path[1][3] ^= 1; };
  expect_caught("bad_inclusion_proof");
}

TEST_F(HostileDirectory, ARecordThatIsNotInTheTreeIsRefused) {
  forge = [this](Hop& hop, wire::Candidates& answer) {
    const wire::Candidates real = answer;
    answer_from(hop, answer, {0, 1});
    answer.root = real.root;
    answer.root_time = real.root_time;
    answer.workers[0].inclusion.path.pop_back();
    sign_root(hop, answer);
  };
  expect_caught("bad_inclusion_proof");
}

TEST_F(HostileDirectory, ARecordThatTheProxyAlteredIsRefused) {
  forge = [this](Hop& hop, wire::Candidates& answer) {
    wire::WorkerRecord record = all[0].value();
    record.sealing_key[0] ^= 1;  // a key of the proxy's own, it would be
    all[0].record = wire::encode_worker_record(record).value();
    answer_from(hop, answer, {0});
  };
  expect_caught("bad_record_signature");
}

TEST_F(HostileDirectory, AnExpiredRecordIsRefused) {
  rewrite(0, [this](wire::WorkerRecord& r) {
    r.not_before = net.world.now.unix - Seconds(100);
    r.not_after = net.world.now.unix - Seconds(1);
  });
  forge = [this](Hop& hop, wire::Candidates& answer) { answer_from(hop, answer, {0}); };
  expect_caught("worker_record_expired");
}

TEST_F(HostileDirectory, ARecordThatIsNotValidYetIsRefused) {
  rewrite(0, [this](wire::WorkerRecord& r) {
    r.not_before = net.world.now.unix + Seconds(100);
    r.not_after = net.world.now.unix + Seconds(200);
  });
  forge = [this](Hop& hop, wire::Candidates& answer) { answer_from(hop, answer, {0}); };
  expect_caught("worker_record_expired");
}

TEST_F(HostileDirectory, AWorkerOfAnotherNetworkIsRefused) {
  rewrite(0, [](wire::WorkerRecord& r) { r.network.bytes[0] ^= 1; });
  forge = [this](Hop& hop, wire::Candidates& answer) { answer_from(hop, answer, {0}); };
  expect_caught("candidate_not_eligible");
}

TEST_F(HostileDirectory, AWorkerThatDoesNotServeTheModelIsRefused) {
  rewrite(0, [](wire::WorkerRecord& r) { r.models = {"sim/other"}; });
  forge = [this](Hop& hop, wire::Candidates& answer) { answer_from(hop, answer, {0}); };
  expect_caught("candidate_not_eligible");
}

TEST_F(HostileDirectory, OneWorkerTwiceIsRefused) {
  forge = [this](Hop& hop, wire::Candidates& answer) { answer_from(hop, answer, {0, 0}); };
  expect_caught("duplicate_candidate");
}

TEST_F(HostileDirectory, MoreCandidatesThanAskedForAreRefused) {
  forge = [this](Hop& hop, wire::Candidates& answer) { answer_from(hop, answer, {0, 1, 2}); };
  expect_caught("too_many_candidates");
}

TEST_F(HostileDirectory, AnOrderThatTheSeedCannotHaveGivenIsRefused) {
  // The worker that the seed puts last before the one that it puts first.
  forge = [this](Hop& hop, wire::Candidates& answer) {
    answer_from(hop, answer, {0});
    const auto best = order(answer.root);
    answer_from(hop, answer, {best.back(), best.front()});
  };
  expect_caught("candidates_out_of_order");
}

TEST_F(HostileDirectory, CandidatesForAnotherModel) {
  forge = [](Hop&, wire::Candidates& answer) { answer.model = "sim/other"; };
  expect_caught("candidates_model_mismatch");
}

TEST_F(HostileDirectory, CandidatesThatNobodyAskedForChangeNothing) {
  unsigned sent = 0;
  forge = [this, &sent](Hop& hop, wire::Candidates& answer) {
    if (sent++ > 0) return;
    wire::Candidates unasked = answer;
    unasked.id = 0;
    hop.before(unasked);
    unasked.id = answer.id + 17;
    answer_from(hop, unasked, {3});
    hop.before(unasked);
  };
  net.expect_served(net.ask());
}

// --- Evidence ---

class HostileEvidence : public HostileDirectory {
 protected:
  void on_evidence(const std::function<void(Hop&, wire::Evidence&)>& act) {
    net.meddle = [act](Hop& hop) {
      auto* part = hop.as<wire::Evidence>();
      if (part != nullptr && hop.between(kProxy, kClient)) act(hop, *part);
    };
  }
  void expect_untrusted() {
    const Asked asked = net.ask();
    net.expect_refused(asked, ErrorKind::attestation, "no_trusted_worker");
    EXPECT_EQ(net.executions(asked), 0u);
    EXPECT_EQ(net.acknowledged(net.client()), Nano{0});
  }
};

TEST_F(HostileEvidence, AlteredEvidenceIsNotTrusted) {
  on_evidence([](Hop& hop, wire::Evidence& part) { part.part = hop.flipped(part.part, 3); });
  expect_untrusted();
}

TEST_F(HostileEvidence, AnotherWorkersEvidenceIsNotTrusted) {
  const Bytes other = net.worker(0).evidence()->certificate;
  on_evidence([other](Hop&, wire::Evidence& part) { part.part = other; });
  const Asked asked = net.ask();
  // Worker 0 itself may be one of the two candidates: then it alone is trusted.
  const RequestOutcome got = net.outcome(asked);
  if (got.status) {
    EXPECT_EQ(got.worker, to_hex(net.worker(0).account().view()));
  } else {
    EXPECT_EQ(got.status.error().code(), "no_trusted_worker");
    EXPECT_EQ(net.executions(asked), 0u);
  }
}

TEST_F(HostileEvidence, AProxysOwnEvidenceIsNotAWorkers) {
  const Bytes own = net.proxy().evidence()->certificate;
  on_evidence([own](Hop&, wire::Evidence& part) { part.part = own; });
  expect_untrusted();
}

TEST_F(HostileEvidence, WithheldEvidenceIsNotTrusted) {
  on_evidence([](Hop&, wire::Evidence& part) {
    part.total = 0;
    part.part = {};
  });
  expect_untrusted();
}

TEST_F(HostileEvidence, EvidenceThatNeverComesKeepsNoRequestForever) {
  on_evidence([](Hop& hop, wire::Evidence&) { hop.drop(); });
  const Asked asked = net.ask();
  net.run(2 * limits::kCandidatesDeadline + Seconds(2));
  net.expect_refused(asked, ErrorKind::attestation, "no_trusted_worker");
  // Nor are later requests lost once the proxy gives it.
  net.meddle = nullptr;
  net.run(limits::kRefusalRemembered + Seconds(2));
  net.expect_served(net.ask());
}

/// Whoever trusts only some of a model's workers: the others' evidence is as good as altered.
class PickyClient : public HostileEvidence {
 protected:
  void trust(std::size_t first_workers) {
    std::set<EvidenceDigest> trusted;
    for (std::size_t i = 0; i < first_workers; ++i) {
      trusted.insert(net.worker(i).evidence()->digest);
    }
    net.meddle = [this, trusted](Hop& hop) {
      if (hop.as<wire::CandidatesRequest>() != nullptr) ++questions;
      auto* part = hop.as<wire::Evidence>();
      if (part == nullptr || !hop.between(kProxy, kClient)) return;
      if (!trusted.contains(part->digest)) part->part = hop.flipped(part->part, 3);
    };
  }

  /// Its place in `all`.
  std::size_t place_of(Node& worker) const {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].value().account == worker.account()) return i;
    }
    ADD_FAILURE() << "the worker has shown no record";
    return 0;
  }

  std::size_t questions = 0;
};

TEST_F(PickyClient, AsksOnUntilItIsNamedAWorkerThatItTrusts) {
  trust(4);
  for (int i = 0; i < 20; ++i) {
    net.expect_served(net.ask());
    net.run(limits::kCandidatesFresh + Seconds(1));
  }
  EXPECT_GT(questions, 20u) << "every first answer named one: the test shows nothing";
}

TEST_F(PickyClient, AsksOnWhereARefusalBroughtOnlyOthers) {
  trust(4);
  net.expect_served(net.ask());
  net.run(limits::kCandidatesFresh - Seconds(10));
  net.meddle = [this, others = net.meddle, refused = wire::StreamId{0}](Hop& hop) mutable {
    const bool asking = hop.between(kClient, kProxy);
    if (asking && refused != 0 && stream_of(hop.message) == refused) hop.drop();
    const auto* open = hop.as<wire::Open>();
    if (open == nullptr || !asking || refused != 0) return others(hop);
    refused = open->stream;
    hop.drop();
    Hop back(net.proxy(), net.client(), wire::Candidates{});
    wire::Candidates fresh;
    fresh.model = "sim/model";
    answer_from(back, fresh, {place_of(net.worker(7))}, net.world.now.unix);
    net.forge(net.proxy(), net.client(), fresh);
    wire::Reset refusal;
    refusal.stream = open->stream;
    refusal.kind = static_cast<std::uint8_t>(ErrorKind::busy);
    refusal.code = "no_candidate_free";
    net.forge(net.proxy(), net.client(), refusal);
  };
  questions = 0;
  net.expect_served(net.ask());
  EXPECT_GE(questions, 1u);
}

TEST_F(PickyClient, AsksOfAModelWithoutSuchAWorkerAreBounded) {
  trust(0);
  expect_untrusted();
  EXPECT_EQ(questions, 8u);
}

TEST_F(HostileEvidence, PartsThatDoNotContinueEachOtherEndTheConnection) {
  on_evidence([](Hop&, wire::Evidence& part) {
    part.total += 1;
    part.offset = 1;
  });
  expect_caught("bad_evidence_part");
}

/// A proxy that names ever new evidence beside the refusal of a request.
class EvidenceFlood : public HostileDirectory {
 protected:
  /// Nobody takes its request, so that it stays on offer for as long as the client waits.
  void SetUp() override {
    HostileDirectory::SetUp();
    net.meddle = [this](Hop& hop) {
      if (!hop.between(kClient, kProxy)) return;
      const auto* open = hop.as<wire::Open>();
      if (open != nullptr && !hash) {
        hash = session::request_hash(open->header);
        held = open->stream;
      }
      if (held != 0 && stream_of(hop.message) == held) hop.drop();
      if (open != nullptr) wraps = open->wraps.size();
      const auto* question = hop.as<wire::EvidenceRequest>();
      if (question == nullptr || !made_up.contains(question->digest)) return;
      ++questions;
      if (unanswered) hop.drop();
    };
    asked = net.ask();
    net.run(Millis(100));
    ASSERT_TRUE(hash);
  }
  void flood(std::size_t count) {
    Hop hop(net.proxy(), net.client(), wire::Candidates{});
    for (std::size_t i = 0; i < count; ++i) {
      const EvidenceDigest digest{net.world.random.array<32>()};
      made_up.insert(digest);
      rewrite(0, [&](wire::WorkerRecord& r) { r.evidence = digest; });
      wire::Candidates answer;
      answer.model = "sim/model";
      answer_from(hop, answer, {0}, net.world.now.unix);
      net.forge(net.proxy(), net.client(), answer);
      net.world.run_for(Millis(1));
      ASSERT_TRUE(net.client().client().ready()) << net.problem(net.client());
    }
    net.run(Millis(100));
  }

  Asked asked;
  std::optional<RequestHash> hash;
  wire::StreamId held = 0;
  std::set<EvidenceDigest> made_up;
  bool unanswered = false;
  std::size_t questions = 0;
  std::size_t wraps = 0;  ///< of the last request
};

TEST_F(EvidenceFlood, NothingThatIsBeingFetchedGivesWay) {
  unanswered = true;
  flood(limits::kMaxKnownEvidence + 100);
  EXPECT_EQ(questions, limits::kMaxKnownEvidence);
  (void)net.outcome(asked);
}

TEST_F(EvidenceFlood, WhatWasRefusedGivesWayToWhatIsNeeded) {
  flood(limits::kMaxKnownEvidence + 100);
  EXPECT_EQ(questions, limits::kMaxKnownEvidence + 100);
  for (int i = 0; i < 6; ++i) {
    net.run(limits::kCandidatesFresh + Seconds(1));
    net.expect_served(net.ask());
    EXPECT_EQ(wraps, limits::kDefaultCandidates) << "one gave way to the other";
  }
  (void)net.outcome(asked);
}

/// A worker in league with the proxy: its evidence says something else than its record.
class CollusionEvidence : public ::testing::TestWithParam<int> {};

TEST_P(CollusionEvidence, EvidenceHasToBeThatOfTheRecordsWorker) {
  Network net({.workers = 1});
  net.boot();
  ports::VerifiedEvidence evidence = *net.worker().evidence();
  switch (GetParam()) {
    case 0: evidence.boot_key.bytes[0] ^= 1; break;
    case 1: evidence.account.bytes[0] ^= 1; break;
    case 2: evidence.network.bytes[0] ^= 1; break;
    case 3: evidence.role = wire::Role::proxy; break;
    case 4: evidence.expires = net.world.now.unix - Seconds(1); break;
    default: FAIL();
  }
  net.worker().show_evidence(evidence);
  const Asked asked = net.ask();
  net.expect_refused(asked, ErrorKind::attestation, "no_trusted_worker");
  EXPECT_EQ(net.executions(asked), 0u);
}
INSTANTIATE_TEST_SUITE_P(BootKeyAccountNetworkRoleExpiry, CollusionEvidence,
                         ::testing::Range(0, 5));

}  // namespace
}  // namespace cocoon::core::test
