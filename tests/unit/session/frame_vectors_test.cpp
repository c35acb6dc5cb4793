/// The vectors of docs/protocol.md for frames and the directory: made here, checked in, and read
/// back from the file alone. COCOON_WRITE_VECTORS=1 writes them.

#include <gtest/gtest.h>

#include "attest/challenge.h"
#include "codec/msgpack.h"
#include "crypto/ed25519.h"
#include "crypto/merkle.h"
#include "unit/session/vector_file.h"
#include "unit/wire/samples.h"
#include "wire/codec.h"
#include "wire/frame_splitter.h"
#include "wire/records.h"

namespace cocoon {
namespace {

using namespace test;
using msgpack::Reader;

/// One msgpack value as JSON; a bin is a string "h:" and its hex.
std::string as_json(Reader& reader, ByteView whole) {
  const std::uint8_t lead = whole[reader.position()];
  if (lead == 0xc0) {
    reader.nil();
    return "null";
  }
  if (lead == 0xc2 || lead == 0xc3) return reader.boolean() ? "true" : "false";
  if (lead >= 0xc4 && lead <= 0xc6) return "\"h:" + to_hex(reader.bin()) + "\"";
  if ((lead & 0xe0u) == 0xa0 || (lead >= 0xd9 && lead <= 0xdb)) {
    json::Writer quoted;
    quoted.string(reader.str());
    return quoted.take();
  }
  if ((lead & 0xf0u) == 0x90 || lead == 0xdc || lead == 0xdd) {
    std::string out = "[";
    const std::uint32_t size = reader.array();
    for (std::uint32_t i = 0; i < size; ++i) out += (i ? ", " : "") + as_json(reader, whole);
    return out + "]";
  }
  return std::to_string(reader.u64());
}

std::string make_frames() {
  VectorWriter out;
  out.array();
  for (const wire::Message& sample : samples()) {
    Bytes frame;
    wire::encode(frame, sample);
    const ByteView body = ByteView(frame).subspan(wire::kFramePrefixBytes);
    Reader reader(body);
    const std::string array = as_json(reader, body);
    Reader type(body);
    type.array();
    out.object()
        .text("type", to_string(static_cast<wire::FrameType>(type.u64())))
        .raw("array", array)
        .hex("frame", frame)
        .end();
  }
  return out.end().take();
}

struct Refused {
  std::string why;
  std::string frame;
  std::string code;
};

std::string times(int count, const std::string& text) {
  std::string out;
  while (count-- > 0) out += text;
  return out;
}

/// A bin of 32 zeros.
const std::string kHash = "c420" + times(32, "00");

/// Frames, without their prefix, that every implementation must refuse.
const std::vector<Refused> kRefused = {
    {"no array", "07", "bad_frame"},
    {"the byte that msgpack never uses", "c1", "bad_frame"},
    {"an array cut after its head", "93", "bad_frame"},
    {"a type that version 1 does not have", "920b00", "unknown_frame_type"},
    {"ping with a field too many", "94070001c0", "bad_frame"},
    {"ping without its value", "920700", "bad_frame"},
    {"ping on a stream", "93070101", "bad_frame"},
    {"ping with a negative value", "930700ff", "bad_frame"},
    {"ping with a float", "930700ca3f800000", "bad_frame"},
    {"ping and a byte more", "9307000100", "bad_frame"},
    {"data without a byte of payload", "940305c400c0", "bad_frame"},
    {"data on stream 0", "940300c40101c0", "bad_frame"},
    {"data whose payload is a string", "940305a101c0", "bad_frame"},
    {"data whose mark has three counts", "940305c4010193010203", "bad_frame"},
    {"credit of nothing", "93060500", "bad_frame"},
    {"credit of 2^31", "930605ce80000000", "bad_frame"},
    {"accepted by a fourth candidate", "940a050300", "bad_frame"},
    {"accepted without its prompt tokens", "930a0502", "bad_frame"},
    {"an error kind that does not exist", "9806050ea16300000000", "bad_frame"},
    {"a reason that is not UTF-8", "960900a1ffa0c200", "bad_frame"},
    {"challenge with a nonce of 31 bytes", "931d00c41f" + times(31, "00"), "bad_frame"},
    {"challenge on a stream", "931d01" + kHash, "bad_frame"},
    {"an answer in a tree without leaves", "971e00" + kHash + "000090" + kHash, "bad_frame"},
    {"an answer at a place behind the last leaf", "971e00" + kHash + "030390" + kHash, "bad_frame"},
    {"an answer in a tree that is too large", "971e00" + kHash + "ce001000010090" + kHash,
     "bad_frame"},
    {"an answer with a path of 21 hashes",
     "971e00" + kHash + "0300dc0015" + times(21, kHash) + kHash, "bad_frame"},
    {"an array that claims 2^32-1 elements", "ddffffffff0300", "bad_frame"},
};

std::string make_refused() {
  VectorWriter out;
  out.array();
  for (const Refused& refused : kRefused) {
    out.object()
        .text("why", refused.why)
        .text("body", refused.frame)
        .text("code", refused.code)
        .end();
  }
  return out.end().take();
}

std::string make_directory() {
  VectorWriter out;
  const ByteArray<32> worker_seed = filled<32>(0x50);
  const ByteArray<32> proxy_seed = filled<32>(0x70);
  const auto worker = crypto::SigningKey::from_seed(worker_seed);
  const auto proxy = crypto::SigningKey::from_seed(proxy_seed);
  const wire::WorkerRecord record{.network = {filled<16>(1)},
                                  .account = {filled<32>(2)},
                                  .boot_key = worker.boot_key_id(),
                                  .evidence = {filled<32>(4)},
                                  .sealing_key = filled<32>(5),
                                  .not_before = unix_seconds(1'700'000'000),
                                  .not_after = unix_seconds(1'700'010'800),
                                  .coefficient_e3 = 900,
                                  .capacity = 16,
                                  .models = {"demo@1", "llama-3.1-8b@4f2c"}};
  const Bytes bytes = wire::encode_worker_record(record).value();
  const auto signature = worker.sign(wire::worker_record_signing_bytes(bytes));
  const Hash leaf = crypto::merkle_leaf(wire::directory_leaf({bytes, signature}));
  const crypto::MerkleTree tree(
      {crypto::merkle_leaf(as_bytes("0")), leaf, crypto::merkle_leaf(as_bytes("2"))});
  const UnixTime time = unix_seconds(1'700'000'060);
  const Bytes root_bytes = wire::directory_root_signing_bytes(record.network, tree.root(), 3, time);
  out.object().object("worker_record");
  out.hex("network", record.network.view())
      .hex("account", record.account.view())
      .hex("boot_seed", worker_seed)
      .hex("boot_key", record.boot_key.view())
      .hex("evidence", record.evidence.view())
      .hex("sealing_key", record.sealing_key)
      .number("not_before", to_unix_seconds(record.not_before))
      .number("not_after", to_unix_seconds(record.not_after))
      .number("coefficient_e3", record.coefficient_e3)
      .number("capacity", record.capacity)
      .raw("models", R"(["demo@1", "llama-3.1-8b@4f2c"])")
      .hex("record", bytes)
      .hex("signing_bytes", wire::worker_record_signing_bytes(bytes))
      .hex("signature", signature)
      .end();
  out.object("root")
      .hex("boot_seed", proxy_seed)
      .hex("boot_key", proxy.public_key())
      .hex("leaf_hash", leaf)
      .number("index", 1)
      .number("leaves", 3)
      .array("path");
  for (const Hash& hash : tree.path(1)) out.hex("", hash);
  out.end()
      .hex("root", tree.root())
      .number("root_time", to_unix_seconds(time))
      .hex("signing_bytes", root_bytes)
      .hex("signature", proxy.sign(root_bytes))
      .end();
  return out.end().take();
}

std::string make_challenge() {
  VectorWriter out;
  const attest::ChallengeFacts facts{attest::EvidenceRole::worker, filled<32>(0x10),
                                     filled<32>(0x30), filled<32>(0x50), filled<32>(0x70)};
  attest::ChallengeFacts other = facts;
  other.answers = attest::EvidenceRole::proxy;
  const Hash leaf = attest::challenge_leaf(facts);
  const crypto::MerkleTree tree({filled<32>(1), leaf, filled<32>(2)});
  out.object()
      .hex("nonce", facts.nonce)
      .hex("exporter", facts.exporter)
      .hex("proxy_leaf_sha256", facts.proxy_leaf)
      .hex("worker_leaf_sha256", facts.worker_leaf)
      .hex("leaf_hash_worker_answers", leaf)
      .hex("leaf_hash_proxy_answers", attest::challenge_leaf(other))
      .number("index", 1)
      .number("leaves", 3)
      .array("path");
  for (const Hash& hash : tree.path(1)) out.hex("", hash);
  out.end()
      .hex("root", tree.root())
      .hex("report_data", attest::challenge_report_data(tree.root(), 3))
      .end();
  return out.take();
}

TEST(ChallengeVectors, AreWhatThisLibraryMakes) {
  expect_checked_in("challenge.json", make_challenge());
}

TEST(ChallengeVectors, VerifyFromTheFileAlone) {
  const VectorReader file("challenge.json");
  const json::Value root = file.root();
  const auto leaf = [&](attest::EvidenceRole answers) {
    return attest::challenge_leaf(
        {answers, array_of<32>(root, "nonce"), array_of<32>(root, "exporter"),
         array_of<32>(root, "proxy_leaf_sha256"), array_of<32>(root, "worker_leaf_sha256")});
  };
  EXPECT_EQ(leaf(attest::EvidenceRole::worker), array_of<32>(root, "leaf_hash_worker_answers"));
  EXPECT_EQ(leaf(attest::EvidenceRole::proxy), array_of<32>(root, "leaf_hash_proxy_answers"));
  std::vector<Hash> path;
  for (const json::Value hash : root.find("path").elements()) {
    path.push_back(array_from_hex<32>(hash.as_string().value_or("")).value());
  }
  const Hash top = array_of<32>(root, "root");
  EXPECT_TRUE(crypto::verify_merkle_path(leaf(attest::EvidenceRole::worker),
                                         number_of(root, "index"), number_of(root, "leaves"), path,
                                         top));
  EXPECT_EQ(attest::challenge_report_data(top, 3), array_of<64>(root, "report_data"));
}

TEST(FrameVectors, AreWhatThisLibraryMakes) {
  expect_checked_in("frames.json", make_frames());
}

TEST(FrameVectors, OfRefusedFramesAreWhatThisTestSays) {
  expect_checked_in("refused_frames.json", make_refused());
}

TEST(DirectoryVectors, AreWhatThisLibraryMakes) {
  expect_checked_in("directory.json", make_directory());
}

TEST(FrameVectors, DecodeAndEncodeToTheSameBytes) {
  const VectorReader file("frames.json");
  EXPECT_GE(file.root().size(), 30u);
  for (const json::Value vector : file.root().elements()) {
    const Bytes frame = hex_of(vector, "frame");
    const auto message = wire::decode(ByteView(frame).subspan(wire::kFramePrefixBytes));
    ASSERT_TRUE(message) << message.error().detail();
    Bytes again;
    wire::encode(again, *message);
    EXPECT_EQ(again, frame);
  }
}

TEST(FrameVectors, OfRefusedFramesAreRefused) {
  const VectorReader file("refused_frames.json");
  EXPECT_GE(file.root().size(), 20u);
  for (const json::Value vector : file.root().elements()) {
    const auto message = wire::decode(hex_of(vector, "body"));
    ASSERT_FALSE(message) << text_of(vector, "why");
    EXPECT_EQ(message.error().code(), text_of(vector, "code")) << text_of(vector, "why");
  }
}

TEST(DirectoryVectors, VerifyFromTheFileAlone) {
  const VectorReader file("directory.json");
  const json::Value vector = file.root().find("worker_record");
  const Bytes bytes = hex_of(vector, "record");
  const auto record = wire::decode_worker_record(bytes);
  ASSERT_TRUE(record) << record.error().detail();
  EXPECT_EQ(record->account.bytes, array_of<32>(vector, "account"));
  EXPECT_EQ(record->sealing_key, array_of<32>(vector, "sealing_key"));
  EXPECT_EQ(record->capacity, number_of(vector, "capacity"));
  const Bytes signature = hex_of(vector, "signature");
  EXPECT_TRUE(
      crypto::verify(record->boot_key.view(), wire::worker_record_signing_bytes(bytes), signature));
  const json::Value root = file.root().find("root");
  std::vector<Hash> path;
  for (const json::Value hash : root.find("path").elements()) {
    path.push_back(array_from_hex<32>(hash.as_string().value_or("")).value());
  }
  const Hash leaf = crypto::merkle_leaf(wire::directory_leaf({bytes, signature}));
  EXPECT_EQ(leaf, (array_of<32>(root, "leaf_hash")));
  const Hash root_hash = array_of<32>(root, "root");
  EXPECT_TRUE(crypto::verify_merkle_path(leaf, number_of(root, "index"), number_of(root, "leaves"),
                                         path, root_hash));
  EXPECT_TRUE(
      crypto::verify(hex_of(root, "boot_key"),
                     wire::directory_root_signing_bytes(record->network, root_hash, 3,
                                                        unix_seconds(number_of(root, "root_time"))),
                     hex_of(root, "signature")));
}

}  // namespace
}  // namespace cocoon
