#include "crypto/secret_stream.h"

#include <gtest/gtest.h>

namespace cocoon::crypto {
namespace {

class SecretStream : public testing::Test {
 protected:
  Bytes seal(std::string_view text, Chunk chunk = Chunk::more, ByteView ad = {}) {
    Bytes out;
    EXPECT_TRUE(sealer_.seal(as_bytes(text), ad, chunk, out));
    return out;
  }
  // The code of the failure to open `sealed`.
  std::string refused(const Bytes& sealed, ByteView ad = {}) {
    Bytes out = to_bytes(as_bytes("kept"));
    auto opened = opener_.open(sealed, ad, out);
    EXPECT_EQ(as_text(out), "kept");
    return opened ? "none" : std::string(opened.error().code());
  }

  Secret<32> key_{ByteArray<32>{1, 2, 3}};
  StreamSealer sealer_{key_};
  StreamOpener opener_{key_, sealer_.header()};
};

TEST_F(SecretStream, ChunksOpenInOrderAndTheLastIsMarked) {
  const Bytes first = seal("first");
  const Bytes last = seal("last", Chunk::final);
  EXPECT_EQ(first.size(), 5 + kStreamChunkOverhead);
  Bytes out;
  auto opened = opener_.open(first, {}, out);
  ASSERT_TRUE(opened);
  EXPECT_EQ(*opened, Chunk::more);
  EXPECT_FALSE(opener_.finished());
  opened = opener_.open(last, {}, out);
  ASSERT_TRUE(opened);
  EXPECT_EQ(*opened, Chunk::final);
  EXPECT_TRUE(opener_.finished());
  EXPECT_EQ(as_text(out), "firstlast");
}

TEST_F(SecretStream, EmptyChunksAreChunks) {
  const Bytes sealed = seal("", Chunk::final);
  Bytes out;
  auto opened = opener_.open(sealed, {}, out);
  ASSERT_TRUE(opened);
  EXPECT_EQ(*opened, Chunk::final);
  EXPECT_TRUE(out.empty());
}

TEST_F(SecretStream, ASkippedChunkIsRefused) {
  (void)seal("first");
  EXPECT_EQ(refused(seal("second")), "decrypt_failed");
}

TEST_F(SecretStream, ARepeatedChunkIsRefused) {
  const Bytes first = seal("first");
  Bytes out;
  ASSERT_TRUE(opener_.open(first, {}, out));
  EXPECT_EQ(refused(first), "decrypt_failed");
}

TEST_F(SecretStream, AFailureIsForGood) {
  const Bytes first = seal("first");
  Bytes altered = first;
  altered[3] ^= 1;
  EXPECT_EQ(refused(altered), "decrypt_failed");
  EXPECT_EQ(refused(first), "decrypt_failed");
}

TEST_F(SecretStream, EveryFlippedByteIsRefused) {
  const Bytes sealed = seal("text", Chunk::final);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes altered = sealed;
    altered[i] ^= 1;
    StreamOpener opener(key_, sealer_.header());
    Bytes out;
    EXPECT_FALSE(opener.open(altered, {}, out)) << "byte " << i;
    EXPECT_TRUE(out.empty());
  }
}

TEST_F(SecretStream, EveryTruncationOfAChunkIsRefused) {
  const Bytes sealed = seal("text");
  for (std::size_t n = 0; n < sealed.size(); ++n) {
    StreamOpener opener(key_, sealer_.header());
    Bytes out;
    EXPECT_FALSE(opener.open(ByteView(sealed).first(n), {}, out)) << n << " bytes";
  }
}

TEST_F(SecretStream, AnotherAdIsRefused) {
  EXPECT_EQ(refused(seal("text", Chunk::more, as_bytes("a")), as_bytes("b")), "decrypt_failed");
}

TEST_F(SecretStream, AnotherKeyOrHeaderIsRefused) {
  const Bytes sealed = seal("text");
  StreamOpener other_key(Secret<32>(), sealer_.header());
  StreamOpener other_header(key_, StreamSealer(key_).header());
  Bytes out;
  EXPECT_FALSE(other_key.open(sealed, {}, out));
  EXPECT_FALSE(other_header.open(sealed, {}, out));
}

TEST_F(SecretStream, NothingFollowsTheFinalChunk) {
  const Bytes last = seal("last", Chunk::final);
  Bytes more;
  auto sealed = sealer_.seal(as_bytes("more"), {}, Chunk::more, more);
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().code(), "stream_finished");
  EXPECT_TRUE(more.empty());

  Bytes out;
  ASSERT_TRUE(opener_.open(last, {}, out));
  EXPECT_EQ(refused(last), "stream_finished");
}

TEST_F(SecretStream, ATagThatOurSealerNeverWritesIsRefused) {
  // A chunk with libsodium's TAG_PUSH, from somebody who has the key.
  crypto_secretstream_xchacha20poly1305_state state;
  StreamHeader header;
  crypto_secretstream_xchacha20poly1305_init_push(&state, header.data(), key_.view().data());
  Bytes sealed(kStreamChunkOverhead + 1);
  const unsigned char text = 'x';
  crypto_secretstream_xchacha20poly1305_push(&state, sealed.data(), nullptr, &text, 1, nullptr, 0,
                                             crypto_secretstream_xchacha20poly1305_TAG_PUSH);
  StreamOpener opener(key_, header);
  Bytes out;
  auto opened = opener.open(sealed, {}, out);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), "decrypt_failed");
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace cocoon::crypto
