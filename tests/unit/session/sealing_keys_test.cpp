#include "session/sealing_keys.h"

#include <gtest/gtest.h>

#include "unit/session/fixtures.h"

namespace cocoon {
namespace {

using namespace session;
using test::at_second;
using test::numbered_hash;
using test::SeededRandom;

constexpr std::uint64_t kRotation = limits::kSealingKeyRotation.count();
constexpr std::uint64_t kLifetime = limits::kSealingKeyLifetime.count();
constexpr std::uint64_t kSkew = limits::kClockSkew.count();

struct KeysTest : ::testing::Test {
  SeededRandom random{7};
  NetworkId network{random.array<16>()};
  SealingKeys keys{network, random, at_second(0)};
  ExporterCache exporters{network};

  crypto::Secret<kWrapSecretBytes> secrets() {
    crypto::Secret<kWrapSecretBytes> out;
    random.fill(out.writable());
    return out;
  }
  Bytes wrap(const RequestHash& hash, Now now = at_second(1)) {
    return exporters.seal({keys.public_key(), keys.not_after()}, hash, secrets(), random, now)
        .value();
  }
};

/// Bytes that nobody sealed. Any 32 bytes are a point of X25519, so to try them costs an agreement.
Bytes junk_wrap(SeededRandom& random, std::size_t size = kWrapBytes) {
  Bytes junk(size);
  random.fill(junk);
  return junk;
}

TEST_F(KeysTest, AWrapOfAnotherLengthCostsNoPublicKeyWork) {
  EXPECT_FALSE(keys.open_wrap(keys.id(), junk_wrap(random, kWrapBytes - 1), numbered_hash(1)));
  EXPECT_FALSE(keys.open_wrap(keys.id(), junk_wrap(random, kWrapBytes + 1), numbered_hash(1)));
  EXPECT_EQ(keys.setups(), 0u);
}

TEST_F(KeysTest, AnAlteredWrapDoesNotOpen) {
  const Bytes good = wrap(numbered_hash(1));
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= 1;
    const auto opened = keys.open_wrap(keys.id(), bad, numbered_hash(1));
    ASSERT_FALSE(opened) << i;
    EXPECT_EQ(opened.error().code(), "bad_wrap");
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(keys.open_wrap(keys.id(), longer, numbered_hash(1)));
  EXPECT_FALSE(keys.open_wrap(keys.id(), ByteView(good).first(good.size() - 1), numbered_hash(1)));
  EXPECT_FALSE(keys.open_wrap(keys.id(), {}, numbered_hash(1)));
  EXPECT_TRUE(keys.open_wrap(keys.id(), good, numbered_hash(1)));
}

TEST_F(KeysTest, AWrapOpensUnderItsOwnHeaderOnly) {
  const Bytes sealed = wrap(numbered_hash(1));
  EXPECT_TRUE(keys.open_wrap(keys.id(), sealed, numbered_hash(1)));
  EXPECT_FALSE(keys.open_wrap(keys.id(), sealed, numbered_hash(2)));
}

TEST_F(KeysTest, AWrapOfAnotherNetworkDoesNotOpen) {
  ExporterCache elsewhere{NetworkId{}};
  const Bytes sealed = elsewhere
                           .seal({keys.public_key(), keys.not_after()}, numbered_hash(1), secrets(),
                                 random, at_second(1))
                           .value();
  EXPECT_FALSE(keys.open_wrap(keys.id(), sealed, numbered_hash(1)));
}

TEST_F(KeysTest, AnEncOfSmallOrderDoesNotOpen) {
  Bytes bad = wrap(numbered_hash(1));
  std::fill_n(bad.begin(), 32, std::uint8_t{0});
  const auto opened = keys.open_wrap(keys.id(), bad, numbered_hash(1));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), "bad_wrap");
}

TEST_F(KeysTest, AKeyThatIsNotHeldIsUnknown) {
  const auto opened = keys.open_wrap(SealingKeyId{}, wrap(numbered_hash(1)), numbered_hash(1));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(opened.error().code(), "unknown_sealing_key");
}

TEST_F(KeysTest, AnExpiredKeyIsNotSealedTo) {
  const auto sealed = exporters.seal({keys.public_key(), at_second(50).unix}, numbered_hash(1),
                                     secrets(), random, at_second(50));
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().code(), "sealing_key_expired");
}

TEST_F(KeysTest, ThePreviousKeyOpensUntilItsEndAndItsSecretsGoWithIt) {
  const SealingKeyId first = keys.id();
  const Bytes sealed = wrap(numbered_hash(1));
  EXPECT_FALSE(keys.maintain(random, at_second(kRotation - 1)));
  EXPECT_EQ(keys.next_rotation(), at_second(kRotation).mono);
  EXPECT_TRUE(keys.maintain(random, at_second(kRotation)));
  EXPECT_NE(keys.id(), first);
  EXPECT_TRUE(keys.open_wrap(first, sealed, numbered_hash(1)));
  EXPECT_EQ(keys.next_rotation(), at_second(kLifetime + kSkew).mono);
  EXPECT_FALSE(keys.maintain(random, at_second(kLifetime + kSkew)));
  EXPECT_FALSE(keys.holds(first));
  EXPECT_EQ(keys.open_wrap(first, sealed, numbered_hash(1)).error().code(), "unknown_sealing_key");
}

TEST_F(KeysTest, AClockOfDayThatJumpsDoesNotRotateKeys) {
  Now now = at_second(10);
  now.unix += std::chrono::hours(1000);
  EXPECT_FALSE(keys.maintain(random, now));
}

TEST_F(KeysTest, SecretsComeOutAsTheyWentIn) {
  const auto in = secrets();
  const Bytes sealed =
      exporters
          .seal({keys.public_key(), keys.not_after()}, numbered_hash(1), in, random, at_second(1))
          .value();
  EXPECT_EQ(sealed.size(), kWrapBytes);
  const auto out = keys.open_wrap(keys.id(), sealed, numbered_hash(1));
  ASSERT_TRUE(out);
  EXPECT_TRUE(equal_public(out->view(), in.view()));
}

TEST_F(KeysTest, PublicKeyWorkIsDoneOncePerConnectionAndKey) {
  for (std::uint8_t n = 0; n < 100; ++n) {
    EXPECT_TRUE(keys.open_wrap(keys.id(), wrap(numbered_hash(n)), numbered_hash(n)));
  }
  EXPECT_EQ(exporters.setups(), 1u);
  EXPECT_EQ(keys.setups(), 1u);
}

TEST_F(KeysTest, JunkDoesNotPushOutWhatIsKept) {
  EXPECT_TRUE(keys.open_wrap(keys.id(), wrap(numbered_hash(1)), numbered_hash(1)));
  for (int i = 0; i < 10; ++i) {
    Bytes junk = wrap(numbered_hash(1));
    random.fill(std::span(junk).first(32));
    EXPECT_FALSE(keys.open_wrap(keys.id(), junk, numbered_hash(1)));
  }
  EXPECT_EQ(keys.setups(), 11u);
  EXPECT_TRUE(keys.open_wrap(keys.id(), wrap(numbered_hash(2)), numbered_hash(2)));
  EXPECT_EQ(keys.setups(), 11u);
}

TEST_F(KeysTest, AWorkerKeepsASecretThatIsUsedAndDropsTheOneUsedLeast) {
  const Bytes first = wrap(numbered_hash(1));
  const auto open_one_of_another_client = [&] {
    ExporterCache other(network);
    const Recipient recipient{keys.public_key(), keys.not_after()};
    const Bytes sealed =
        other.seal(recipient, numbered_hash(2), secrets(), random, at_second(1)).value();
    EXPECT_TRUE(keys.open_wrap(keys.id(), sealed, numbered_hash(2)));
    return sealed;
  };
  EXPECT_TRUE(keys.open_wrap(keys.id(), first, numbered_hash(1)));
  const Bytes second = open_one_of_another_client();
  for (std::size_t i = 2; i < limits::kMaxWorkerExporters; ++i) open_one_of_another_client();
  EXPECT_TRUE(
      keys.open_wrap(keys.id(), first, numbered_hash(1)));  // used, so `second` is the oldest
  open_one_of_another_client();
  const std::uint64_t before = keys.setups();
  EXPECT_TRUE(keys.open_wrap(keys.id(), first, numbered_hash(1)));
  EXPECT_EQ(keys.setups(), before);
  EXPECT_TRUE(keys.open_wrap(keys.id(), second, numbered_hash(2)));
  EXPECT_EQ(keys.setups(), before + 1);
}

TEST_F(KeysTest, AClientsSecretsAreBounded) {
  for (std::size_t i = 0; i <= limits::kMaxClientExporters; ++i) {
    const auto other = crypto::X25519Key::generate(random);
    EXPECT_TRUE(exporters.seal({other.public_key(), keys.not_after()}, numbered_hash(1), secrets(),
                               random, at_second(1)));
  }
  EXPECT_EQ(exporters.size(), limits::kMaxClientExporters);
}

TEST_F(KeysTest, NoSettingAllowsMoreUsesThanTheLimit) {
  ExporterCache many(network, UINT32_MAX);
  const Recipient recipient{keys.public_key(), keys.not_after()};
  for (std::uint32_t n = 0; n <= limits::kMaxExporterUses; ++n) {
    EXPECT_TRUE(many.seal(recipient, numbered_hash(1), secrets(), random, at_second(1)));
  }
  EXPECT_EQ(many.setups(), 2u);
}

TEST_F(KeysTest, AnOldSecretIsNotUsedWhileAYoungerOneIsUsedLess) {
  // The one used last is first in line, so the age of the last in line says nothing of it.
  wrap(numbered_hash(1), at_second(0));
  const auto other = crypto::X25519Key::generate(random);
  EXPECT_TRUE(exporters.seal({other.public_key(), keys.not_after()}, numbered_hash(1), secrets(),
                             random, at_second(300)));
  wrap(numbered_hash(2), at_second(599));
  wrap(numbered_hash(3), at_second(600));
  EXPECT_EQ(exporters.setups(), 3u);
}

TEST_F(KeysTest, AnExporterSecretIsDroppedAfterItsUses) {
  ExporterCache few(network, 3);
  for (std::uint8_t n = 0; n < 7; ++n) {
    EXPECT_TRUE(few.seal({keys.public_key(), keys.not_after()}, numbered_hash(n), secrets(), random,
                         at_second(1)));
  }
  EXPECT_EQ(few.setups(), 3u);
}

TEST_F(KeysTest, ASettingOfOneTurnsReuseOff) {
  ExporterCache none(network, 1);
  Bytes last;
  for (std::uint8_t n = 0; n < 5; ++n) {
    const Bytes sealed = none.seal({keys.public_key(), keys.not_after()}, numbered_hash(n),
                                   secrets(), random, at_second(1))
                             .value();
    EXPECT_FALSE(!last.empty() && std::equal(last.begin(), last.begin() + 32, sealed.begin()));
    last = sealed;
  }
  EXPECT_EQ(none.setups(), 5u);
}

TEST_F(KeysTest, AnExporterSecretIsDroppedAfterItsAge) {
  wrap(numbered_hash(1), at_second(0));
  wrap(numbered_hash(2), at_second(599));
  EXPECT_EQ(exporters.setups(), 1u);
  wrap(numbered_hash(3), at_second(600));
  EXPECT_EQ(exporters.setups(), 2u);
}

TEST_F(KeysTest, ExporterSecretsOfWorkersThatAreNoLongerUsedAreDropped) {
  for (int i = 0; i < 5; ++i) {
    const auto other = crypto::X25519Key::generate(random);
    EXPECT_TRUE(exporters.seal({other.public_key(), keys.not_after()}, numbered_hash(1), secrets(),
                               random, at_second(1)));
  }
  wrap(numbered_hash(1), at_second(300));
  EXPECT_EQ(exporters.size(), 6u);
  wrap(numbered_hash(2), at_second(601));
  EXPECT_EQ(exporters.size(), 1u);
}

TEST_F(KeysTest, AForgottenWorkerIsAgreedWithAnew) {
  wrap(numbered_hash(1));
  exporters.forget(keys.id());
  exporters.forget(SealingKeyId{});
  wrap(numbered_hash(2));
  EXPECT_EQ(exporters.setups(), 2u);
}

TEST_F(KeysTest, ConnectionsDoNotShareAnEnc) {
  ExporterCache other(network);
  const Recipient recipient{keys.public_key(), keys.not_after()};
  const Bytes a =
      exporters.seal(recipient, numbered_hash(1), secrets(), random, at_second(1)).value();
  const Bytes b = other.seal(recipient, numbered_hash(1), secrets(), random, at_second(1)).value();
  EXPECT_FALSE(std::equal(a.begin(), a.begin() + 32, b.begin()));
}

}  // namespace
}  // namespace cocoon
