#include "billing/receipt.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/limits.h"
#include "unit/billing/seeded.h"

namespace cocoon::billing {
namespace {

using test::key;

Receipt sample_receipt(std::uint8_t number = 1) {
  Receipt r;
  r.network.bytes.fill(1);
  r.request.bytes.fill(number);
  r.run.bytes.fill(3);
  r.proxy.bytes.fill(4);
  r.worker.bytes.fill(5);
  r.outcome = Outcome::done;
  r.tokens = {10, 20, 30, 40};
  r.registry_version = 7;
  r.coefficient_e3 = 1'000;
  r.cost = *cost(r.tokens, r.coefficient_e3, reference_prices());
  r.evidence.bytes.fill(6);
  r.time = UnixTime(Millis{1'700'000'000'123});
  r.request_commitment.fill(8);
  r.answer_commitment.fill(9);
  return r;
}

ReceiptTerms terms() {
  const Receipt r = sample_receipt();
  return {r.network,          r.request,        r.proxy,      r.worker,
          r.registry_version, r.coefficient_e3, {30, 70, 30}, r.cost};
}

SignedReceipt single(const Receipt& receipt, const crypto::SigningKey& boot) {
  ReceiptBatch batch;
  batch.add(receipt);
  return batch.finish(boot).at(0);
}

TEST(Receipt, UnknownOutcomesAndTimesOutOfRangeAreRefused) {
  Bytes bytes = sample_receipt().encode();
  ASSERT_EQ(bytes.size(), Receipt::kBytes);
  ASSERT_TRUE(Receipt::decode(bytes));
  constexpr std::size_t kOutcomeAt = 4 + 16 + 32 + 16 + 32 + 32;
  for (std::uint8_t outcome : std::initializer_list<std::uint8_t>{0, 4, 255}) {
    bytes[kOutcomeAt] = outcome;
    EXPECT_EQ(Receipt::decode(bytes).error().code(), "bad_receipt");
  }
  bytes = sample_receipt().encode();
  constexpr std::size_t kTimeAt = kOutcomeAt + 1 + 32 + 8 + 4 + 8 + 32;
  bytes[kTimeAt] = 0x80;
  EXPECT_FALSE(Receipt::decode(bytes));
}

TEST(Receipt, EveryOtherLengthIsRefused) {
  const SignedReceipt receipt = single(sample_receipt(), key(1));
  Bytes bytes = receipt.encode();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(SignedReceipt::decode(ByteView(bytes).first(n))) << n;
  }
  bytes.push_back(0);
  EXPECT_FALSE(SignedReceipt::decode(bytes));
}

TEST(Receipt, PathLongerThanAnyBatchIsRefused) {
  SignedReceipt receipt = single(sample_receipt(), key(1));
  receipt.path.resize(limits::kMaxReceiptPath + 1);
  EXPECT_EQ(SignedReceipt::decode(receipt.encode()).error().code(), "bad_receipt");
}

TEST(Receipt, EveryAlteredByteIsNoticed) {
  ReceiptBatch batch;
  for (std::uint8_t i = 1; i <= 3; ++i) batch.add(sample_receipt(i));
  const SignedReceipt receipt = batch.finish(key(1)).at(1);
  const Bytes bytes = receipt.encode();
  ASSERT_TRUE(ReceiptVerifier().verify(receipt, key(1).boot_key_id()));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes altered = bytes;
    altered[i] ^= 1;
    auto decoded = SignedReceipt::decode(altered);
    if (!decoded) continue;
    EXPECT_FALSE(ReceiptVerifier().verify(*decoded, key(1).boot_key_id())) << "byte " << i;
  }
}

TEST(Receipt, AnothersBootKeyIsRefusedAlsoAfterAGoodReceipt) {
  ReceiptVerifier verifier;
  const SignedReceipt receipt = single(sample_receipt(), key(1));
  EXPECT_EQ(verifier.verify(receipt, key(2).boot_key_id()).error().code(), "bad_signature");
  EXPECT_TRUE(verifier.verify(receipt, key(1).boot_key_id()));
  EXPECT_FALSE(verifier.verify(receipt, key(2).boot_key_id()));
  SignedReceipt altered = receipt;
  altered.receipt.cost = Nano{1};
  EXPECT_FALSE(verifier.verify(altered, key(1).boot_key_id()))
      << "a known root proves no other leaf";
}

TEST(Receipt, BatchOfAnySizeVerifiesInOrder) {
  for (std::uint8_t size : std::initializer_list<std::uint8_t>{1, 2, 3, 5, 8, 9}) {
    ReceiptBatch batch;
    for (std::uint8_t i = 0; i < size; ++i) EXPECT_EQ(batch.add(sample_receipt(i)), i);
    ReceiptVerifier verifier;
    const auto receipts = batch.finish(key(1));
    EXPECT_TRUE(batch.empty());
    ASSERT_EQ(receipts.size(), size);
    for (std::uint8_t i = 0; i < size; ++i) {
      EXPECT_EQ(receipts[i].receipt, sample_receipt(i));
      auto back = SignedReceipt::decode(receipts[i].encode());
      ASSERT_TRUE(back);
      EXPECT_EQ(*back, receipts[i]);
      EXPECT_TRUE(verifier.verify(*back, key(1).boot_key_id()));
    }
  }
  EXPECT_TRUE(ReceiptBatch().finish(key(1)).empty());
}

TEST(Receipt, ManyBatchesDoNotWearOutTheVerifier) {
  ReceiptVerifier verifier;
  for (int i = 0; i < 200; ++i) {
    Receipt r = sample_receipt();
    r.registry_version = static_cast<std::uint64_t>(i);
    const SignedReceipt receipt = single(r, key(1));
    EXPECT_TRUE(verifier.verify(receipt, key(1).boot_key_id()));
    EXPECT_TRUE(verifier.verify(receipt, key(1).boot_key_id()));
  }
}

// --- What a receipt may charge ---

std::string checked(const std::function<void(Receipt&)>& change, const ReceiptTerms& t = terms()) {
  Receipt r = sample_receipt();
  change(r);
  const Status status = check_receipt(r, t, reference_prices());
  return status ? "ok" : std::string(status.error().code());
}

TEST(CheckReceipt, ReceiptOfAnotherRequestIsRefused) {
  EXPECT_EQ(checked([](Receipt& r) { r.network.bytes[0] ^= 1; }), "receipt_mismatch");
  EXPECT_EQ(checked([](Receipt& r) { r.request.bytes[0] ^= 1; }), "receipt_mismatch");
  EXPECT_EQ(checked([](Receipt& r) { r.proxy.bytes[0] ^= 1; }), "receipt_mismatch");
  EXPECT_EQ(checked([](Receipt& r) { r.worker.bytes[0] ^= 1; }), "receipt_mismatch");
  EXPECT_EQ(checked([](Receipt& r) { r.registry_version++; }), "receipt_mismatch");
  EXPECT_EQ(checked([](Receipt& r) { r.coefficient_e3++; }), "receipt_mismatch");
}

TEST(CheckReceipt, CostOtherThanThePriceOfTheCountsIsRefused) {
  ReceiptTerms t = terms();
  t.cap = Nano{UINT64_MAX};
  EXPECT_EQ(checked([](Receipt& r) { r.cost.value += 1; }, t), "receipt_overcharge");
  EXPECT_EQ(checked([](Receipt& r) { r.cost.value -= 1; }, t), "receipt_overcharge");
}

TEST(CheckReceipt, CountsBeyondTheBoundsAreRefused) {
  const auto with = [](TokenCounts counts) {
    return [counts](Receipt& r) {
      r.tokens = counts;
      r.cost = *cost(counts, r.coefficient_e3, reference_prices());
    };
  };
  ReceiptTerms t = terms();
  t.cap = Nano{UINT64_MAX};
  EXPECT_EQ(checked(with({11, 20, 30, 40}), t), "receipt_overcharge");
  EXPECT_EQ(checked(with({10, 21, 30, 40}), t), "receipt_overcharge");
  EXPECT_EQ(checked(with({10, 20, 31, 39}), t), "receipt_overcharge");
  EXPECT_EQ(checked(with({10, 20, 30, 41}), t), "receipt_overcharge");
  EXPECT_EQ(checked(with({10, 20, 30, 40}), t), "ok");
}

TEST(CheckReceipt, CostAboveTheCapIsRefused) {
  ReceiptTerms t = terms();
  t.cap.value -= 1;
  EXPECT_EQ(checked([](Receipt&) {}, t), "receipt_overcharge");
}

TEST(CheckReceipt, FailedRunIsFree) {
  EXPECT_EQ(checked([](Receipt& r) { r.outcome = Outcome::failed; }), "receipt_overcharge");
  EXPECT_EQ(checked([](Receipt& r) {
              r.outcome = Outcome::failed;
              r.cost = Nano{0};
            }),
            "ok");
}

TEST(CheckReceipt, CancelledRunIsChargedItsCounts) {
  EXPECT_EQ(checked([](Receipt& r) { r.outcome = Outcome::cancelled; }), "ok");
}

}  // namespace
}  // namespace cocoon::billing
