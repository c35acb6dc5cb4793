/// The vectors of docs/protocol.md for sealed requests and answers: made here step by step from the
/// text (not with the code under test, where that is possible), checked in, and opened from the
/// file alone by the product's code. COCOON_WRITE_VECTORS=1 writes them.

#include <gtest/gtest.h>
#include <sodium/crypto_secretstream_xchacha20poly1305.h>

#include "crypto/hash.h"
#include "crypto/hpke.h"
#include "unit/session/fixtures.h"
#include "unit/session/vector_file.h"
#include "unit/wire/samples.h"

namespace cocoon {
namespace {

using namespace session;
using namespace test;

/// secretstream with a given header, which libsodium's own sealing side would draw: both sides set
/// up the same state.
class FixedStream {
 public:
  FixedStream(const crypto::Secret<32>& key, const crypto::StreamHeader& header) {
    crypto_secretstream_xchacha20poly1305_init_pull(&state_, header.data(), key.view().data());
  }
  Bytes seal(ByteView plaintext, bool last) {
    Bytes out(plaintext.size() + crypto::kStreamChunkOverhead);
    crypto_secretstream_xchacha20poly1305_push(
        &state_, out.data(), nullptr, plaintext.data(), plaintext.size(), nullptr, 0,
        last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
    return out;
  }

 private:
  crypto_secretstream_xchacha20poly1305_state state_{};
};

/// Gives the byte strings that it was made with, in turn.
class ScriptedRandom final : public Random {
 public:
  explicit ScriptedRandom(std::vector<Bytes> script) : script_(std::move(script)) {}
  void fill(std::span<std::uint8_t> out) override {
    ASSERT_LT(at_, script_.size());
    ASSERT_EQ(out.size(), script_[at_].size());
    std::copy(script_[at_].begin(), script_[at_].end(), out.begin());
    ++at_;
  }

 private:
  std::vector<Bytes> script_;
  std::size_t at_ = 0;
};

template <std::size_t N>
Bytes seq(std::uint8_t first) {
  return to_bytes(filled<N>(first));
}

const UnixTime kTime = unix_seconds(1'700'000'000);
const Now kNow{MonoTime{}, kTime};
const NetworkId kNetwork{filled<16>(0x01)};
const AccountId kProxy{filled<32>(0x11)};
const RunId kVectorRun{filled<16>(0xe0)};
constexpr std::string_view kBody =
    R"({"model":"demo@1","messages":[{"role":"user","content":"Hello"}],"stream":true})";

const Bytes kContentKey = seq<32>(0x31);
const std::vector<Bytes> kAnswerKeys = {seq<32>(0x41), seq<32>(0x51)};
const std::vector<Bytes> kEphemerals = {seq<32>(0x61), seq<32>(0x71)};
const std::vector<Bytes> kSealingSecrets = {seq<32>(0x81), seq<32>(0x91)};

crypto::X25519Key key_of(const Bytes& secret) {
  return crypto::X25519Key::from_secret(std::span<const std::uint8_t, 32>(secret.data(), 32));
}
crypto::Secret<32> secret_of(const Bytes& bytes) {
  return crypto::Secret<32>(std::span<const std::uint8_t, 32>(bytes.data(), 32));
}

RequestHeader header() {
  return {.network = kNetwork,
          .proxy = kProxy,
          .request_id = filled<16>(0x21),
          .endpoint = Endpoint::chat_completions,
          .model = "demo@1",
          .max_output_tokens = 4096,
          .prompt_bound_tokens = 1280,
          .choices = 1,
          .cost_cap = Nano{5'000'000},
          .registry_version = 7,
          .max_coefficient_e3 = 1500,
          .not_after = kTime + Seconds(300)};
}

/// What the product makes of the fixed inputs; all of it but the body's chunks is determined.
SealedRequest sealed() {
  std::vector<Recipient> recipients;
  for (const Bytes& secret : kSealingSecrets) {
    recipients.push_back({key_of(secret).public_key(), kTime + Seconds(3600)});
  }
  ScriptedRandom random(
      {kContentKey, kAnswerKeys[0], kEphemerals[0], kAnswerKeys[1], kEphemerals[1]});
  ExporterCache exporters(kNetwork);
  return seal_request(header(), recipients, as_bytes(kBody), exporters, random, kNow).value();
}

void write_header(VectorWriter& out, const SealedRequest& request) {
  const RequestHeader fields = decode_request_header(request.header()).value();
  out.object("header")
      .hex("network", fields.network.view())
      .hex("proxy", fields.proxy.view())
      .hex("request_id", fields.request_id)
      .number("endpoint", static_cast<std::uint64_t>(fields.endpoint))
      .number("max_output_tokens", fields.max_output_tokens)
      .number("prompt_bound_tokens", fields.prompt_bound_tokens)
      .number("choices", fields.choices)
      .number("cost_cap", fields.cost_cap.value)
      .number("registry_version", fields.registry_version)
      .number("max_coefficient_e3", fields.max_coefficient_e3)
      .number("not_after", to_unix_seconds(fields.not_after))
      .number("padded_body_length", fields.padded_body_length)
      .text("model", fields.model)
      .end();
  out.hex("header_bytes", request.header()).hex("h", request.hash().view());
}

void write_wraps(VectorWriter& out, const SealedRequest& request) {
  const Bytes info =
      ByteWriter().bytes(as_bytes("cocoon-wrap-v1")).u8(0).bytes(kNetwork.view()).take();
  out.hex("hpke_info", info).hex("content_key", kContentKey).array("wraps");
  for (std::size_t i = 0; i < kSealingSecrets.size(); ++i) {
    const crypto::X25519Key worker = key_of(kSealingSecrets[i]);
    const auto sender =
        crypto::hpke_sender(worker.public_key(), info, key_of(kEphemerals[i])).value();
    Bytes context = to_bytes(as_bytes("wrap"));
    append(context, request.hash().view());
    out.object()
        .hex("sealing_secret", kSealingSecrets[i])
        .hex("sealing_public", worker.public_key())
        .hex("sealing_key_id", crypto::sha256(worker.public_key()))
        .hex("ephemeral_secret", kEphemerals[i])
        .hex("enc", sender.enc)
        .hex("wrap_key", sender.context.exporter().key(context).view())
        .hex("answer_key", kAnswerKeys[i])
        .hex("wrap", request.wraps()[i])
        .end();
  }
  out.end();
}

std::string make_request() {
  const SealedRequest request = sealed();
  VectorWriter out;
  out.object().number("now", to_unix_seconds(kTime));
  write_header(out, request);
  write_wraps(out, request);
  // The body by hand: the product draws its stream header.
  Bytes plaintext =
      ByteWriter().u32be(static_cast<std::uint32_t>(kBody.size())).bytes(as_bytes(kBody)).take();
  plaintext.resize(1024);
  const crypto::Secret<32> key =
      crypto::hkdf_key(kContentKey, {}, {request.hash().view(), as_bytes("request")});
  const crypto::StreamHeader stream_header = filled<24>(0xa1);
  Bytes chunk(stream_header.begin(), stream_header.end());
  append(chunk, FixedStream(key, stream_header).seal(plaintext, true));
  out.text("body", kBody)
      .hex("body_digest", crypto::sha256(as_bytes(kBody)))
      .hex("padded_plaintext", plaintext)
      .hex("body_key", key.view())
      .hex("stream_header", stream_header)
      .array("chunks")
      .hex("", chunk)
      .end();
  return out.end().take();
}

std::string make_answer() {
  const SealedRequest request = sealed();
  const auto derive = [&](std::string_view purpose) {
    return crypto::hkdf_key(kAnswerKeys[0], {},
                            {request.hash().view(), kVectorRun.view(), as_bytes(purpose)});
  };
  const crypto::Secret<32> stream_key = derive("answer");
  const crypto::Secret<32> commit_key = derive("commit");
  const crypto::StreamHeader stream_header = filled<24>(0xc1);
  FixedStream stream(stream_key, stream_header);
  const auto record = [](std::uint8_t type, ByteView content) {
    return ByteWriter()
        .u8(type)
        .u16be(static_cast<std::uint16_t>(content.size()))
        .bytes(content)
        .take();
  };
  const std::string_view type = "text/event-stream";
  const std::string_view said[] = {"data: {\"choices\":[]}\n\n", "data: [DONE]\n\n"};
  Bytes first = record(1, ByteWriter().u16be(200).bytes(as_bytes(type)).take());
  append(first, record(2, as_bytes(said[0])));
  Bytes second = record(2, as_bytes(said[1]));
  append(second, record(4, as_bytes("a signed receipt")));
  first.resize(320);
  second.resize(320);
  Bytes chunk(kVectorRun.bytes.begin(), kVectorRun.bytes.end());
  append(chunk, stream_header);
  append(chunk, stream.seal(first, false));
  Bytes transcript = ByteWriter()
                         .u16be(200)
                         .u8(static_cast<std::uint8_t>(type.size()))
                         .bytes(as_bytes(type))
                         .take();
  for (const std::string_view text : said) append(transcript, as_bytes(text));

  VectorWriter out;
  out.object()
      .hex("h", request.hash().view())
      .hex("answer_key", kAnswerKeys[0])
      .hex("run_id", kVectorRun.view())
      .hex("stream_key", stream_key.view())
      .hex("stream_header", stream_header);
  out.array("plaintexts").hex("", first).hex("", second).end();
  out.array("chunks").hex("", chunk).hex("", stream.seal(second, true)).end();
  out.number("status", 200)
      .text("content_type", type)
      .text("body", std::string(said[0]) + std::string(said[1]))
      .text("receipt", "a signed receipt")
      .hex("commit_key", commit_key.view())
      .hex("request_digest", crypto::sha256(as_bytes(kBody)))
      .hex("request_commitment",
           crypto::hmac_sha256(commit_key.view(), crypto::sha256(as_bytes(kBody))))
      .hex("answer_transcript", transcript)
      .hex("answer_digest", crypto::sha256(transcript))
      .hex("answer_commitment", crypto::hmac_sha256(commit_key.view(), crypto::sha256(transcript)));
  return out.end().take();
}

std::string make_size_classes() {
  VectorWriter out;
  out.object().array("request");
  for (const std::uint64_t n :
       {1ull, 1024ull, 1025ull, 1152ull, 1153ull, 2047ull, 2048ull, 2049ull, 5004ull, 16320ull,
        16384ull, 16385ull, 1000004ull, 8388612ull, 33554436ull}) {
    out.raw("", "[" + std::to_string(n) + ", " + std::to_string(request_class(n)) + "]");
  }
  out.end().array("answer");
  for (const std::size_t n :
       {1, 131, 259, 320, 321, 640, 641, 1281, 2561, 5121, 10240, 10241, 16320}) {
    out.raw("", "[" + std::to_string(n) + ", " + std::to_string(answer_class(n)) + "]");
  }
  return out.end().end().take();
}

TEST(SealedVectors, OfRequestsAreWhatThisLibraryMakes) {
  expect_checked_in("sealed_request.json", make_request());
}
TEST(SealedVectors, OfAnswersAreWhatTheTextSays) {
  expect_checked_in("sealed_answer.json", make_answer());
}
TEST(SealedVectors, OfSizeClassesAreWhatThisLibraryMakes) {
  expect_checked_in("size_classes.json", make_size_classes());
}

/// The worker whose sealing key is `secret`, and what it makes of the vector.
Result<RequestOpener> open_vector(json::Value vector, std::uint8_t candidate) {
  const json::Value header = vector.find("header");
  json::Value wrap;
  std::uint8_t index = 0;
  for (const json::Value each : vector.find("wraps").elements()) {
    if (index++ == candidate) wrap = each;
  }
  const Now now{MonoTime{}, unix_seconds(number_of(vector, "now"))};
  const NetworkId network{array_of<16>(header, "network")};
  ScriptedRandom random({hex_of(wrap, "sealing_secret")});
  SealingKeys keys(network, random, now);
  EXPECT_EQ(keys.id().bytes, (array_of<32>(wrap, "sealing_key_id")));
  ReplayTable replays;
  const OpenPolicy policy{.network = network, .proxy = {array_of<32>(header, "proxy")}};
  COCOON_TRY(RequestOpener opener,
             open_request(hex_of(vector, "header_bytes"), hex_of(wrap, "wrap"), candidate, policy,
                          keys, replays, now.unix));
  for (const json::Value chunk : vector.find("chunks").elements()) {
    COCOON_CHECK(opener.add_chunk(from_hex(chunk.as_string().value_or("")).value()));
  }
  return opener;
}

TEST(SealedVectors, OfRequestsOpenFromTheFileAlone) {
  const VectorReader file("sealed_request.json");
  for (std::uint8_t candidate = 0; candidate < 2; ++candidate) {
    const auto opener = open_vector(file.root(), candidate);
    ASSERT_TRUE(opener) << opener.error().detail();
    EXPECT_EQ(as_text(opener->body()), text_of(file.root(), "body"));
    EXPECT_EQ(opener->hash().bytes, (array_of<32>(file.root(), "h")));
    EXPECT_EQ(opener->header().cost_cap.value, number_of(file.root().find("header"), "cost_cap"));
    EXPECT_EQ(opener->header().model, text_of(file.root().find("header"), "model"));
  }
}

TEST(SealedVectors, OfAnswersOpenFromTheFileAlone) {
  const VectorReader file("sealed_answer.json");
  const json::Value vector = file.root();
  AnswerOpener opener({array_of<32>(vector, "h")}, secret_of(hex_of(vector, "answer_key")),
                      array_of<32>(vector, "request_digest"));
  std::string body;
  Bytes receipt;
  for (const json::Value chunk : vector.find("chunks").elements()) {
    const Bytes bytes = from_hex(chunk.as_string().value_or("")).value();
    const auto part = opener.open(bytes);
    ASSERT_TRUE(part) << part.error().detail();
    if (part->head) {
      EXPECT_EQ(part->head->status, number_of(vector, "status"));
      EXPECT_EQ(part->head->content_type, text_of(vector, "content_type"));
    }
    body += as_text(part->body);
    receipt = to_bytes(part->receipt);
  }
  EXPECT_TRUE(opener.check_complete());
  EXPECT_EQ(body, text_of(vector, "body"));
  EXPECT_EQ(as_text(receipt), text_of(vector, "receipt"));
  EXPECT_EQ(opener.run_id().bytes, (array_of<16>(vector, "run_id")));
  EXPECT_EQ(opener.commitments().request, (array_of<32>(vector, "request_commitment")));
  EXPECT_EQ(opener.commitments().answer, (array_of<32>(vector, "answer_commitment")));
}

}  // namespace
}  // namespace cocoon
