/// One end's part of the challenge between proxy and worker: what it takes for an answer, and when
/// it gives one.

#include "session/challenge.h"

#include <gtest/gtest.h>

#include "attest/evidence.h"
#include "base/limits.h"
#include "crypto/hash.h"
#include "session/answer_batch.h"
#include "unit/wire/samples.h"

namespace cocoon::session {
namespace {

using attest::EvidenceRole;
using test::filled;

const Bytes kQuote(5000, 7);

/// A connection between a proxy and a worker, with both ends of it.
struct ChallengedPair {
  explicit ChallengedPair(std::uint8_t exporter = 3, std::uint8_t proxy_leaf = 1,
                          std::uint8_t worker_leaf = 2, std::uint8_t nonces = 10)
      : proxy(setting(EvidenceRole::proxy, exporter, proxy_leaf, worker_leaf), filled<32>(nonces)),
        worker(setting(EvidenceRole::worker, exporter, worker_leaf, proxy_leaf),
               filled<32>(static_cast<std::uint8_t>(nonces + 1))) {}

  static ChallengeSetting setting(EvidenceRole own, std::uint8_t exporter, std::uint8_t own_leaf,
                                  std::uint8_t peer_leaf) {
    return {own, filled<32>(exporter), filled<32>(own_leaf), filled<32>(peer_leaf)};
  }

  Challenge proxy;
  Challenge worker;
};

/// What the worker answers to the proxy of `pair`, in a batch of its own or beside `others`.
wire::Answer answer_of(ChallengedPair& pair, const std::vector<Hash>& others = {}) {
  EXPECT_TRUE(pair.worker.on_challenge(pair.proxy.question()));
  AnswerBatch batch;
  batch.add(0, pair.worker.take_leaf().value());
  AnswerBatch::Asker next = 1;
  for (const Hash& leaf : others) batch.add(next++, leaf);
  EXPECT_TRUE(batch.begin());
  return batch.finish(kQuote).front().second;
}

std::string code(const Status& status) {
  return status ? "" : std::string(status.error().code());
}
std::string code(const Result<std::optional<Bytes>>& result) {
  return result ? "" : std::string(result.error().code());
}

wire::Evidence whole(ByteView quote) {
  return {EvidenceDigest{crypto::sha256(quote)}, static_cast<std::uint32_t>(quote.size()), 0,
          quote};
}

/// Everything from the worker, accepted.
void pass_worker(ChallengedPair& pair) {
  ASSERT_EQ(code(pair.proxy.on_answer(answer_of(pair))), "");
  ASSERT_EQ(code(pair.proxy.on_part(whole(kQuote))), "");
  pair.proxy.on_quote_accepted();
}

// --- Answers that are none ---

TEST(Challenge, AnAnswerToTheSameNonceInTheOtherDirectionIsRefused) {
  // The asker is asked with its own nonce, answers, and gets that back: reflection.
  ChallengedPair pair;
  ASSERT_TRUE(pair.worker.on_challenge(pair.worker.question()));
  AnswerBatch batch;
  batch.add(0, pair.worker.take_leaf().value());
  ASSERT_TRUE(batch.begin());
  const wire::Answer own = batch.finish(kQuote).front().second;
  EXPECT_EQ(code(pair.worker.on_answer(own)), "challenge_failed");
}

TEST(Challenge, AnAnswerFromAnotherConnectionIsRefused) {
  ChallengedPair pair(3);
  ChallengedPair elsewhere(4);  // the same certificates, and the nonce is passed on: relay
  EXPECT_EQ(code(pair.proxy.on_answer(answer_of(elsewhere))), "challenge_failed");
}

TEST(Challenge, AnAnswerToAnotherProxyIsRefused) {
  ChallengedPair pair(3, 1);
  ChallengedPair diverted(3, 5);
  EXPECT_EQ(code(pair.proxy.on_answer(answer_of(diverted))), "challenge_failed");
}

TEST(Challenge, AnAnswerOfAnotherWorkerIsRefused) {
  ChallengedPair pair(3, 1, 2);
  ChallengedPair other(3, 1, 6);
  EXPECT_EQ(code(pair.proxy.on_answer(answer_of(other))), "challenge_failed");
}

TEST(Challenge, AnAnswerToAnOlderNonceIsRefused) {
  ChallengedPair pair(3, 1, 2, 20);
  ChallengedPair before(3, 1, 2, 10);
  EXPECT_EQ(code(pair.proxy.on_answer(answer_of(before))), "challenge_failed");
}

TEST(Challenge, APlaceInAnotherBatchIsRefused) {
  ChallengedPair pair;
  ChallengedPair other(9);
  wire::Answer spliced = answer_of(pair, {filled<32>(50), filled<32>(60)});
  spliced.root = answer_of(other, {filled<32>(50), filled<32>(60)}).root;
  EXPECT_EQ(code(pair.proxy.on_answer(spliced)), "challenge_failed");
}

TEST(Challenge, AnotherPlaceInTheSameBatchIsRefused) {
  ChallengedPair pair;
  wire::Answer answer = answer_of(pair, {filled<32>(50)});
  answer.inclusion.index = 1;
  EXPECT_EQ(code(pair.proxy.on_answer(answer)), "challenge_failed");
}

TEST(Challenge, APathThatIsTooShortOrTooLongIsRefused) {
  ChallengedPair pair;
  wire::Answer answer = answer_of(pair, {filled<32>(50), filled<32>(60)});
  answer.inclusion.path.pop_back();
  EXPECT_EQ(code(pair.proxy.on_answer(answer)), "challenge_failed");
  ChallengedPair again;
  answer = answer_of(again, {filled<32>(50), filled<32>(60)});
  answer.inclusion.path.push_back({});
  EXPECT_EQ(code(again.proxy.on_answer(answer)), "challenge_failed");
}

TEST(Challenge, ABatchOfAnotherSizeGivesOtherReportData) {
  ChallengedPair pair;
  const wire::Answer answer = answer_of(pair);
  ASSERT_EQ(code(pair.proxy.on_answer(answer)), "");
  EXPECT_EQ(pair.proxy.report_data(), attest::challenge_report_data(answer.root, 1));
  EXPECT_NE(pair.proxy.report_data(), attest::challenge_report_data(answer.root, 2));
}

TEST(Challenge, ASecondAnswerIsRefused) {
  ChallengedPair pair;
  const wire::Answer answer = answer_of(pair);
  ASSERT_EQ(code(pair.proxy.on_answer(answer)), "");
  EXPECT_EQ(code(pair.proxy.on_answer(answer)), "unexpected_answer");
}

TEST(Challenge, ASecondQuestionIsRefused) {
  ChallengedPair pair;
  ASSERT_EQ(code(pair.worker.on_challenge({filled<32>(1)})), "");
  EXPECT_EQ(code(pair.worker.on_challenge({filled<32>(2)})), "unexpected_challenge");
}

// --- Quotes that are none ---

TEST(Challenge, AQuoteThatNoAnswerHasAnnouncedIsRefused) {
  ChallengedPair pair;
  EXPECT_EQ(code(pair.proxy.on_part(whole(kQuote))), "unexpected_answer");
}

TEST(Challenge, ASecondQuoteIsRefused) {
  ChallengedPair pair;
  ASSERT_EQ(code(pair.proxy.on_answer(answer_of(pair))), "");
  ASSERT_EQ(code(pair.proxy.on_part(whole(kQuote))), "");
  EXPECT_EQ(code(pair.proxy.on_part(whole(kQuote))), "unexpected_answer");
}

TEST(Challenge, AnotherQuoteThanTheAnnouncedOneIsRefused) {
  ChallengedPair pair;
  const wire::Answer answer = answer_of(pair);
  ASSERT_EQ(code(pair.proxy.on_answer(answer)), "");
  Bytes other = kQuote;
  other.back() ^= 1;
  wire::Evidence part = whole(other);
  EXPECT_EQ(code(pair.proxy.on_part(part)), "bad_evidence_part");
  part.digest = answer.quote;
  EXPECT_EQ(code(pair.proxy.on_part(part)), "challenge_failed");
}

TEST(Challenge, AQuoteThatIsTooLargeIsRefusedAtItsFirstPart) {
  ChallengedPair pair;
  const wire::Answer answer = answer_of(pair);
  ASSERT_EQ(code(pair.proxy.on_answer(answer)), "");
  const wire::Evidence part{answer.quote, limits::kMaxEvidenceBytes + 1, 0, kQuote};
  EXPECT_EQ(code(pair.proxy.on_part(part)), "challenge_failed");
}

TEST(Challenge, NoQuoteAtAllIsRefused) {
  ChallengedPair pair;
  const wire::Answer answer = answer_of(pair);
  ASSERT_EQ(code(pair.proxy.on_answer(answer)), "");
  EXPECT_EQ(code(pair.proxy.on_part({.digest = answer.quote})), "challenge_failed");
}

TEST(Challenge, AcceptingAQuoteThatIsNotWholeDoesNothing) {
  ChallengedPair pair;
  pair.proxy.on_quote_accepted();
  ASSERT_EQ(code(pair.proxy.on_answer(answer_of(pair))), "");
  pair.proxy.on_quote_accepted();
  ASSERT_TRUE(pair.proxy.on_challenge(pair.worker.question()));
  EXPECT_EQ(pair.proxy.take_leaf(), std::nullopt);
}

// --- Answering ---

TEST(Challenge, AProxyAnswersNobodyWhoHasNotAnsweredIt) {
  ChallengedPair pair;
  ASSERT_TRUE(pair.proxy.on_challenge(pair.worker.question()));
  EXPECT_EQ(pair.proxy.take_leaf(), std::nullopt);
  ASSERT_EQ(code(pair.proxy.on_answer(answer_of(pair))), "");
  ASSERT_EQ(code(pair.proxy.on_part(whole(kQuote))), "");
  EXPECT_EQ(pair.proxy.take_leaf(), std::nullopt) << "its quote is not judged yet";
  pair.proxy.on_quote_accepted();
  EXPECT_TRUE(pair.proxy.take_leaf());
}

TEST(Challenge, ALeafIsGivenOnce) {
  ChallengedPair pair;
  ASSERT_TRUE(pair.worker.on_challenge(pair.proxy.question()));
  EXPECT_TRUE(pair.worker.take_leaf());
  EXPECT_EQ(pair.worker.take_leaf(), std::nullopt);
}

TEST(Challenge, IsCompleteWhenBothHaveAnswered) {
  ChallengedPair pair;
  pass_worker(pair);
  EXPECT_FALSE(pair.proxy.complete()) << "the worker has no answer yet";
  pair.worker.on_answered();
  ASSERT_TRUE(pair.proxy.on_challenge(pair.worker.question()));
  AnswerBatch batch;
  batch.add(0, pair.proxy.take_leaf().value());
  ASSERT_TRUE(batch.begin());
  ASSERT_EQ(code(pair.worker.on_answer(batch.finish(kQuote).front().second)), "");
  ASSERT_EQ(code(pair.worker.on_part(whole(kQuote))), "");
  EXPECT_FALSE(pair.worker.complete());
  pair.worker.on_quote_accepted();
  EXPECT_TRUE(pair.worker.complete());
  pair.proxy.on_answered();
  EXPECT_TRUE(pair.proxy.complete());
}

TEST(Challenge, AQuoteInPartsIsPutTogether) {
  ChallengedPair pair;
  const Bytes quote(limits::kMaxEvidenceBytes, 9);
  wire::Answer answer = answer_of(pair);
  answer.quote = EvidenceDigest{crypto::sha256(quote)};
  ASSERT_EQ(code(pair.proxy.on_answer(answer)), "");
  std::optional<Bytes> got;
  for (const auto& part : wire::split_evidence(answer.quote, quote)) {
    EXPECT_FALSE(got);
    auto result = pair.proxy.on_part(part);
    ASSERT_TRUE(result) << result.error().detail();
    got = std::move(*result);
  }
  EXPECT_EQ(got, quote);
}

// --- Batches ---

TEST(AnswerBatch, OneQuoteAnswersAllThatWait) {
  std::vector<ChallengedPair> pairs;
  for (std::uint8_t i = 0; i < 100; ++i) pairs.emplace_back(i, std::uint8_t{1}, i);
  AnswerBatch batch;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    ASSERT_TRUE(pairs[i].worker.on_challenge(pairs[i].proxy.question()));
    batch.add(i, pairs[i].worker.take_leaf().value());
  }
  const auto report_data = batch.begin();
  ASSERT_TRUE(report_data);
  EXPECT_EQ(batch.begin(), std::nullopt);
  const auto answers = batch.finish(kQuote);
  ASSERT_EQ(answers.size(), pairs.size());
  for (const auto& [asker, answer] : answers) {
    EXPECT_EQ(code(pairs[asker].proxy.on_answer(answer)), "") << asker;
    EXPECT_EQ(pairs[asker].proxy.report_data(), *report_data);
  }
  EXPECT_EQ(batch.begin(), std::nullopt) << "nobody waits any more";
}

TEST(AnswerBatch, WhoComesWhileAQuoteIsMadeWaitsForTheNext) {
  AnswerBatch batch;
  batch.add(1, filled<32>(1));
  const auto first = batch.begin();
  batch.add(2, filled<32>(2));
  batch.add(3, filled<32>(3));
  EXPECT_EQ(batch.begin(), std::nullopt) << "two quotes at a time";
  EXPECT_EQ(batch.finish(kQuote).size(), 1u);
  const auto second = batch.begin();
  ASSERT_TRUE(first && second);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(batch.finish(kQuote).size(), 2u);
}

TEST(AnswerBatch, WhoHasGoneIsNotWaitedFor) {
  AnswerBatch batch;
  batch.add(1, filled<32>(1));
  batch.forget(1);
  EXPECT_EQ(batch.begin(), std::nullopt);
}

TEST(AnswerBatch, AQuoteThatFailsFailsItsBatchOnly) {
  AnswerBatch batch;
  batch.add(1, filled<32>(1));
  ASSERT_TRUE(batch.begin());
  batch.add(2, filled<32>(2));
  EXPECT_EQ(batch.give_up(), std::vector<AnswerBatch::Asker>{1});
  ASSERT_TRUE(batch.begin());
  EXPECT_EQ(batch.finish(kQuote).front().first, 2u);
}

}  // namespace
}  // namespace cocoon::session
