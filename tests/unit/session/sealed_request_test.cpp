#include "session/sealed_request.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "unit/session/fixtures.h"

namespace cocoon {
namespace {

using namespace session;
using namespace test;

std::string code_of(const Result<RequestOpener>& result) {
  return result ? "none" : std::string(result.error().code());
}

// --- What a hostile proxy does to a request ---

struct HostileProxy : ::testing::Test {
  Network net;
  const std::string body = R"({"messages":[{"role":"user","content":"canary"}]})";
};

TEST_F(HostileProxy, CannotChangeAnyByteOfTheHeader) {
  const Carried good = carry(net.seal(body));
  for (std::size_t i = 0; i < good.header.size(); ++i) {
    Carried bad = good;
    bad.header[i] ^= 1;
    EXPECT_FALSE(net.receive(bad)) << "byte " << i;
  }
  EXPECT_TRUE(net.receive(good));
}

TEST_F(HostileProxy, CannotRaiseTheCostCapEvenWithAWellFormedHeader) {
  Carried bad = carry(net.seal(body));
  RequestHeader header = decode_request_header(bad.header).value();
  header.cost_cap = kMaxNano;
  bad.header = encode_request_header(header).value();
  EXPECT_EQ(code_of(net.receive(bad)), "bad_wrap");
}

TEST_F(HostileProxy, CannotSwapTheHeaderForThatOfAnotherRequest) {
  const Carried one = carry(net.seal(body));
  Carried two = carry(net.seal(body));
  two.header = one.header;
  EXPECT_EQ(code_of(net.receive(two)), "bad_wrap");
}

TEST_F(HostileProxy, CannotSwapTheWrapForThatOfAnotherRequest) {
  const Carried one = carry(net.seal(body));
  Carried two = carry(net.seal(body));
  two.wraps = one.wraps;
  EXPECT_EQ(code_of(net.receive(two)), "bad_wrap");
}

TEST_F(HostileProxy, CannotSwapTheBodyForThatOfAnotherRequest) {
  const Carried one = carry(net.seal(body));
  Carried two = carry(net.seal(body));
  two.chunks = one.chunks;
  EXPECT_EQ(code_of(net.receive(two)), "bad_body_chunk");
}

TEST_F(HostileProxy, CannotSealABodyOfItsOwn) {
  Carried bad = carry(net.seal(body));
  bad.chunks = carry(net.seal(R"({"messages":[]})", 1)).chunks;
  EXPECT_EQ(code_of(net.receive(bad)), "bad_body_chunk");
}

TEST_F(HostileProxy, CannotGiveTheRequestToAWorkerThatIsNoCandidate) {
  const Carried good = carry(net.seal(body));  // workers 0 and 1
  EXPECT_EQ(code_of(net.open(good, 2, 0)), "unknown_sealing_key");
  EXPECT_EQ(code_of(net.open(good, 2, 1)), "unknown_sealing_key");
}

TEST_F(HostileProxy, CannotGiveACandidateTheWrapOfAnother) {
  Carried bad = carry(net.seal(body));
  EXPECT_EQ(code_of(net.open(bad, 1, 0)), "unknown_sealing_key");
  std::swap(bad.wraps[0], bad.wraps[1]);
  EXPECT_EQ(code_of(net.open(bad, 0, 0)), "bad_wrap");
  EXPECT_EQ(code_of(net.open(bad, 1, 1)), "bad_wrap");
}

TEST_F(HostileProxy, CannotNameACandidateThatTheHeaderDoesNotHave) {
  const Carried good = carry(net.seal(body));
  const auto opened = open_request(good.header, good.wraps[0], 2, net.policy(), net.workers[0].keys,
                                   net.workers[0].replays, net.now.unix);
  EXPECT_EQ(code_of(opened), "wrong_candidate");
}

TEST_F(HostileProxy, CannotUseARequestThatWasSealedForAnotherProxy) {
  const Carried good = carry(net.seal(body));
  OpenPolicy policy = net.policy();
  policy.proxy.bytes[0] ^= 1;
  const auto opened = open_request(good.header, good.wraps[0], 0, policy, net.workers[0].keys,
                                   net.workers[0].replays, net.now.unix);
  EXPECT_EQ(code_of(opened), "wrong_proxy");
}

TEST_F(HostileProxy, CannotUseARequestOfAnotherNetwork) {
  const Carried good = carry(net.seal(body));
  OpenPolicy policy = net.policy();
  policy.network.bytes[0] ^= 1;
  const auto opened = open_request(good.header, good.wraps[0], 0, policy, net.workers[0].keys,
                                   net.workers[0].replays, net.now.unix);
  EXPECT_EQ(code_of(opened), "wrong_network");
}

TEST_F(HostileProxy, CannotReplayARequestToTheSameWorker) {
  const Carried good = carry(net.seal(body));
  EXPECT_TRUE(net.receive(good));
  EXPECT_EQ(code_of(net.receive(good)), "replayed_request");
  net.now.unix += Seconds(300) + limits::kClockSkew;
  EXPECT_EQ(code_of(net.receive(good)), "replayed_request");
  net.now.unix += Millis(1);
  EXPECT_EQ(code_of(net.receive(good)), "request_expired");
}

TEST_F(HostileProxy, CannotHoldARequestBackUntilTheReplayTableHasForgottenIt) {
  const Carried good = carry(net.seal(body));
  net.now.unix += Seconds(331);
  EXPECT_EQ(code_of(net.open(good, 0, 0)), "request_expired");
  EXPECT_EQ(net.workers[0].keys.setups(), 0u) << "and it costs the worker no public-key work";
}

TEST_F(HostileProxy, CannotFillTheReplayTableWithHeadersOfItsOwn) {
  Carried bad = carry(net.seal(body));
  RequestHeader header = decode_request_header(bad.header).value();
  for (int i = 0; i < 20; ++i) {
    header.request_id = net.random.array<16>();
    bad.header = encode_request_header(header).value();
    EXPECT_EQ(code_of(net.open(bad, 0, 0)), "bad_wrap");
  }
  EXPECT_EQ(net.workers[0].replays.size(), 0u);
}

TEST_F(HostileProxy, CannotCutReorderRepeatExtendOrAlterTheBody) {
  const std::string large(50'000, 'x');
  const Carried good = carry(net.seal(large));
  ASSERT_GE(good.chunks.size(), 4u);
  const auto refused = [&](auto change) {
    // Each attempt at a worker that has not seen the request.
    net.workers[0].replays = ReplayTable();
    Carried bad = good;
    change(bad.chunks);
    const auto received = net.receive(bad);
    return !received || !received->complete();
  };
  EXPECT_TRUE(refused([](auto& c) { c.pop_back(); })) << "last chunk cut";
  EXPECT_TRUE(refused([](auto& c) { c.erase(c.begin()); })) << "first chunk cut";
  EXPECT_TRUE(refused([](auto& c) { c.erase(c.begin() + 1); })) << "second chunk cut";
  EXPECT_TRUE(refused([](auto& c) { std::swap(c[1], c[2]); })) << "reordered";
  EXPECT_TRUE(refused([](auto& c) { c.insert(c.begin() + 1, c[1]); })) << "repeated";
  EXPECT_TRUE(refused([](auto& c) { c.push_back(c.back()); })) << "last repeated";
  EXPECT_TRUE(refused([](auto& c) { c.push_back(Bytes(100)); })) << "extended";
  EXPECT_TRUE(refused([](auto& c) { c[0].push_back(0); })) << "chunk extended";
  EXPECT_TRUE(refused([](auto& c) { c[0].pop_back(); })) << "chunk cut";
  EXPECT_TRUE(refused([](auto& c) { c[0].clear(); })) << "chunk emptied";
  for (std::size_t chunk = 0; chunk < good.chunks.size(); ++chunk) {
    for (std::size_t i = 0; i < good.chunks[chunk].size(); i += 997) {
      EXPECT_TRUE(refused([&](auto& c) { c[chunk][i] ^= 0x80; })) << chunk << " byte " << i;
    }
  }
  EXPECT_FALSE(refused([](auto&) {}));
}

TEST_F(HostileProxy, GetsNoByteOfAnIncompleteBodyOutOfTheWorker) {
  const Carried good = carry(net.seal(std::string(50'000, 'x')));
  RequestOpener opener = net.open(good, 0, 0).value();
  for (std::size_t i = 0; i + 1 < good.chunks.size(); ++i) {
    EXPECT_TRUE(opener.add_chunk(good.chunks[i]));
    EXPECT_FALSE(opener.complete());
    EXPECT_TRUE(opener.body().empty());
  }
}

TEST_F(HostileProxy, SeesTheSizeClassOnly) {
  const Carried a = carry(net.seal(std::string(1500, 'x')));
  const Carried b = carry(net.seal(std::string(1530, 'y')));
  EXPECT_EQ(a.header.size(), b.header.size());
  EXPECT_EQ(a.chunks.size(), b.chunks.size());
  EXPECT_EQ(a.chunks[0].size(), b.chunks[0].size());
  EXPECT_EQ(decode_request_header(a.header)->padded_body_length,
            decode_request_header(b.header)->padded_body_length);
}

// --- What a hostile client does ---

/// Seals `plaintext`, length prefix and padding included, as a client that does not keep the rules.
Carried seal_plaintext(Network& net, const Bytes& plaintext, std::uint64_t announced,
                       std::size_t cut_at = kMaxChunkPlaintext) {
  RequestHeader header = net.header();
  header.request_id = net.random.array<16>();
  header.candidates = {net.workers[0].keys.id()};
  header.padded_body_length = announced;
  Carried out{.header = encode_request_header(header).value()};
  const RequestHash hash = request_hash(out.header);
  crypto::Secret<kWrapSecretBytes> secrets;
  net.random.fill(secrets.writable());
  out.wraps.push_back(
      net.exporters.seal(net.workers[0].recipient(), hash, secrets, net.random, net.now).value());
  crypto::StreamSealer stream(
      crypto::hkdf_key(secrets.view().first<32>(), {}, {hash.view(), as_bytes("request")}));
  Bytes chunk(stream.header().begin(), stream.header().end());
  for (std::size_t at = 0; at < plaintext.size();) {
    const std::size_t size = std::min(cut_at, plaintext.size() - at);
    const bool last = at + size == plaintext.size();
    EXPECT_TRUE(stream.seal(ByteView(plaintext).subspan(at, size), {},
                            last ? crypto::Chunk::final : crypto::Chunk::more, chunk));
    out.chunks.push_back(std::exchange(chunk, {}));
    at += size;
  }
  return out;
}

Bytes padded(std::uint32_t length, std::size_t total) {
  Bytes out = ByteWriter().u32be(length).take();
  out.resize(total);
  return out;
}

TEST(HostileClient, CannotLieAboutTheBodysLength) {
  Network net;
  EXPECT_TRUE(net.receive(seal_plaintext(net, padded(10, 1024), 1024)));
  EXPECT_EQ(code_of(net.receive(seal_plaintext(net, padded(1021, 1024), 1024))), "bad_body_length");
  EXPECT_EQ(code_of(net.receive(seal_plaintext(net, padded(UINT32_MAX, 1024), 1024))),
            "bad_body_length");
  EXPECT_EQ(code_of(net.receive(seal_plaintext(net, padded(10, 1152), 1152))), "bad_body_length")
      << "a larger class than the body needs";
}

TEST(HostileClient, CannotSendMoreOrLessThanAnnounced) {
  Network net;
  EXPECT_EQ(code_of(net.receive(seal_plaintext(net, padded(10, 1024), 1152))), "bad_body_chunk");
  EXPECT_EQ(code_of(net.receive(seal_plaintext(net, padded(1100, 1152), 1024))), "bad_body_chunk");
  const std::size_t two = request_class(kMaxChunkPlaintext + 1);
  EXPECT_EQ(code_of(net.receive(seal_plaintext(net, padded(10, kMaxChunkPlaintext), two))),
            "bad_body_length")
      << "final before the end";
  EXPECT_EQ(code_of(net.receive(seal_plaintext(net, padded(10, two), two, 1000))), "bad_body_chunk")
      << "cut otherwise";
}

TEST(HostileClient, CannotHideAnythingInThePadding) {
  Network net;
  Bytes plaintext = padded(10, 1024);
  plaintext.back() = 1;
  EXPECT_EQ(code_of(net.receive(seal_plaintext(net, plaintext, 1024))), "bad_body_length");
}

TEST(HostileClient, CannotMakeTheWorkerHoldMoreThanItsLimit) {
  Network net;
  const Carried large = carry(net.seal(std::string(200'000, 'x')));
  OpenPolicy policy = net.policy();
  policy.max_body_bytes = 100'000;
  const auto opened = open_request(large.header, large.wraps[0], 0, policy, net.workers[0].keys,
                                   net.workers[0].replays, net.now.unix);
  EXPECT_EQ(code_of(opened), "request_too_large");
  EXPECT_EQ(opened.error().kind(), ErrorKind::too_large);
}

TEST(HostileClient, CannotAskToBeRememberedForLong) {
  Network net;
  const auto opened_at = [&](Seconds ahead) {
    RequestHeader header = net.header();
    header.not_after = net.now.unix + ahead;
    const Recipient recipient = net.workers[0].recipient();
    auto request =
        seal_request(header, std::span(&recipient, 1), {}, net.exporters, net.random, net.now);
    return code_of(net.open(carry(*request), 0, 0));
  };
  EXPECT_EQ(opened_at(limits::kMaxNotAfter + limits::kClockSkew), "none");
  EXPECT_EQ(opened_at(limits::kMaxNotAfter + limits::kClockSkew + Seconds(1)), "not_after_too_far");
}

// --- Honest use ---

TEST(SealedRequest, EveryCandidateGetsTheWholeBodyAndItsOwnAnswerKey) {
  Network net;
  const std::string body = R"({"model":"demo@1"})";
  const SealedRequest request = net.seal(body, 3);
  const Carried carried = carry(request);
  ASSERT_EQ(carried.wraps.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto opener = net.receive(carried, i, i);
    ASSERT_TRUE(opener) << opener.error().detail();
    EXPECT_TRUE(opener->complete());
    EXPECT_EQ(as_text(opener->body()), body);
    EXPECT_EQ(opener->hash(), request.hash());
    EXPECT_EQ(opener->candidate(), i);
    EXPECT_EQ(opener->body_digest(), crypto::sha256(as_bytes(body)));
    AnswerSealer sealer = opener->answer(RunId{{1}});
    sealer.add_head({.status = 200});
    Bytes chunk;
    sealer.flush(chunk);
    for (std::size_t j = 0; j < 3; ++j) {
      EXPECT_EQ(request.answer(j).open(chunk).has_value(), i == j) << i << " " << j;
    }
  }
}

TEST(SealedRequest, BodiesOfAllSizesArrive) {
  Network net;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1020},
                                 std::size_t{1021}, kMaxChunkPlaintext - 4, kMaxChunkPlaintext - 3,
                                 3 * kMaxChunkPlaintext, std::size_t{1'000'000}}) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 31);
    const Carried carried = carry(net.seal(body));
    for (const Bytes& chunk : carried.chunks) EXPECT_LE(chunk.size(), limits::kMaxDataBytes);
    const auto opener = net.receive(carried);
    ASSERT_TRUE(opener) << size << ": " << opener.error().detail();
    EXPECT_EQ(as_text(opener->body()), body);
  }
}

TEST(SealedRequest, ABodyOverTheHighestLimitIsRefusedBeforeSealing) {
  Network net;
  const auto request = net.try_seal(std::string(limits::kHighestMaxRequestBytes + 1, 'x'));
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().kind(), ErrorKind::too_large);
}

TEST(SealedRequest, NeedsOneToThreeDifferentCandidates) {
  Network net;
  EXPECT_FALSE(net.try_seal("x", 0));
  const std::vector<Recipient> twice(2, net.workers[0].recipient());
  const auto request = seal_request(net.header(), twice, {}, net.exporters, net.random, net.now);
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code(), "bad_request_header");
  EXPECT_EQ(net.exporters.setups(), 0u);
}

TEST(SealedRequest, DrawsItsIdAndKeepsAGivenOne) {
  Network net;
  const auto id_of = [](const SealedRequest& request) {
    return decode_request_header(request.header())->request_id;
  };
  EXPECT_NE(id_of(net.seal("x")), id_of(net.seal("x")));
  RequestHeader header = net.header();
  header.request_id = {1, 2, 3};
  const Recipient recipient = net.workers[0].recipient();
  const auto request =
      seal_request(header, std::span(&recipient, 1), {}, net.exporters, net.random, net.now);
  EXPECT_EQ(id_of(*request), header.request_id);
}

TEST(SealedRequest, AThousandRequestsCostOneKeyAgreementPerWorker) {
  Network net;
  for (std::uint32_t i = 0; i < limits::kMaxExporterUses; ++i) {
    ASSERT_TRUE(net.receive(carry(net.seal("x", 2)), i % 2, i % 2));
  }
  EXPECT_EQ(net.exporters.setups(), 2u);
  EXPECT_EQ(net.workers[0].keys.setups(), 1u);
  EXPECT_EQ(net.workers[1].keys.setups(), 1u);
  net.seal("x", 2);
  EXPECT_EQ(net.exporters.setups(), 4u);
}

}  // namespace
}  // namespace cocoon
