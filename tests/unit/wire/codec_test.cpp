#include "wire/codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "codec/msgpack.h"
#include "unit/wire/samples.h"
#include "wire/frame_splitter.h"

namespace cocoon {
namespace {

using namespace wire;
using msgpack::Writer;
using test::samples;

Bytes encoded(const Message& message) {
  Bytes out;
  encode(out, message);
  return out;
}

/// The frame without its length prefix.
ByteView body_of(const Bytes& frame) {
  return ByteView(frame).subspan(kFramePrefixBytes);
}

/// The elements of a frame's array, type and stream included, as raw msgpack.
std::vector<Bytes> elements_of(ByteView body) {
  msgpack::Reader reader(body);
  std::vector<Bytes> out(reader.array());
  for (Bytes& element : out) element = to_bytes(reader.raw());
  EXPECT_TRUE(reader.finish("sample"));
  return out;
}

Bytes frame_of(const std::vector<Bytes>& elements) {
  Writer out;
  out.array(static_cast<std::uint32_t>(elements.size()));
  for (const Bytes& element : elements) out.raw(element);
  return out.take();
}

std::string type_name(ByteView body) {
  msgpack::Reader reader(body);
  reader.array();
  return std::string(to_string(static_cast<FrameType>(reader.u64())));
}

void expect_bad(ByteView body, std::string_view mentions) {
  const Result<Message> message = decode(body);
  ASSERT_FALSE(message) << "frame of type " << type_name(body);
  EXPECT_EQ(message.error().kind(), ErrorKind::protocol);
  EXPECT_EQ(message.error().code(), "bad_frame");
  EXPECT_NE(message.error().detail().find(mentions), std::string::npos)
      << message.error().detail() << " should mention " << mentions;
}

TEST(Codec, EveryPrefixOfAFrameIsRefused) {
  for (const Message& sample : samples()) {
    const Bytes frame = encoded(sample);
    const ByteView body = body_of(frame);
    for (std::size_t n = 0; n < body.size(); ++n) {
      EXPECT_FALSE(decode(body.first(n))) << type_name(body) << " cut to " << n;
    }
  }
}

TEST(Codec, AFieldTooFewOrTooManyIsRefused) {
  for (const Message& sample : samples()) {
    const Bytes frame = encoded(sample);
    std::vector<Bytes> elements = elements_of(body_of(frame));
    elements.push_back({0xc0});
    expect_bad(frame_of(elements), type_name(body_of(frame)));
    elements.resize(elements.size() - 2);
    expect_bad(frame_of(elements), type_name(body_of(frame)));
  }
}

TEST(Codec, BytesAfterTheArrayAreRefused) {
  for (const Message& sample : samples()) {
    Bytes frame = encoded(sample);
    frame.push_back(0xc0);
    expect_bad(body_of(frame), "end of the frame");
  }
}

TEST(Codec, AFieldOfAnotherTypeIsRefused) {
  const std::vector<Bytes> strangers = {{0xff},               // -1
                                        {0xca, 0, 0, 0, 0},   // a float
                                        {0x80},               // an empty map
                                        {0xc4, 0x01, 0x00}};  // a bin of one byte
  for (const Message& sample : samples()) {
    const Bytes frame = encoded(sample);
    const std::vector<Bytes> elements = elements_of(body_of(frame));
    for (std::size_t i = 0; i < elements.size(); ++i) {
      for (const Bytes& stranger : strangers) {
        if (elements[i].front() == 0xc4 && stranger.front() == 0xc4) continue;  // may be as good
        std::vector<Bytes> changed = elements;
        changed[i] = stranger;
        const Bytes body = frame_of(changed);
        EXPECT_FALSE(decode(body)) << type_name(body_of(frame)) << " field " << i;
      }
    }
  }
}

TEST(Codec, AnyFlippedBitIsDecodedOrRefusedButNeverMisreadsMemory) {
  for (const Message& sample : samples()) {
    const Bytes frame = encoded(sample);
    for (std::size_t i = 0; i < 8 * body_of(frame).size(); ++i) {
      Bytes changed = to_bytes(body_of(frame));
      changed[i / 8] ^= static_cast<std::uint8_t>(1u << (i % 8));
      const Result<Message> message = decode(changed);
      if (!message) continue;
      // What is accepted can be sent on.
      const Bytes again = encoded(*message);
      EXPECT_TRUE(decode(body_of(again))) << type_name(changed);
    }
  }
}

TEST(Codec, EveryMessageComesBackAsItWas) {
  for (const Message& sample : samples()) {
    const Bytes frame = encoded(sample);
    ASSERT_GT(frame.size(), kFramePrefixBytes);
    EXPECT_EQ(ByteReader(frame).u32be(), frame.size() - kFramePrefixBytes);
    const Result<Message> message = decode(body_of(frame));
    ASSERT_TRUE(message) << message.error().detail();
    EXPECT_EQ(message->index(), sample.index());
    EXPECT_EQ(encoded(*message), frame);
  }
}

TEST(Codec, SamplesCoverEveryMessage) {
  std::vector<bool> seen(std::variant_size_v<Message>);
  for (const Message& sample : samples()) seen[sample.index()] = true;
  seen[Message(Extension{}).index()] = true;
  EXPECT_EQ(std::count(seen.begin(), seen.end(), false), 0);
}

TEST(Codec, DataHasTheDocumentedBytes) {
  const Bytes payload = {1, 2, 3};
  Bytes out;
  encode(out, Data{.stream = 5, .payload = payload});
  EXPECT_EQ(out, (Bytes{0, 0, 0, 9, 0x94, 3, 5, 0xc4, 3, 1, 2, 3, 0xc0}));
}

TEST(Codec, DataIsAppendedWithoutMovingABufferThatHasRoom) {
  const Bytes payload(limits::kMaxDataBytes, 7);
  Bytes out = {0xee};
  out.reserve(1 + payload.size() + kMaxDataOverheadBytes);
  const std::uint8_t* before = out.data();
  encode(out, Data{.stream = UINT32_MAX,
                   .payload = payload,
                   .mark = UsageMark{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}});
  EXPECT_EQ(out.data(), before);
  EXPECT_EQ(out[0], 0xee);
}

TEST(Codec, AControlFrameOnAStreamAndAStreamFrameOnNoneAreRefused) {
  for (const Message& sample : samples()) {
    const Bytes frame = encoded(sample);
    std::vector<Bytes> elements = elements_of(body_of(frame));
    if (std::holds_alternative<Credit>(sample)) continue;
    elements[1] = elements[1] == Bytes{0} ? Bytes{1} : Bytes{0};
    expect_bad(frame_of(elements), "stream");
  }
}

TEST(Codec, UnknownTypesBelowTheExtensionRangeAreRefused) {
  for (const std::uint64_t type : {11u, 15u, 31u, 127u}) {
    const Bytes body = Writer().array(2).u64(type).u64(0).take();
    const Result<Message> message = decode(body);
    ASSERT_FALSE(message);
    EXPECT_EQ(message.error().code(), "unknown_frame_type");
    EXPECT_NE(message.error().detail().find(std::to_string(type)), std::string::npos);
  }
}

TEST(Codec, ExtensionsAreSkippedWhateverTheyHold) {
  const Bytes body =
      Writer().array(4).u64(200).u64(9).map(1).str("k").array(1).nil().boolean(true).take();
  const Result<Message> message = decode(body);
  ASSERT_TRUE(message) << message.error().detail();
  ASSERT_TRUE(std::holds_alternative<Extension>(*message));
  EXPECT_EQ(std::get<Extension>(*message).type, 200u);
}

TEST(Codec, AnExtensionMustStillBeOneArray) {
  Bytes body = Writer().array(2).u64(200).u64(0).take();
  body.push_back(0);
  expect_bad(body, "extension");
  expect_bad(Writer().array(3).u64(200).u64(0).take(), "extension");
}

/// A message just within a bound, and just beyond it.
struct Bound {
  std::string field;
  Message within;
  Message beyond;
};

TEST(Codec, BoundsAreExact) {
  static const Bytes big(limits::kMaxFrameBytes);
  static const std::string text(limits::kMaxFrameBytes, 'x');
  const auto bytes = [](std::size_t n) { return ByteView(big).first(n); };
  const auto chars = [](std::size_t n) { return std::string_view(text).substr(0, n); };
  const auto open = [&](std::size_t header, std::size_t wraps, std::size_t wrap,
                        std::uint8_t first) {
    return Open{.stream = 1,
                .header = bytes(header),
                .wraps = std::vector<ByteView>(wraps, bytes(wrap)),
                .first_wrap = first};
  };
  const auto candidates = [](std::size_t workers, std::uint32_t index, std::size_t path) {
    Candidates out{.model = "m", .leaves = 5, .root_signature = test::kSignature};
    out.workers.assign(workers, {.record = test::sample_record(),
                                 .inclusion = {.index = index, .path = std::vector<Hash>(path)}});
    return out;
  };
  const auto request = [&](std::size_t model, std::uint8_t count) {
    return CandidatesRequest{.model = chars(model), .count = count};
  };
  const std::vector<Bound> bounds = {
      {"payload", Data{.stream = 1, .payload = bytes(limits::kMaxDataBytes)},
       Data{.stream = 1, .payload = bytes(limits::kMaxDataBytes + 1)}},
      {"payload", Data{.stream = 1, .payload = bytes(1)}, Data{.stream = 1}},
      {"header", open(limits::kMaxSealedHeaderBytes, 1, 1, 0),
       open(limits::kMaxSealedHeaderBytes + 1, 1, 1, 0)},
      {"header", open(1, 1, 1, 0), open(0, 1, 1, 0)},
      {"wraps", open(1, limits::kMaxCandidates, 1, 0), open(1, limits::kMaxCandidates + 1, 1, 0)},
      {"wraps", open(1, 1, limits::kMaxWrapBytes, 0), open(1, 1, limits::kMaxWrapBytes + 1, 0)},
      {"wraps", open(1, 1, 1, 0), open(1, 0, 1, 0)},
      {"first_wrap", open(1, 1, 1, 2), open(1, 2, 1, 2)},
      {"bytes", Credit{.stream = 1, .bytes = limits::kMaxCreditBytes},
       Credit{.stream = 1, .bytes = limits::kMaxCreditBytes + 1}},
      {"bytes", Credit{.stream = 1, .bytes = 1}, Credit{.stream = 1, .bytes = 0}},
      {"receipt", End{.stream = 1, .receipt = bytes(limits::kMaxReceiptBytes)},
       End{.stream = 1, .receipt = bytes(limits::kMaxReceiptBytes + 1)}},
      {"candidate", Accepted{.stream = 1, .candidate = limits::kMaxCandidates - 1},
       Accepted{.stream = 1, .candidate = limits::kMaxCandidates}},
      {"receipt", Settlement{.receipt = bytes(limits::kMaxReceiptBytes)},
       Settlement{.receipt = bytes(limits::kMaxReceiptBytes + 1)}},
      {"kind", Reset{.stream = 1, .kind = 13, .code = "c"},
       Reset{.stream = 1, .kind = 14, .code = "c"}},
      {"code", Reset{.stream = 1, .code = "c"}, Reset{.stream = 1}},
      {"kind", GoAway{.reason = "r", .fatal = true, .kind = 1},
       GoAway{.reason = "r", .fatal = false, .kind = 1}},
      {"role", Hello{.role = Role::worker}, Hello{.role = static_cast<Role>(4)}},
      {"role", HelloAck{.role = Role::client}, HelloAck{.role = static_cast<Role>(0)}},
      {"highest_version", Hello{.lowest_version = 2, .highest_version = 2, .role = Role::client},
       Hello{.lowest_version = 3, .highest_version = 2, .role = Role::client}},
      {"max_streams", Hello{.role = Role::client, .max_streams = 4096},
       Hello{.role = Role::client, .max_streams = 4097}},
      {"epoch_record", Hello{.role = Role::proxy, .epoch_record = bytes(512)},
       Hello{.role = Role::proxy, .epoch_record = bytes(513)}},
      {"epoch_signature", Hello{.role = Role::proxy, .epoch_signature = bytes(64)},
       Hello{.role = Role::proxy, .epoch_signature = bytes(63)}},
      {"software", Hello{.role = Role::client, .software = chars(64)},
       Hello{.role = Role::client, .software = chars(65)}},
      {"record", SignedWorkerRecord{bytes(limits::kMaxWorkerRecordBytes), test::kSignature},
       SignedWorkerRecord{bytes(limits::kMaxWorkerRecordBytes + 1), test::kSignature}},
      {"signature", SignedWorkerRecord{bytes(1), bytes(64)},
       SignedWorkerRecord{bytes(1), bytes(0)}},
      {"model", request(limits::kMaxModelIdBytes, 1), request(limits::kMaxModelIdBytes + 1, 1)},
      {"model", request(1, 1), request(0, 1)},
      {"count", request(1, limits::kMaxCandidatesPerAnswer),
       request(1, limits::kMaxCandidatesPerAnswer + 1)},
      {"count", request(1, 1), request(1, 0)},
      {"workers", candidates(limits::kMaxCandidatesPerAnswer, 4, 20),
       candidates(limits::kMaxCandidatesPerAnswer + 1, 4, 20)},
      {"path", candidates(1, 4, 20), candidates(1, 4, 21)},
      {"index", candidates(1, 4, 0), candidates(1, 5, 0)},
      {"leaves", Candidates{.model = "m", .leaves = limits::kMaxMerkleLeaves},
       Candidates{.model = "m", .leaves = limits::kMaxMerkleLeaves + 1}},
      {"root_time", Candidates{.model = "m", .root_time = unix_seconds(limits::kMaxUnixSeconds)},
       Candidates{.model = "m", .root_time = unix_seconds(limits::kMaxUnixSeconds + 1)}},
      {"total", Evidence{.total = limits::kMaxShownEvidenceBytes, .part = bytes(1)},
       Evidence{.total = limits::kMaxShownEvidenceBytes + 1, .part = bytes(1)}},
      {"part", Evidence{.total = 1 << 16, .part = bytes(limits::kMaxEvidencePartBytes)},
       Evidence{.total = 1 << 16, .part = bytes(limits::kMaxEvidencePartBytes + 1)}},
      {"part", Evidence{.total = 10, .offset = 5, .part = bytes(5)},
       Evidence{.total = 10, .offset = 6, .part = bytes(5)}},
      {"part", Evidence{}, Evidence{.total = 1}},
      {"voucher_signature", UsageStatement{.statement = bytes(1), .signature = bytes(64)},
       UsageStatement{.statement = bytes(1), .signature = bytes(64), .voucher = bytes(1)}},
      {"statement", UsageStatement{.statement = bytes(512), .signature = bytes(64)},
       UsageStatement{.statement = bytes(513), .signature = bytes(64)}},
      {"voucher", Voucher{bytes(512), bytes(64)}, Voucher{bytes(513), bytes(64)}},
      {"voucher", Payout{bytes(1), bytes(64)}, Payout{bytes(0), bytes(64)}},
      {"models", Models{.models = std::vector<ModelSummary>(200, {.id = "m"})},
       Models{.models = std::vector<ModelSummary>(201, {.id = "m"})}},
  };
  for (const Bound& bound : bounds) {
    const Bytes within = encoded(bound.within);
    const Result<Message> good = decode(body_of(within));
    EXPECT_TRUE(good) << bound.field << ": " << good.error().detail();
    const Bytes beyond = encoded(bound.beyond);
    SCOPED_TRACE(bound.field);
    expect_bad(body_of(beyond), bound.field);
  }
}

TEST(Codec, CandidatesWithoutASignedRootAreRefused) {
  Candidates message{.model = "m", .leaves = 1};
  message.workers.push_back({.record = test::sample_record()});
  const Bytes frame = encoded(message);
  expect_bad(body_of(frame), "root_signature");
}

TEST(Codec, TheLargestMessagesFitAFrame) {
  static const Bytes record(limits::kMaxWorkerRecordBytes);
  const std::string model(limits::kMaxModelIdBytes, 'm');
  Candidates candidates{.model = model, .leaves = 1 << 20, .root_signature = test::kSignature};
  candidates.workers.assign(
      limits::kMaxCandidatesPerAnswer,
      {.record = {record, test::kSignature},
       .inclusion = {.index = 1, .path = std::vector<Hash>(limits::kMaxMerklePath)}});
  Models models;
  models.models.assign(limits::kMaxModelsPerAnswer, {.id = model,
                                                     .workers = UINT32_MAX,
                                                     .capacity = UINT32_MAX,
                                                     .free_slots = UINT32_MAX,
                                                     .lowest_coefficient_e3 = UINT32_MAX});
  EXPECT_LE(encoded(candidates).size(), limits::kMaxFrameBytes);
  EXPECT_LE(encoded(models).size(), limits::kMaxFrameBytes);
}

TEST(Codec, TextThatIsNotUtf8IsRefused) {
  const Bytes body = Writer().array(5).u64(17).u64(0).boolean(true).u64(1).str("\xff").take();
  expect_bad(body, "reason");
}

TEST(Codec, LongDetailsAreCutBetweenCharactersWhenSent) {
  std::string detail(limits::kMaxDetailBytes - 1, 'x');
  detail += "\xc3\xa9 and more";  // the two-byte character straddles the bound
  const Bytes frame = encoded(Reset{.stream = 1, .code = "c", .detail = detail});
  const Result<Message> message = decode(body_of(frame));
  ASSERT_TRUE(message) << message.error().detail();
  EXPECT_EQ(std::get<Reset>(*message).detail, std::string(limits::kMaxDetailBytes - 1, 'x'));
}

}  // namespace
}  // namespace cocoon
