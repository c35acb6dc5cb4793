#include "crypto/secret.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "crypto/compare.h"

namespace cocoon::crypto {
namespace {

static_assert(!std::is_copy_constructible_v<Secret<32>> && !std::is_copy_assignable_v<Secret<32>>);
static_assert(!std::is_copy_constructible_v<SecretBytes> &&
              !std::is_copy_assignable_v<SecretBytes>);

ByteArray<32> pattern() {
  ByteArray<32> out;
  out.fill(0x5a);
  return out;
}

TEST(Secret, MovingWipesTheSource) {
  Secret<32> a(pattern());
  const Secret<32> b = std::move(a);
  EXPECT_TRUE(equal_public(b.view(), pattern()));
  EXPECT_TRUE(equal_public(a.view(), ByteArray<32>{}));  // NOLINT(bugprone-use-after-move)
  Secret<32> c;
  Secret<32> d(pattern());
  c = std::move(d);
  EXPECT_TRUE(equal_public(c.view(), pattern()));
  EXPECT_TRUE(equal_public(d.view(), ByteArray<32>{}));  // NOLINT(bugprone-use-after-move)
}

TEST(Secret, DestructionWipes) {
  // The object's bytes are looked at where they lay, in storage that outlives it.
  alignas(Secret<32>) unsigned char storage[sizeof(Secret<32>)];
  auto* secret = new (storage) Secret<32>(pattern());
  EXPECT_EQ(storage[0], 0x5a);
  secret->~Secret();
  const volatile unsigned char* seen = storage;
  for (std::size_t i = 0; i < sizeof storage; ++i) EXPECT_EQ(seen[i], 0) << "byte " << i;
}

TEST(Secret, ADuplicateIsIndependent) {
  Secret<32> a(pattern());
  const Secret<32> b = a.duplicate();
  a.writable()[0] = 0;
  EXPECT_TRUE(equal_public(b.view(), pattern()));
}

TEST(SecretBytes, MovingEmptiesTheSource) {
  SecretBytes a(as_bytes("secret"));
  SecretBytes b = std::move(a);
  EXPECT_EQ(as_text(b.view()), "secret");
  EXPECT_EQ(a.size(), 0u);  // NOLINT(bugprone-use-after-move)
  SecretBytes c(as_bytes("older and longer"));
  c = std::move(b);
  EXPECT_EQ(as_text(c.view()), "secret");
}

TEST(SecretBytes, MayBeEmpty) {
  const SecretBytes empty;
  EXPECT_TRUE(empty.view().empty());
  EXPECT_TRUE(SecretBytes(ByteView()).view().empty());
}

TEST(SecretBytes, StartAsZeros) {
  EXPECT_TRUE(equal_public(SecretBytes(3).view(), Bytes(3, 0)));
}

TEST(EqualSecret, ComparesContentAndLength) {
  EXPECT_TRUE(equal_secret(as_bytes("abc"), as_bytes("abc")));
  EXPECT_TRUE(equal_secret({}, {}));
  EXPECT_FALSE(equal_secret(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_secret(as_bytes("abc"), as_bytes("ab")));
  EXPECT_FALSE(equal_secret(as_bytes("abc"), {}));
}

}  // namespace
}  // namespace cocoon::crypto
