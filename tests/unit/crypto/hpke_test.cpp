#include "crypto/hpke.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "crypto/compare.h"
#include "crypto/hpke_schedule.h"
#include "crypto/system_random.h"
#include "support/rapidjson.h"
#include "unit/crypto/hex.h"

namespace cocoon::crypto {
namespace {

// RFC 9180, appendix A.2 base mode, as published with the RFC (tests/vectors/hpke/MANIFEST.md).
class HpkeVectors : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(COCOON_TEST_VECTORS "/hpke/rfc9180_a2_base.json");
    std::stringstream text;
    text << file.rdbuf();
    json_.Parse(text.str().c_str());
    ASSERT_FALSE(json_.HasParseError());
    ASSERT_EQ(number(json_["kem_id"]), kHpkeKem);
    ASSERT_EQ(number(json_["kdf_id"]), kHpkeKdf);
    ASSERT_EQ(number(json_["aead_id"]), kHpkeAead);
  }

  // The file writes numbers as strings.
  static int number(const rapidjson::Value& value) { return std::stoi(value.GetString()); }
  Bytes field(const char* name) const { return hex(json_[name].GetString()); }
  ByteArray<32> field32(const char* name) const { return hex_array<32>(json_[name].GetString()); }
  X25519Key ephemeral() const { return X25519Key::from_secret(field32("skEm")); }
  X25519Key receiver() const { return X25519Key::from_secret(field32("skRm")); }

  rapidjson::Document json_;
};

Bytes copy(ByteView view) {
  return to_bytes(view);
}

TEST_F(HpkeVectors, KeysDeriveFromInputKeyMaterial) {
  EXPECT_EQ(hpke_derive_key(field("ikmE")).public_key(), field32("pkEm"));
  EXPECT_EQ(copy(hpke_derive_key(field("ikmE")).secret()), field("skEm"));
  EXPECT_EQ(hpke_derive_key(field("ikmR")).public_key(), field32("pkRm"));
  EXPECT_EQ(copy(hpke_derive_key(field("ikmR")).secret()), field("skRm"));
}

TEST_F(HpkeVectors, BothSidesFindTheSharedSecret) {
  auto sent = hpke_encap(ephemeral(), field32("pkRm"));
  auto received = hpke_decap(field32("enc"), receiver());
  ASSERT_TRUE(sent && received);
  EXPECT_EQ(copy(sent->view()), field("shared_secret"));
  EXPECT_EQ(copy(received->view()), field("shared_secret"));
}

TEST_F(HpkeVectors, KeyScheduleMatchesStepByStep) {
  const HpkeSchedule s = hpke_key_schedule(Secret<32>(field32("shared_secret")), field("info"));
  EXPECT_EQ(s.key_schedule_context, field("key_schedule_context"));
  EXPECT_EQ(copy(s.secret.view()), field("secret"));
  EXPECT_EQ(copy(s.key.view()), field("key"));
  EXPECT_EQ(copy(s.base_nonce), field("base_nonce"));
  EXPECT_EQ(copy(s.exporter_secret.view()), field("exporter_secret"));
}

TEST_F(HpkeVectors, CiphertextsMatchAtTheirSequenceNumbers) {
  auto sender = hpke_sender(field32("pkRm"), field("info"), ephemeral());
  ASSERT_TRUE(sender);
  EXPECT_EQ(copy(sender->enc), field("enc"));
  auto opener = hpke_receiver(sender->enc, receiver(), field("info"));
  ASSERT_TRUE(opener);

  int sequence = 0;
  int compared = 0;
  for (const auto& e : json_["encryptions"].GetArray()) {
    // The vectors skip numbers; messages in between only count.
    for (; sequence < number(e["sequence_number"]); ++sequence) {
      auto filler = sender->context.seal({}, {});
      ASSERT_TRUE(filler && opener->open({}, *filler));
    }
    const Bytes aad = hex(e["aad"].GetString());
    auto sealed = sender->context.seal(aad, hex(e["pt"].GetString()));
    ASSERT_TRUE(sealed);
    EXPECT_EQ(*sealed, hex(e["ct"].GetString())) << "sequence " << sequence;
    auto opened = opener->open(aad, *sealed);
    ASSERT_TRUE(opened) << "sequence " << sequence;
    EXPECT_EQ(copy(opened->view()), hex(e["pt"].GetString()));
    ++sequence;
    ++compared;
  }
  EXPECT_EQ(compared, 6);
  EXPECT_GT(sequence, 256) << "the counter's second byte was never used";
}

TEST_F(HpkeVectors, ExportsMatch) {
  auto sender = hpke_sender(field32("pkRm"), field("info"), ephemeral());
  auto opener = hpke_receiver(field32("enc"), receiver(), field("info"));
  ASSERT_TRUE(sender && opener);
  const HpkeExporter a = sender->context.exporter();
  const HpkeExporter b = opener->exporter();
  ASSERT_EQ(json_["exports"].Size(), 3u);
  for (const auto& e : json_["exports"].GetArray()) {
    const Bytes context = hex(e["exporter_context"].GetString());
    const Bytes expected = hex(e["exported_value"].GetString());
    EXPECT_EQ(copy(a.key(context).view()), expected);
    auto any_length = b.secret(context, static_cast<std::size_t>(number(e["L"])));
    ASSERT_TRUE(any_length);
    EXPECT_EQ(copy(any_length->view()), expected);
  }
}

class Hpke : public testing::Test {
 protected:
  Bytes info_ = copy(as_bytes("info"));
  SystemRandom random_;
  X25519Key receiver_ = X25519Key::generate(random_);
};

TEST_F(Hpke, RefusesAPublicKeyOfSmallOrderOnBothSides) {
  const X25519PublicKey zero{};
  auto sender = hpke_sender(zero, info_, random_);
  auto opener = hpke_receiver(zero, receiver_, info_);
  ASSERT_FALSE(sender);
  ASSERT_FALSE(opener);
  EXPECT_EQ(sender.error().code(), "bad_public_key");
  EXPECT_EQ(opener.error().code(), "bad_public_key");
}

TEST_F(Hpke, AnotherInfoOrReceiverOpensNothing) {
  auto sender = hpke_sender(receiver_.public_key(), info_, random_);
  ASSERT_TRUE(sender);
  const Bytes sealed = sender->context.seal({}, as_bytes("text")).value();
  auto other_info = hpke_receiver(sender->enc, receiver_, as_bytes("other"));
  auto other_key = hpke_receiver(sender->enc, X25519Key::generate(random_), info_);
  ASSERT_TRUE(other_info && other_key);
  EXPECT_FALSE(other_info->open({}, sealed));
  EXPECT_FALSE(other_key->open({}, sealed));
}

TEST_F(Hpke, AnotherAadOpensNothing) {
  auto sender = hpke_sender(receiver_.public_key(), info_, random_);
  ASSERT_TRUE(sender);
  auto opener = hpke_receiver(sender->enc, receiver_, info_);
  ASSERT_TRUE(opener);
  const Bytes sealed = sender->context.seal(as_bytes("a"), as_bytes("text")).value();
  auto opened = opener->open(as_bytes("b"), sealed);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), "decrypt_failed");
}

TEST_F(Hpke, AMessageOutOfOrderFailsAndTheRightOneStillOpens) {
  auto sender = hpke_sender(receiver_.public_key(), info_, random_);
  ASSERT_TRUE(sender);
  auto opener = hpke_receiver(sender->enc, receiver_, info_);
  ASSERT_TRUE(opener);
  const Bytes first = sender->context.seal({}, as_bytes("first")).value();
  const Bytes second = sender->context.seal({}, as_bytes("second")).value();
  EXPECT_FALSE(opener->open({}, second));
  auto opened = opener->open({}, first);
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(opened->view()), "first");
  EXPECT_FALSE(opener->open({}, first)) << "a message opened twice";
}

TEST_F(Hpke, ExportsDifferByContext) {
  auto sender = hpke_sender(receiver_.public_key(), info_, random_);
  ASSERT_TRUE(sender);
  const HpkeExporter exporter = sender->context.exporter();
  EXPECT_FALSE(
      equal_secret(exporter.key(as_bytes("a")).view(), exporter.key(as_bytes("b")).view()));
}

TEST_F(Hpke, AnExportOverTheLimitOfHkdfIsRefused) {
  auto sender = hpke_sender(receiver_.public_key(), info_, random_);
  ASSERT_TRUE(sender);
  const HpkeExporter exporter = sender->context.exporter();
  EXPECT_TRUE(exporter.secret({}, 255 * 32));
  auto too_long = exporter.secret({}, 255 * 32 + 1);
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code(), "export_too_long");
}

TEST_F(Hpke, TwoSendersToOneReceiverShareNoKey) {
  auto a = hpke_sender(receiver_.public_key(), info_, random_);
  auto b = hpke_sender(receiver_.public_key(), info_, random_);
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->enc, b->enc);
  EXPECT_FALSE(
      equal_secret(a->context.exporter().key({}).view(), b->context.exporter().key({}).view()));
}

}  // namespace
}  // namespace cocoon::crypto
