#include <fmt/format.h>

#include "wire/codec.h"
#include "wire/field_reader.h"

namespace cocoon::wire {
namespace {

constexpr auto kHighestErrorKind = static_cast<std::uint8_t>(ErrorKind::internal);

Role role(FieldReader& in) {
  return static_cast<Role>(in.u8("role", static_cast<std::uint8_t>(Role::client),
                                 static_cast<std::uint8_t>(Role::worker)));
}

void read(FieldReader& in, StreamId, Hello& m) {
  in.expect(12);
  m.lowest_version = in.u64("lowest_version");
  m.highest_version = in.u64("highest_version");
  in.require("highest_version", m.lowest_version <= m.highest_version);
  m.role = role(in);
  m.network = in.id<NetworkId>("network");
  m.account = in.id<AccountId>("account");
  m.epoch_record = in.bytes("epoch_record", 0, limits::kMaxStatementBytes);
  m.epoch_signature = in.signature_or_none("epoch_signature");
  m.channel = in.id_or_nil<ChannelId>("channel");
  m.channel_signature = in.signature_or_none("channel_signature");
  m.software = in.text("software", 0, limits::kMaxSoftwareBytes);
  m.max_streams = in.u32("max_streams", 0, limits::kMaxStreamsPerConnection);
  m.beside = in.boolean("beside");
}

void read(FieldReader& in, StreamId, HelloAck& m) {
  in.expect(9);
  m.version = in.u64("version");
  m.role = role(in);
  m.network = in.id<NetworkId>("network");
  m.account = in.id<AccountId>("account");
  m.epoch_record = in.bytes("epoch_record", 0, limits::kMaxStatementBytes);
  m.epoch_signature = in.signature_or_none("epoch_signature");
  m.registry_version = in.u64("registry_version");
  m.software = in.text("software", 0, limits::kMaxSoftwareBytes);
  m.max_streams = in.u32("max_streams", 0, limits::kMaxStreamsPerConnection);
}

void read(FieldReader& in, StreamId, Ping& m) {
  in.expect(1);
  m.value = in.u64("value");
}

void read(FieldReader& in, StreamId, Pong& m) {
  in.expect(1);
  m.value = in.u64("value");
}

void read(FieldReader& in, StreamId, GoAway& m) {
  in.expect(4);
  m.reason = in.text("reason", 1, limits::kMaxCodeBytes);
  m.detail = in.text("detail", 0, limits::kMaxDetailBytes);
  m.fatal = in.boolean("fatal");
  m.kind = in.u8("kind", 0, kHighestErrorKind);
  in.require("kind", m.fatal || m.kind == 0);
}

void read(FieldReader& in, StreamId stream, Open& m) {
  in.expect(4);
  m.stream = stream;
  m.header = in.bytes("header", 1, limits::kMaxSealedHeaderBytes);
  const std::uint32_t wraps = in.array("wraps", 1, limits::kMaxCandidates);
  for (std::uint32_t i = 0; i < wraps; ++i) {
    m.wraps.push_back(in.bytes("wraps", 1, limits::kMaxWrapBytes));
  }
  m.first_wrap = in.u8("first_wrap", 0, limits::kMaxCandidates - 1);
  in.require("first_wrap", m.first_wrap + wraps <= limits::kMaxCandidates);
  m.time_left_ms = in.u32("time_left_ms");
}

void read(FieldReader& in, StreamId stream, Data& m) {
  in.expect(2);
  m.stream = stream;
  m.payload = in.bytes("payload", 1, limits::kMaxDataBytes);
  if (in.take_nil()) return;
  in.array("mark", 4, 4);
  m.mark.emplace();
  m.mark->prompt = in.u64("mark.prompt");
  m.mark->cached = in.u64("mark.cached");
  m.mark->completion = in.u64("mark.completion");
  m.mark->reasoning = in.u64("mark.reasoning");
}

void read(FieldReader& in, StreamId stream, End& m) {
  in.expect(3);
  m.stream = stream;
  m.receipt = in.bytes("receipt", 0, limits::kMaxReceiptBytes);
  m.cost = in.nano("cost");
  m.charged_total = in.nano("charged_total");
}

void read(FieldReader& in, StreamId stream, Reset& m) {
  in.expect(6);
  m.stream = stream;
  m.kind = in.u8("kind", 0, kHighestErrorKind);
  m.code = in.text("code", 1, limits::kMaxCodeBytes);
  m.detail = in.text("detail", 0, limits::kMaxDetailBytes);
  m.retry_after_ms = in.u32("retry_after_ms");
  m.cost = in.nano("cost");
  m.charged_total = in.nano("charged_total");
}

void read(FieldReader& in, StreamId stream, Credit& m) {
  in.expect(1);
  m.stream = stream;
  m.bytes = in.u32("bytes", 1, limits::kMaxCreditBytes);
}

void read(FieldReader& in, StreamId stream, Accepted& m) {
  in.expect(2);
  m.stream = stream;
  m.candidate = in.u8("candidate", 0, limits::kMaxCandidates - 1);
  m.prompt_tokens = in.u64("prompt_tokens");
}

void read(FieldReader& in, SignedWorkerRecord& m) {
  m.record = in.bytes("record", 1, limits::kMaxWorkerRecordBytes);
  m.signature = in.bytes("signature", 64, 64);
}

void read(FieldReader& in, StreamId, SignedWorkerRecord& m) {
  in.expect(2);
  read(in, m);
}

void read(FieldReader& in, StreamId, WorkerStatus& m) {
  in.expect(3);
  m.ready = in.boolean("ready");
  m.free_slots = in.u32("free_slots");
  m.reason = in.text("reason", 0, limits::kMaxDetailBytes);
}

void read(FieldReader& in, StreamId, CandidatesRequest& m) {
  in.expect(7);
  m.id = in.u64("id");
  m.model = in.text("model", 1, limits::kMaxModelIdBytes);
  m.seed = in.fixed<16>("seed");
  m.count = in.u8("count", 1, limits::kMaxCandidatesPerAnswer);
  m.preferred = in.id_or_nil<AccountId>("preferred");
  m.max_coefficient_e3 = in.u32("max_coefficient_e3");
  m.preference = static_cast<Preference>(
      in.u8("preference", 0, static_cast<std::uint8_t>(Preference::fastest)));
}

void read(FieldReader& in, Inclusion& m, std::uint32_t leaves) {
  m.index = in.u32("index");
  in.require("index", m.index < leaves);
  const std::uint32_t path = in.array("path", 0, limits::kMaxMerklePath);
  for (std::uint32_t i = 0; i < path; ++i) m.path.push_back(in.fixed<32>("path[]"));
}

void read(FieldReader& in, Candidate& m, std::uint32_t leaves) {
  in.array("workers[]", 4, 4);
  read(in, m.record);
  read(in, m.inclusion, leaves);
}

void read(FieldReader& in, StreamId, Candidates& m) {
  in.expect(8);
  m.id = in.u64("id");
  m.model = in.text("model", 1, limits::kMaxModelIdBytes);
  m.root = in.fixed<32>("root");
  m.leaves = in.u32("leaves", 0, limits::kMaxMerkleLeaves);
  m.root_time = in.time("root_time");
  m.root_signature = in.signature_or_none("root_signature");
  m.retry_after_ms = in.u32("retry_after_ms");
  const std::uint32_t workers = in.array("workers", 0, limits::kMaxCandidatesPerAnswer);
  // Only a refusal may come without a signed root.
  in.require("root_signature", workers == 0 || !m.root_signature.empty());
  for (std::uint32_t i = 0; i < workers && !in.failed(); ++i) {
    read(in, m.workers.emplace_back(), m.leaves);
  }
}

void read(FieldReader& in, StreamId, EvidenceRequest& m) {
  in.expect(1);
  m.digest = in.id<EvidenceDigest>("digest");
}

void read(FieldReader& in, StreamId, Evidence& m) {
  in.expect(4);
  m.digest = in.id<EvidenceDigest>("digest");
  m.total = in.u32("total", 0, limits::kMaxShownEvidenceBytes);
  m.offset = in.u32("offset", 0, limits::kMaxShownEvidenceBytes);
  m.part = in.bytes("part", 0, limits::kMaxEvidencePartBytes);
  in.require("part", m.offset + m.part.size() <= m.total && m.part.empty() == (m.total == 0));
}

void read(FieldReader& in, StreamId, Voucher& m) {
  in.expect(2);
  m.voucher = in.bytes("voucher", 1, limits::kMaxStatementBytes);
  m.signature = in.bytes("signature", 64, 64);
}

void read(FieldReader& in, StreamId, UsageStatement& m) {
  in.expect(4);
  m.statement = in.bytes("statement", 1, limits::kMaxStatementBytes);
  m.signature = in.bytes("signature", 64, 64);
  m.voucher = in.bytes("voucher", 0, limits::kMaxStatementBytes);
  m.voucher_signature = in.signature_or_none("voucher_signature");
  in.require("voucher_signature", m.voucher.empty() == m.voucher_signature.empty());
}

void read(FieldReader& in, ServiceFigures& m) {
  m.requests = in.u32("requests");
  m.success_e4 = in.u32("success_e4", 0, 10'000);
  m.first_token_ms = in.u32("first_token_ms");
  m.tokens_per_second = in.u32("tokens_per_second");
}

void read(FieldReader& in, StreamId, Payout& m) {
  in.expect(6);
  m.voucher = in.bytes("voucher", 1, limits::kMaxStatementBytes);
  m.signature = in.bytes("signature", 64, 64);
  read(in, m.rating);
}

void read(FieldReader& in, StreamId, ChannelState& m) {
  in.expect(4);
  m.channel = in.id<ChannelId>("channel");
  m.open = in.boolean("open");
  m.deposit = in.nano("deposit");
  m.charged_total = in.nano("charged_total");
}

void read(FieldReader& in, StreamId, Settlement& m) {
  in.expect(4);
  m.request = in.id<RequestHash>("request");
  m.cost = in.nano("cost");
  m.receipt = in.bytes("receipt", 0, limits::kMaxReceiptBytes);
  m.charged_total = in.nano("charged_total");
}

void read(FieldReader& in, StreamId, Challenge& m) {
  in.expect(1);
  m.nonce = in.fixed<32>("nonce");
}

void read(FieldReader& in, StreamId, Answer& m) {
  in.expect(5);
  m.root = in.fixed<32>("root");
  m.leaves = in.u32("leaves", 1, limits::kMaxMerkleLeaves);
  read(in, m.inclusion, m.leaves);
  m.quote = in.id<EvidenceDigest>("quote");
}

void read(FieldReader& in, StreamId, ModelsRequest& m) {
  in.expect(1);
  m.id = in.u64("id");
}

void read(FieldReader& in, StreamId, Models& m) {
  in.expect(2);
  m.id = in.u64("id");
  const std::uint32_t models = in.array("models", 0, limits::kMaxModelsPerAnswer);
  for (std::uint32_t i = 0; i < models && !in.failed(); ++i) {
    ModelSummary& model = m.models.emplace_back();
    in.array("models[]", 13, 13);
    model.id = in.text("models[].id", 1, limits::kMaxModelIdBytes);
    model.workers = in.u32("models[].workers");
    model.capacity = in.u32("models[].capacity");
    model.free_slots = in.u32("models[].free_slots");
    model.lowest_coefficient_e3 = in.u32("models[].lowest_coefficient_e3");
    model.highest_coefficient_e3 = in.u32("models[].highest_coefficient_e3");
    model.queued = in.u32("models[].queued");
    read(in, model.service);
    model.asked_per_minute = in.u32("models[].asked_per_minute");
    model.refused_per_minute = in.u32("models[].refused_per_minute");
  }
}

bool belongs_to_stream(FrameType type) {
  return type == FrameType::open || type == FrameType::data || type == FrameType::end ||
         type == FrameType::reset || type == FrameType::accepted;
}

template <class T>
Result<Message> decode_as(FieldReader& in, FrameType type, StreamId stream) {
  // Credit is for a stream, or for the connection as stream 0.
  if (type != FrameType::credit) in.require("stream", belongs_to_stream(type) == (stream != 0));
  Result<Message> out = Message(std::in_place_type<T>);
  read(in, stream, std::get<T>(*out));
  COCOON_CHECK(in.finish());
  return out;
}

Result<Message> decode_known(FieldReader& in, FrameType type, StreamId stream) {
  switch (type) {
    case FrameType::hello: return decode_as<Hello>(in, type, stream);
    case FrameType::hello_ack: return decode_as<HelloAck>(in, type, stream);
    case FrameType::ping: return decode_as<Ping>(in, type, stream);
    case FrameType::pong: return decode_as<Pong>(in, type, stream);
    case FrameType::goaway: return decode_as<GoAway>(in, type, stream);
    case FrameType::open: return decode_as<Open>(in, type, stream);
    case FrameType::data: return decode_as<Data>(in, type, stream);
    case FrameType::end: return decode_as<End>(in, type, stream);
    case FrameType::reset: return decode_as<Reset>(in, type, stream);
    case FrameType::credit: return decode_as<Credit>(in, type, stream);
    case FrameType::accepted: return decode_as<Accepted>(in, type, stream);
    case FrameType::worker_record: return decode_as<SignedWorkerRecord>(in, type, stream);
    case FrameType::worker_status: return decode_as<WorkerStatus>(in, type, stream);
    case FrameType::candidates_request: return decode_as<CandidatesRequest>(in, type, stream);
    case FrameType::candidates: return decode_as<Candidates>(in, type, stream);
    case FrameType::evidence_request: return decode_as<EvidenceRequest>(in, type, stream);
    case FrameType::evidence: return decode_as<Evidence>(in, type, stream);
    case FrameType::voucher: return decode_as<Voucher>(in, type, stream);
    case FrameType::usage_statement: return decode_as<UsageStatement>(in, type, stream);
    case FrameType::payout: return decode_as<Payout>(in, type, stream);
    case FrameType::models_request: return decode_as<ModelsRequest>(in, type, stream);
    case FrameType::models: return decode_as<Models>(in, type, stream);
    case FrameType::channel_state: return decode_as<ChannelState>(in, type, stream);
    case FrameType::settlement: return decode_as<Settlement>(in, type, stream);
    case FrameType::challenge: return decode_as<Challenge>(in, type, stream);
    case FrameType::answer: return decode_as<Answer>(in, type, stream);
  }
  return Error(ErrorKind::protocol, "unknown_frame_type",
               fmt::format("a frame of type {} came, which protocol version 1 does not have and "
                           "which is below the extension range from {} on.",
                           static_cast<unsigned>(type), limits::kFirstExtensionType));
}

}  // namespace

Result<Message> decode(ByteView frame) {
  msgpack::Reader reader(frame);
  const std::uint32_t elements = reader.array();
  const std::uint64_t type = reader.u64();
  const std::uint32_t stream = reader.u32();
  if (reader.failed()) {
    return Error(ErrorKind::protocol, "bad_frame",
                 fmt::format("a frame of {} bytes does not begin as a msgpack array of type, "
                             "stream and fields.",
                             frame.size()));
  }
  // Extensions may have any fields; what is behind them must still be nothing.
  if (type >= limits::kFirstExtensionType) {
    for (std::uint32_t i = 2; i < elements; ++i) reader.skip();
    if (reader.failed() || reader.remaining() != 0) {
      return Error(ErrorKind::protocol, "bad_frame",
                   fmt::format("an extension frame of type {} is not one msgpack array.", type));
    }
    return Message(Extension{type});
  }
  const auto known = static_cast<FrameType>(type);
  FieldReader in(reader, known, elements);
  return decode_known(in, known, stream);
}

}  // namespace cocoon::wire
