#include "ledger/ton/toncenter_codec.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "codec/base64.h"
#include "ton/boc.h"
#include "ton/builder.h"

namespace cocoon::ledger {
namespace {

/// `text` with the first `what` replaced; a test that replaces nothing is wrong.
std::string with(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  if (at != std::string::npos) text.replace(at, what.size(), by);
  return text;
}

std::string hash_text(std::uint8_t fill) {
  return to_base64(Bytes(32, fill));
}

std::string cell_text(std::uint64_t number) {
  const auto cell = ton::Builder().store_uint(number, 64).finish().value();
  return to_base64(ton::serialize_boc(cell).value());
}

const std::string kAccount =
    R"({"ok":true,"result":{"@type":"raw.fullAccountState","balance":"12345678901","code":")" +
    cell_text(1) + R"(","data":")" + cell_text(2) +
    R"(","last_transaction_id":{"@type":"internal.transactionId","lt":"77000001","hash":")" +
    hash_text(7) +
    R"("},"block_id":{"workchain":-1,"shard":"-9223372036854775808","seqno":5},"frozen_hash":"",)"
    R"("sync_utime":1800000000,"state":"active"}})";

const std::string kHead =
    R"({"ok":true,"result":{"last":{"workchain":-1,"shard":"-9223372036854775808","seqno":42,)"
    R"("root_hash":")" +
    hash_text(3) + R"(","file_hash":"x"},"state_root_hash":"y","init":{}}})";

const std::string kBlock =
    R"({"ok":true,"result":{"id":{"workchain":-1,"shard":"-9223372036854775808","seqno":42,)"
    R"("root_hash":")" +
    hash_text(3) + R"(","file_hash":"x"},"gen_utime":1800000000}})";

void expect_wrong(const std::string& body, std::string_view named, int status = 200) {
  const auto answer = read_account(status, body);
  ASSERT_FALSE(answer) << body.substr(0, 200);
  EXPECT_EQ(answer.error().code(), "ledger_answer_wrong");
  EXPECT_NE(answer.error().detail().find(named), std::string::npos) << answer.error().detail();
}

TEST(ToncenterCodec, RefusesWhatIsNoAnswer) {
  expect_wrong("", "no JSON");
  expect_wrong("<html>502</html>", "502", 502);
  expect_wrong("[]", "ok");
  expect_wrong(R"({"ok":"true","result":{}})", "ok");
  expect_wrong(R"({"ok":true})", "state");
  expect_wrong(kAccount + kAccount, "no JSON");
  std::string deep(40, '[');
  expect_wrong(R"({"ok":true,"result":)" + deep + std::string(40, ']') + "}", "no JSON");
  std::string many = R"({"ok":true,"result":[0)";
  for (std::size_t i = 0; i < limits::kMaxTonAnswerNodes; ++i) many += ",0";
  expect_wrong(many + "]}", "no JSON");
}

TEST(ToncenterCodec, RefusesEachFieldThatIsNotWhatItShouldBe) {
  expect_wrong(with(kAccount, R"("active")", R"("nonexist")"), "state");
  expect_wrong(with(kAccount, R"("active")", "null"), "state");
  expect_wrong(with(kAccount, R"("12345678901")", R"("12 ")"), "balance");
  expect_wrong(with(kAccount, R"("12345678901")", R"("-2")"), "balance");
  expect_wrong(with(kAccount, R"("12345678901")", R"("18446744073709551616")"), "balance");
  expect_wrong(with(kAccount, R"("12345678901")", "1.5"), "balance");
  expect_wrong(with(kAccount, "1800000000", "0"), "sync_utime");
  expect_wrong(with(kAccount, "1800000000", "-1"), "sync_utime");
  expect_wrong(with(kAccount, "1800000000", "253402300800"), "sync_utime");
  expect_wrong(with(kAccount, R"("77000001")", R"("")"), "lt");
  expect_wrong(with(kAccount, R"("77000001")", R"("0x10")"), "lt");
  expect_wrong(with(kAccount, hash_text(7), to_base64(Bytes(31, 7))), "hash");
  expect_wrong(with(kAccount, cell_text(1), ""), "code");
  expect_wrong(with(kAccount, cell_text(1), "not base64!"), "code");
  expect_wrong(with(kAccount, cell_text(2), to_base64(Bytes(20, 1))), "data");
  expect_wrong(with(kAccount, R"("data":")" + cell_text(2) + '"', R"("data":7)"), "data");
}

TEST(ToncenterCodec, RefusesTwoRootsWhereOneIsMeant) {
  const ton::CellRef roots[] = {ton::Builder().store_uint(1, 8).finish().value(),
                                ton::Builder().store_uint(2, 8).finish().value()};
  const std::string two = to_base64(ton::serialize_boc(roots).value());
  expect_wrong(with(kAccount, cell_text(2), two), "data");
}

TEST(ToncenterCodec, TellsARateLimitAndAFailureFromAWrongAnswer) {
  EXPECT_EQ(read_account(429, "whatever").error().code(), "ledger_busy");
  EXPECT_EQ(read_account(429, "whatever").error().kind(), ErrorKind::busy);
  const auto refused = read_account(500, R"({"ok":false,"error":"LITE_SERVER\n)"
                                         R"(timeout","code":500})");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "ledger_refused");
  EXPECT_EQ(refused.error().detail(), "status 500: LITE_SERVER?timeout");
  // A good body under a bad status is no answer.
  EXPECT_EQ(read_account(503, kAccount).error().code(), "ledger_refused");
  // Whatever they say is cut.
  const auto long_one =
      read_head(422, R"({"ok":false,"error":")" + std::string(10'000, 'x') + R"(","code":422})");
  EXPECT_LT(long_one.error().detail().size(), limits::kMaxTonErrorBytes + 100);
}

TEST(ToncenterCodec, RefusesAnotherChainsOrAnotherBlock) {
  EXPECT_EQ(read_head(200, with(kHead, R"("workchain":-1)", R"("workchain":0)")).error().code(),
            "ledger_answer_wrong");
  EXPECT_FALSE(read_head(200, with(kHead, "-9223372036854775808", "4611686018427387904")));
  EXPECT_FALSE(read_head(200, with(kHead, "42", "4294967296")));
  EXPECT_FALSE(read_head(200, with(kHead, "42", "-1")));
  EXPECT_FALSE(read_head(200, with(kHead, hash_text(3), "")));
  EXPECT_FALSE(read_block(200, kBlock, 43));
  EXPECT_FALSE(read_block(200, with(kBlock, "gen_utime", "other"), 42));
  EXPECT_FALSE(read_block(200, kHead, 42));
}

TEST(ToncenterCodec, ReadsAnAccount) {
  const auto account = read_account(200, kAccount);
  ASSERT_TRUE(account) << account.error().detail();
  EXPECT_EQ(account->status, AccountStatus::active);
  EXPECT_EQ(account->balance, Nano{12'345'678'901});
  EXPECT_EQ(account->last_lt, 77'000'001u);
  EXPECT_EQ(account->last_hash[0], 7);
  EXPECT_EQ(account->time, unix_seconds(1'800'000'000));
  EXPECT_EQ(ton::Slice(account->code).load_u64(), 1u);
  EXPECT_EQ(ton::Slice(account->data).load_u64(), 2u);
}

TEST(ToncenterCodec, ReadsNumbersThatAreNotQuoted) {
  const auto account = read_account(
      200, with(with(kAccount, R"("12345678901")", "9"), "1800000000", R"("1800000000")"));
  ASSERT_TRUE(account) << account.error().detail();
  EXPECT_EQ(account->balance, Nano{9});
}

TEST(ToncenterCodec, ReadsAnAccountThatIsNotThere) {
  const std::string none = with(
      with(
          with(with(with(kAccount, "active", "uninitialized"), cell_text(1), ""), cell_text(2), ""),
          "77000001", "0"),
      R"("12345678901")", "-1");
  const auto account = read_account(200, none);
  ASSERT_TRUE(account) << account.error().detail();
  EXPECT_EQ(account->status, AccountStatus::none);
  EXPECT_EQ(account->balance, Nano{0});
  EXPECT_EQ(account->code, nullptr);
  EXPECT_EQ(account->last_lt, 0u);
  EXPECT_EQ(read_account(200, with(none, "uninitialized", "frozen"))->status,
            AccountStatus::frozen);
}

TEST(ToncenterCodec, ReadsHeadAndBlock) {
  const auto head = read_head(200, kHead);
  ASSERT_TRUE(head) << head.error().detail();
  EXPECT_EQ(head->seqno, 42u);
  EXPECT_EQ(head->root_hash[0], 3);
  const auto block = read_block(200, kBlock, 42);
  ASSERT_TRUE(block) << block.error().detail();
  EXPECT_EQ(block->time, unix_seconds(1'800'000'000));
}

TEST(ToncenterCodec, AsksInToncentersWords) {
  EXPECT_EQ(ask_head().path, "getMasterchainInfo");
  EXPECT_EQ(ask_block(7).path, "getBlockHeader?workchain=-1&shard=-9223372036854775808&seqno=7");
  EXPECT_EQ(ask_account({}).path,
            "getAddressInformation?address=EQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM9c");
  EXPECT_TRUE(ask_account({}).body.empty());
  EXPECT_EQ(hand_in(Bytes{1, 2, 3}).path, "sendBoc");
  EXPECT_EQ(hand_in(Bytes{1, 2, 3}).body, R"({"boc":"AQID"})");
  EXPECT_TRUE(read_handed_in(200, R"({"ok":true,"result":{"@type":"ok"}})"));
  EXPECT_FALSE(read_handed_in(500, R"({"ok":false,"error":"cannot apply external message"})"));
}

}  // namespace
}  // namespace cocoon::ledger
