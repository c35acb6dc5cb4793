#include "wire/records.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "unit/wire/samples.h"

namespace cocoon {
namespace {

using namespace wire;
using test::filled;

WorkerRecord record() {
  return {.network = {filled<16>(1)},
          .account = {filled<32>(2)},
          .boot_key = {filled<32>(3)},
          .evidence = {filled<32>(4)},
          .sealing_key = filled<32>(5),
          .not_before = unix_seconds(1000),
          .not_after = unix_seconds(5000),
          .coefficient_e3 = 900,
          .capacity = 16,
          .models = {"a@1", "b@2"}};
}

Bytes encoded(WorkerRecord r) {
  return encode_worker_record(std::move(r)).value();
}

TEST(WorkerRecord, EveryPrefixAndAnyTailIsRefused) {
  Bytes bytes = encoded(record());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(decode_worker_record(ByteView(bytes).first(n))) << n;
  }
  bytes.push_back(0);
  EXPECT_FALSE(decode_worker_record(bytes));
}

TEST(WorkerRecord, WhatNoRecordMayHoldIsNeitherEncodedNorDecoded) {
  const auto refused = [](auto change) {
    WorkerRecord r = record();
    change(r);
    const auto bytes = encode_worker_record(std::move(r));
    return !bytes && bytes.error().code() == "bad_worker_record";
  };
  EXPECT_TRUE(refused([](auto& r) { r.not_after = r.not_before; }));
  EXPECT_TRUE(refused([](auto& r) { r.not_after = unix_seconds(limits::kMaxUnixSeconds + 1); }));
  EXPECT_TRUE(refused([](auto& r) { r.coefficient_e3 = 0; }));
  EXPECT_TRUE(refused([](auto& r) { r.models.clear(); }));
  EXPECT_TRUE(refused([](auto& r) { r.models = {"a", "a"}; }));
  EXPECT_TRUE(refused([](auto& r) { r.models = {""}; }));
  EXPECT_TRUE(refused([](auto& r) { r.models = {"\xff"}; }));
  EXPECT_TRUE(refused([](auto& r) { r.models = {std::string(257, 'x')}; }));
  EXPECT_TRUE(refused([](auto& r) {
    r.models.clear();
    for (int i = 0; i < 33; ++i) r.models.push_back(std::to_string(i));
  }));
}

TEST(WorkerRecord, ModelsOutOfOrderAreRefused) {
  Bytes bytes = encoded(record());
  // The two models are the last ten bytes: u16 length and three characters each.
  std::swap_ranges(bytes.end() - 10, bytes.end() - 5, bytes.end() - 5);
  const auto decoded = decode_worker_record(bytes);
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().detail().find("order of models"), std::string::npos);
}

TEST(WorkerRecord, AnotherVersionIsRefused) {
  Bytes bytes = encoded(record());
  bytes[0] = 2;
  EXPECT_FALSE(decode_worker_record(bytes));
}

TEST(WorkerRecord, WhatIsAcceptedAfterAFlippedBitEncodesToTheSameBytes) {
  const Bytes bytes = encoded(record());
  for (std::size_t i = 0; i < 8 * bytes.size(); ++i) {
    Bytes changed = bytes;
    changed[i / 8] ^= static_cast<std::uint8_t>(1u << (i % 8));
    const auto decoded = decode_worker_record(changed);
    if (!decoded) continue;
    EXPECT_EQ(encoded(*decoded), changed) << "bit " << i;
  }
}

TEST(WorkerRecord, ComesBackAsItWasWithItsModelsSorted) {
  WorkerRecord r = record();
  r.models = {"b@2", "a@1"};
  const auto decoded = decode_worker_record(encoded(r));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->network, r.network);
  EXPECT_EQ(decoded->account, r.account);
  EXPECT_EQ(decoded->boot_key, r.boot_key);
  EXPECT_EQ(decoded->evidence, r.evidence);
  EXPECT_EQ(decoded->sealing_key, r.sealing_key);
  EXPECT_EQ(decoded->not_before, r.not_before);
  EXPECT_EQ(decoded->not_after, r.not_after);
  EXPECT_EQ(decoded->coefficient_e3, r.coefficient_e3);
  EXPECT_EQ(decoded->capacity, r.capacity);
  EXPECT_EQ(decoded->models, (std::vector<std::string>{"a@1", "b@2"}));
}

TEST(WorkerRecord, TheLargestOneFitsItsBound) {
  WorkerRecord r = record();
  r.models.clear();
  for (std::size_t i = 0; i < limits::kMaxModelsPerWorker; ++i) {
    std::string model(limits::kMaxModelIdBytes, 'm');
    model[0] = static_cast<char>('A' + i);
    r.models.push_back(model);
  }
  EXPECT_LE(encoded(r).size(), limits::kMaxWorkerRecordBytes);
}

TEST(SigningBytes, AreSeparatedByDomain) {
  const Bytes one = worker_record_signing_bytes(Bytes{1, 2});
  EXPECT_EQ(as_text(ByteView(one).first(23)), "cocoon-worker-record-v1");
  EXPECT_EQ(Bytes(one.begin() + 23, one.end()), (Bytes{0, 1, 2}));
  const Bytes root =
      directory_root_signing_bytes({filled<16>(1)}, filled<32>(2), 7, unix_seconds(9));
  EXPECT_EQ(as_text(ByteView(root).first(24)), "cocoon-directory-root-v1");
  EXPECT_EQ(root.size(), 25u + 16 + 32 + 4 + 8);
  EXPECT_EQ(root[24], 0);
}

TEST(DirectoryLeaf, IsRecordThenSignature) {
  const Bytes leaf = directory_leaf(test::sample_record());
  ASSERT_EQ(leaf.size(), test::kStatement.size() + 64);
  EXPECT_TRUE(equal_public(ByteView(leaf).last(64), test::kSignature));
}

}  // namespace
}  // namespace cocoon
