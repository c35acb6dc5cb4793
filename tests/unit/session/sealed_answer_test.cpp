#include "session/sealed_answer.h"

#include <gtest/gtest.h>

#include <set>

#include "crypto/hash.h"
#include "unit/session/fixtures.h"

namespace cocoon {
namespace {

using namespace session;
using namespace test;

const RunId kRun{{1, 2, 3}};
const Bytes kReceipt(300, 9);
constexpr AnswerHead kHead{.status = 200, .content_type = "text/event-stream"};

/// A request that a worker has opened, and its answer of three body chunks and a receipt.
struct AnswerTest : ::testing::Test {
  Network net;
  SealedRequest request = net.seal(R"({"stream":true})");
  RequestOpener opener = net.receive(carry(request)).value();

  std::vector<Bytes> answer(const RequestOpener& from, RunId run = kRun) {
    AnswerSealer sealer = from.answer(run);
    std::vector<Bytes> chunks;
    sealer.add_head(kHead);
    for (const std::string_view text : {"data: one\n\n", "data: two\n\n", "data: three\n\n"}) {
      EXPECT_EQ(sealer.add_body(as_bytes(text)), text.size());
      sealer.flush(chunks.emplace_back());
    }
    EXPECT_TRUE(sealer.add_receipt(kReceipt));
    sealer.flush(chunks.emplace_back());
    EXPECT_TRUE(sealer.finished());
    return chunks;
  }
  /// The body that the client gets of `chunks`, or the code of what went wrong.
  std::string read(const std::vector<Bytes>& chunks, std::size_t candidate = 0) {
    AnswerOpener client = request.answer(candidate);
    std::string out;
    for (const Bytes& chunk : chunks) {
      const auto part = client.open(chunk);
      if (!part) return std::string(part.error().code());
      out += as_text(part->body);
    }
    const Status complete = client.check_complete();
    return complete ? out : std::string(complete.error().code());
  }
};

// --- What a hostile proxy does to an answer ---

TEST_F(AnswerTest, CutIsTruncated) {
  std::vector<Bytes> chunks = answer(opener);
  while (!chunks.empty()) {
    chunks.pop_back();
    EXPECT_EQ(read(chunks), "answer_truncated") << chunks.size() << " chunks left";
  }
}

TEST_F(AnswerTest, ReorderedDroppedOrRepeatedChunksAreRefused) {
  const std::vector<Bytes> good = answer(opener);
  const auto changed = [&](auto change) {
    std::vector<Bytes> bad = good;
    change(bad);
    return read(bad);
  };
  EXPECT_EQ(changed([](auto& c) { std::swap(c[1], c[2]); }), "bad_answer_chunk");
  EXPECT_EQ(changed([](auto& c) { std::swap(c[0], c[1]); }), "bad_answer_chunk");
  EXPECT_EQ(changed([](auto& c) { c.erase(c.begin()); }), "bad_answer_chunk");
  EXPECT_EQ(changed([](auto& c) { c.erase(c.begin() + 1); }), "bad_answer_chunk");
  EXPECT_EQ(changed([](auto& c) { c.insert(c.begin(), c[0]); }), "bad_answer_chunk");
  EXPECT_EQ(changed([](auto& c) { c.insert(c.begin() + 2, c[1]); }), "bad_answer_chunk");
  EXPECT_EQ(changed([](auto& c) { c.push_back(c.back()); }), "bad_answer_chunk");
  EXPECT_EQ(changed([](auto& c) { c.push_back(Bytes(337)); }), "bad_answer_chunk");
}

TEST_F(AnswerTest, AnyAlteredByteIsRefused) {
  const std::vector<Bytes> good = answer(opener);
  for (std::size_t chunk = 0; chunk < good.size(); ++chunk) {
    for (std::size_t i = 0; i < good[chunk].size(); ++i) {
      std::vector<Bytes> bad = good;
      bad[chunk][i] ^= 1;
      ASSERT_EQ(read(bad), "bad_answer_chunk") << "chunk " << chunk << " byte " << i;
    }
  }
}

TEST_F(AnswerTest, LengthenedAndShortenedChunksAreRefused) {
  const std::vector<Bytes> good = answer(opener);
  for (std::size_t n = 0; n < good[0].size(); ++n) {
    std::vector<Bytes> bad = good;
    bad[0].resize(n);
    ASSERT_EQ(read(bad), "bad_answer_chunk") << n;
  }
  std::vector<Bytes> bad = good;
  bad[0].push_back(0);
  EXPECT_EQ(read(bad), "bad_answer_chunk");
}

TEST_F(AnswerTest, TheAnswerToAnotherRequestIsRefused) {
  const SealedRequest other = net.seal(R"({"stream":true})");
  const RequestOpener other_opener = net.receive(carry(other)).value();
  EXPECT_EQ(read(answer(other_opener)), "bad_answer_chunk");
}

TEST_F(AnswerTest, ChunksOfAnotherRunAreRefused) {
  const std::vector<Bytes> one = answer(opener);
  const std::vector<Bytes> two = answer(opener, RunId{{7}});
  EXPECT_EQ(read({one[0], two[1], one[2], one[3]}), "bad_answer_chunk");
  EXPECT_EQ(read(two), "data: one\n\ndata: two\n\ndata: three\n\n");
}

TEST_F(AnswerTest, AnotherRunIdOnTheSameChunksIsRefused) {
  std::vector<Bytes> bad = answer(opener);
  std::copy_n(net.random.array<16>().begin(), 16, bad[0].begin());
  EXPECT_EQ(read(bad), "bad_answer_chunk");
}

TEST_F(AnswerTest, OfOneCandidateDoesNotPassForThatOfAnother) {
  EXPECT_EQ(read(answer(opener), 1), "bad_answer_chunk");
}

TEST_F(AnswerTest, AFailureIsForGood) {
  const std::vector<Bytes> good = answer(opener);
  AnswerOpener client = request.answer(0);
  EXPECT_TRUE(client.open(good[0]));
  EXPECT_FALSE(client.open(good[2]));
  EXPECT_FALSE(client.open(good[1]));
}

TEST_F(AnswerTest, LengthsOfTokensDoNotShow) {
  AnswerSealer sealer = opener.answer(kRun);
  sealer.add_head(kHead);
  Bytes first;
  sealer.flush(first);
  std::set<std::size_t> sizes;
  for (std::size_t n = 128; n <= 256; ++n) {
    Bytes chunk;
    sealer.add_body(Bytes(n, 'x'));
    EXPECT_EQ(sealer.sealed_size(), 337u);
    sealer.flush(chunk);
    sizes.insert(chunk.size());
  }
  EXPECT_EQ(sizes, std::set<std::size_t>{337});
}

// --- What a hostile worker does: it has the keys ---

struct HostileWorker : ::testing::Test {
  const crypto::Secret<32> key{};
  const RequestHash hash{};

  /// The stream of a new answer; its first chunk begins with `start`.
  crypto::StreamSealer begin(Bytes& start) {
    crypto::StreamSealer stream(
        crypto::hkdf_key(key.view(), {}, {hash.view(), kRun.view(), as_bytes("answer")}));
    start.assign(kRun.bytes.begin(), kRun.bytes.end());
    append(start, stream.header());
    client.emplace(hash, key, Hash{});
    return stream;
  }
  Result<AnswerPart> open(Bytes plaintext, crypto::Chunk kind = crypto::Chunk::more,
                          std::size_t size = 320) {
    plaintext.resize(size);
    Bytes chunk;
    crypto::StreamSealer stream = begin(chunk);
    EXPECT_TRUE(stream.seal(plaintext, {}, kind, chunk));
    return client->open(chunk);
  }
  /// Sends two chunks of one answer. @return what the client says to the second
  Result<AnswerPart> open_second(Bytes first, Bytes second) {
    first.resize(320);
    second.resize(320);
    Bytes chunk;
    crypto::StreamSealer stream = begin(chunk);
    EXPECT_TRUE(stream.seal(first, {}, crypto::Chunk::more, chunk));
    (void)client->open(chunk);
    chunk.clear();
    EXPECT_TRUE(stream.seal(second, {}, crypto::Chunk::more, chunk));
    return client->open(chunk);
  }
  void expect_bad(const Bytes& plaintext, std::string_view mentions,
                  crypto::Chunk kind = crypto::Chunk::more, std::size_t size = 320) {
    const auto part = open(plaintext, kind, size);
    ASSERT_FALSE(part) << mentions;
    EXPECT_EQ(part.error().code(), "bad_answer_record");
    EXPECT_NE(part.error().detail().find(mentions), std::string::npos) << part.error().detail();
  }

  const Bytes head = {1, 0, 2, 0, 200};
  const Bytes body = {2, 0, 1, 'x'};
  const Bytes receipt = {4, 0, 1, 'r'};
  static Bytes join(std::initializer_list<Bytes> parts) {
    Bytes out;
    for (const Bytes& part : parts) append(out, part);
    return out;
  }
  std::optional<AnswerOpener> client;
};

TEST_F(HostileWorker, ThisMuchIsFine) {
  const auto part = open(join({head, body, receipt}), crypto::Chunk::final);
  ASSERT_TRUE(part) << part.error().detail();
  EXPECT_EQ(part->head->status, 200);
  EXPECT_EQ(as_text(part->body), "x");
  EXPECT_EQ(as_text(part->receipt), "r");
  EXPECT_TRUE(part->last);
}

TEST_F(HostileWorker, MustKeepTheOrderOfRecords) {
  expect_bad(join({body, head}), "head");
  expect_bad(body, "head");
  expect_bad(join({head, head}), "order");
  expect_bad(join({head, body, body}), "order");
  expect_bad(join({head, receipt, body}), "order", crypto::Chunk::final);
  expect_bad(join({head, {9, 0, 1, 'x'}}), "order");
}

TEST_F(HostileWorker, IsNotHeardAgainAfterABadRecord) {
  const auto part = open_second(body, join({head, body}));
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().code(), "bad_answer_chunk");
}

TEST_F(HostileWorker, MustNotGoOnAfterAnError) {
  const Bytes error = {3, 0, 3, 9, 1, 'x'};
  const auto part = open_second(join({head, error}), body);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().code(), "bad_answer_record");
  EXPECT_NE(part.error().detail().find("after an error"), std::string::npos);
}

TEST_F(HostileWorker, MustEndWithItsReceiptAndNowhereElse) {
  expect_bad(join({head, body}), "receipt", crypto::Chunk::final);
  expect_bad(join({head, body, receipt}), "receipt", crypto::Chunk::more);
}

TEST_F(HostileWorker, MustUseASizeClass) {
  expect_bad(join({head, body}), "size class", crypto::Chunk::more, 321);
  expect_bad(join({head, body}), "size class", crypto::Chunk::more, 319);
  expect_bad({}, "size class", crypto::Chunk::more, 0);
}

TEST_F(HostileWorker, MustNotSendEmptyChunksOrHideAnythingInThePadding) {
  expect_bad({}, "empty");
  expect_bad(join({head, {0, 0, 0, 1}}), "padding");
}

TEST_F(HostileWorker, MustKeepRecordsWithinTheChunkAndTheirBounds) {
  expect_bad(join({head, {2, 0xff, 0xff}}), "cut");
  expect_bad({1, 0, 1, 200}, "bounds");
  expect_bad({1, 0, 2, 0, 199}, "bounds");
  expect_bad({1, 0, 2, 2, 0x58}, "bounds");
  expect_bad({1, 0, 4, 0, 200, '\r', '\n'}, "bounds");
  expect_bad(join({head, {2, 0, 0}}), "bounds");
  expect_bad(join({head, {3, 0, 2, 5, 9}}), "bounds");
  expect_bad(join({head, {4, 0, 0}}), "bounds", crypto::Chunk::final);
}

// --- Honest use ---

TEST_F(AnswerTest, ArrivesChunkByChunkWithHeadAndReceipt) {
  const std::vector<Bytes> chunks = answer(opener);
  AnswerOpener client = request.answer(0);
  const auto first = client.open(chunks[0]);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->head->status, 200);
  EXPECT_EQ(first->head->content_type, "text/event-stream");
  EXPECT_EQ(as_text(first->body), "data: one\n\n");
  EXPECT_EQ(client.run_id(), kRun);
  EXPECT_FALSE(client.open(chunks[1])->head);
  EXPECT_TRUE(client.open(chunks[2]));
  const auto last = client.open(chunks[3]);
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->last);
  EXPECT_TRUE(equal_public(last->receipt, kReceipt));
  EXPECT_TRUE(client.check_complete());
}

TEST_F(AnswerTest, ALongBodyIsCutIntoFullChunks) {
  Bytes body(100'000);
  net.random.fill(body);
  AnswerSealer sealer = opener.answer(kRun);
  sealer.add_head(kHead);
  std::vector<Bytes> chunks;
  for (ByteView rest = body; !rest.empty();) {
    rest = rest.subspan(sealer.add_body(rest));
    if (rest.empty()) break;
    EXPECT_FALSE(sealer.add_receipt(kReceipt)) << "no room in a full chunk";
    const std::size_t expected = sealer.sealed_size();
    sealer.flush(chunks.emplace_back());
    EXPECT_EQ(chunks.back().size(), expected);
    EXPECT_LE(chunks.back().size(), limits::kMaxDataBytes);
  }
  EXPECT_TRUE(sealer.add_receipt(kReceipt));
  sealer.flush(chunks.emplace_back());
  EXPECT_EQ(chunks.size(), 7u);
  EXPECT_EQ(read(chunks), as_text(body));
}

TEST_F(AnswerTest, AnErrorStandsInForTheRestOfTheAnswer) {
  AnswerSealer sealer = opener.answer(kRun);
  EXPECT_TRUE(sealer.add_head({.status = 502}));
  const Error error(ErrorKind::timeout, "request_expired", "the engine took too long.");
  EXPECT_TRUE(sealer.add_error(error));
  EXPECT_FALSE(sealer.add_error(error));
  EXPECT_EQ(sealer.add_body(as_bytes("x")), 0u);
  EXPECT_TRUE(sealer.add_receipt(kReceipt));
  Bytes chunk;
  sealer.flush(chunk);
  AnswerOpener client = request.answer(0);
  const auto part = client.open(chunk);
  ASSERT_TRUE(part) << part.error().detail();
  ASSERT_TRUE(part->error);
  EXPECT_EQ(part->error->kind(), ErrorKind::timeout);
  EXPECT_EQ(part->error->code(), "request_expired");
  EXPECT_EQ(part->error->detail(), "the engine took too long.");
}

TEST_F(AnswerTest, TheSealerRefusesRecordsOutOfTurn) {
  AnswerSealer sealer = opener.answer(kRun);
  EXPECT_EQ(sealer.add_body(as_bytes("x")), 0u);
  EXPECT_FALSE(sealer.add_receipt(kReceipt));
  EXPECT_FALSE(sealer.add_error(Error(ErrorKind::io, "cancelled", "")));
  EXPECT_FALSE(sealer.add_head({.status = 100}));
  EXPECT_FALSE(sealer.add_head({.status = 200, .content_type = "a\r\nb"}));
  const std::string long_type(limits::kMaxContentTypeBytes + 1, 'x');
  EXPECT_FALSE(sealer.add_head({.status = 200, .content_type = long_type}));
  Bytes nothing;
  sealer.flush(nothing);
  EXPECT_TRUE(nothing.empty());
  EXPECT_EQ(sealer.sealed_size(), 0u);
  EXPECT_TRUE(sealer.add_head(kHead));
  EXPECT_FALSE(sealer.add_head(kHead));
  EXPECT_FALSE(sealer.add_receipt({}));
  EXPECT_FALSE(sealer.add_receipt(Bytes(limits::kMaxReceiptBytes + 1)));
  EXPECT_TRUE(sealer.add_receipt(kReceipt));
  EXPECT_FALSE(sealer.add_receipt(kReceipt));
}

TEST_F(AnswerTest, BothEndsCommitToTheSame) {
  AnswerSealer sealer = opener.answer(kRun);
  AnswerOpener client = request.answer(0);
  sealer.add_head(kHead);
  sealer.add_body(as_bytes("hello "));
  Bytes chunk;
  sealer.flush(chunk);
  EXPECT_TRUE(client.open(chunk));
  sealer.add_body(as_bytes("world"));
  const Commitments committed = sealer.commitments();
  sealer.add_receipt(kReceipt);
  chunk.clear();
  sealer.flush(chunk);
  EXPECT_TRUE(client.open(chunk));
  EXPECT_EQ(client.commitments(), committed);
  EXPECT_NE(committed.request, committed.answer);
}

TEST_F(AnswerTest, CommitmentsDependOnEveryWordAndHideIt) {
  const auto commit = [&](std::string_view body, std::uint16_t status, RunId run) {
    AnswerSealer sealer = opener.answer(run);
    sealer.add_head({.status = status});
    sealer.add_body(as_bytes(body));
    return sealer.commitments();
  };
  const Commitments one = commit("yes", 200, kRun);
  EXPECT_EQ(one, commit("yes", 200, kRun));
  EXPECT_NE(one.answer, commit("no", 200, kRun).answer);
  EXPECT_NE(one.answer, commit("yes", 201, kRun).answer);
  EXPECT_EQ(one.request, commit("no", 200, kRun).request);
  // Another run has another key, so equal answers do not look equal.
  EXPECT_NE(one.answer, commit("yes", 200, RunId{{9}}).answer);
  EXPECT_NE(one.request, commit("yes", 200, RunId{{9}}).request);
  EXPECT_NE(one.request, crypto::sha256(opener.body()));
}

}  // namespace
}  // namespace cocoon
