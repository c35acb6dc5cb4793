#include "ton/address.h"

#include <gtest/gtest.h>

#include "unit/ton/vectors.h"

namespace cocoon::ton {
namespace {

using test::random_bits;
using test::SeededRandom;
using test::VectorFile;

constexpr const char* kGood = "EQAs9VlT6S776tq3unJcP5Ogsj-ELLunLXuOb1EKcOQi4wJB";
const std::string kHashDigits = "2cf55953e92efbeadab7ba725c3f93a0b23f842cbba72d7b8e6f510a70e422e3";

std::string with_digits(const std::string& workchain) {
  return workchain + ":" + kHashDigits;
}

TEST(AddressVectors, RefusesWhatIsNone) {
  const VectorFile file("address_invalid.json");
  for (const json::Value v : file.cases()) {
    const auto parsed = parse_address(test::text(v, "input"));
    ASSERT_FALSE(parsed) << test::text(v, "name");
    EXPECT_EQ(parsed.error().code(), "address_invalid");
  }
}

TEST(AddressVectors, EveryFormIsReadAndWritten) {
  const VectorFile file("address.json");
  for (const json::Value v : file.cases()) {
    SCOPED_TRACE(test::text(v, "name"));
    const ParsedAddress raw = parse_address(test::text(v, "raw")).value();
    EXPECT_EQ(raw.address.workchain, v.find("workchain").as_i64());
    EXPECT_EQ(raw.address.hash, test::hash(v, "hash"));
    EXPECT_FALSE(raw.flags);
    EXPECT_EQ(to_raw(raw.address), test::text(v, "raw"));
    const auto both_ways = [&](const char* key, FriendlyFlags flags, AddressAlphabet alphabet) {
      const std::string text = test::text(v, key);
      EXPECT_EQ(to_friendly(raw.address, flags, alphabet), text);
      const ParsedAddress parsed = parse_address(text).value();
      EXPECT_EQ(parsed.address, raw.address);
      EXPECT_EQ(parsed.flags, flags);
    };
    both_ways("bounceable", {.bounceable = true, .testnet = false}, AddressAlphabet::url);
    both_ways("non_bounceable", {.bounceable = false, .testnet = false}, AddressAlphabet::url);
    both_ways("test_bounceable", {.bounceable = true, .testnet = true}, AddressAlphabet::url);
    both_ways("test_non_bounceable", {.bounceable = false, .testnet = true}, AddressAlphabet::url);
    both_ways("std_b64", {.bounceable = true, .testnet = false}, AddressAlphabet::standard);
  }
}

TEST(Address, RefusesEveryChangedCharacter) {
  for (std::size_t i = 0; i < 48; ++i) {
    std::string changed = kGood;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(parse_address(changed)) << i;
  }
}

TEST(Address, RefusesAMixtureOfAlphabets) {
  // Both characters that the alphabets spell differently are in this one.
  const Address address{.workchain = 0, .hash = [] {
                          Hash hash;
                          hash.fill(0xfb);
                          return hash;
                        }()};
  std::string text = to_friendly(address);
  ASSERT_TRUE(parse_address(text));
  text[text.find('-')] = '+';
  EXPECT_FALSE(parse_address(text));
}

TEST(Address, RefusesUnknownTags) {
  for (const unsigned tag : {0x00u, 0x10u, 0x12u, 0x31u, 0x71u}) {
    Bytes bytes = ByteWriter().u8(static_cast<std::uint8_t>(tag)).u8(0).bytes(Hash{}).take();
    // What to_friendly would have written for that tag.
    std::uint16_t crc = 0;
    for (const std::uint8_t byte : bytes) {
      crc = static_cast<std::uint16_t>(crc ^ byte << 8);
      for (int bit = 0; bit < 8; ++bit) {
        crc = static_cast<std::uint16_t>(crc << 1 ^ ((crc & 0x8000) != 0 ? 0x1021 : 0));
      }
    }
    append(bytes, ByteWriter().u16be(crc).take());
    const auto parsed = parse_address(to_base64(bytes, Base64Alphabet::url));
    ASSERT_FALSE(parsed) << tag;
    EXPECT_NE(parsed.error().detail().find("tag"), std::string::npos) << parsed.error().detail();
  }
}

TEST(Address, RawHasOneSpellingOfItsWorkchain) {
  for (const char* workchain :
       {"", "+0", "-0", "00", "01", " 0", "0x0", "2147483648", "0:0", "a"}) {
    EXPECT_FALSE(parse_address(with_digits(workchain))) << workchain;
  }
  for (const char* workchain : {"0", "-1", "2147483647", "-2147483648", "17"}) {
    EXPECT_TRUE(parse_address(with_digits(workchain))) << workchain;
  }
  EXPECT_FALSE(parse_address(with_digits("0") + "0"));
  EXPECT_FALSE(parse_address(""));
  EXPECT_FALSE(parse_address(":"));
}

TEST(Address, CapitalDigitsAreTheSame) {
  std::string capitals = with_digits("0");
  for (char& c : capitals) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_EQ(parse_address(capitals).value().address, parse_address(kGood).value().address);
}

TEST(MsgAddress, RefusesAnycast) {
  for (const unsigned tag : {0b101u, 0b111u}) {
    Slice in(Builder().store_uint(tag, 3).store_bits(BitString(Bytes(60, 0))).finish().value());
    (void)load_msg_address(in);
    EXPECT_NE(in.check("It").error().detail().find("anycast"), std::string::npos);
  }
}

TEST(MsgAddress, RefusesAnotherKindWhereAnAccountIsMeant) {
  for (const MsgAddress& other :
       {MsgAddress(NoAddress{}), MsgAddress(ExternAddress{BitString::of(5, 3)}),
        MsgAddress(VarAddress{.workchain = 0, .bits = BitString::of(5, 3)})}) {
    Builder out;
    store_address(out, other);
    Slice in(out.finish().value());
    (void)load_address(in);
    EXPECT_TRUE(in.failed());
  }
}

TEST(MsgAddress, RefusesAWorkchainThatDoesNotFit) {
  Builder out;
  store_address(out, Address{.workchain = 128, .hash = {}});
  EXPECT_FALSE(out.finish());
}

TEST(MsgAddress, EveryKindRoundTrips) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    const MsgAddress addresses[] = {
        NoAddress{}, ExternAddress{random_bits(random, static_cast<unsigned>(random.below(200)))},
        Address{.workchain = static_cast<std::int8_t>(random.below(256)),
                .hash = random.array<32>()},
        VarAddress{.workchain = static_cast<std::int32_t>(random.u64()),
                   .bits = random_bits(random, static_cast<unsigned>(random.below(200)))}};
    Builder out;
    for (const MsgAddress& address : addresses) store_address(out, address);
    Slice in(out.finish().value());
    for (const MsgAddress& address : addresses) EXPECT_EQ(load_msg_address(in), address);
    EXPECT_TRUE(in.finish("It"));
  }
}

}  // namespace
}  // namespace cocoon::ton
