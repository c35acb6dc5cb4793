#include "codec/msgpack.h"
#include "wire/codec.h"
#include "wire/error_codes.h"
#include "wire/frame_splitter.h"

namespace cocoon::wire {
namespace {

using msgpack::Writer;

constexpr StreamId kNoStream = 0;

/// Writes one frame: prefix and array head on construction, the length when it is finished.
class FrameWriter {
 public:
  FrameWriter(Bytes& out, FrameType type, StreamId stream, std::uint32_t fields)
      : FrameWriter(out, static_cast<std::uint64_t>(type), stream, fields) {}
  FrameWriter(Bytes& out, std::uint64_t type, StreamId stream, std::uint32_t fields)
      : out_(out), begin_(out.size()), writer_(prefixed(out)) {
    writer_.array(2 + fields).u64(type).u64(stream);
  }
  ~FrameWriter() {
    out_ = writer_.take();
    const std::size_t length = out_.size() - begin_ - kFramePrefixBytes;
    for (std::size_t i = 0; i < kFramePrefixBytes; ++i) {
      out_[begin_ + i] = static_cast<std::uint8_t>(length >> (8 * (kFramePrefixBytes - 1 - i)));
    }
  }
  FrameWriter(const FrameWriter&) = delete;
  FrameWriter& operator=(const FrameWriter&) = delete;

  Writer* operator->() { return &writer_; }

  template <class Id>
  void id_or_nil(const std::optional<Id>& id) {
    if (id) {
      writer_.bin(id->view());
    } else {
      writer_.nil();
    }
  }

 private:
  static Bytes prefixed(Bytes& out) {
    out.resize(out.size() + kFramePrefixBytes);
    return std::move(out);
  }

  Bytes& out_;
  std::size_t begin_;
  Writer writer_;
};

}  // namespace

void encode(Bytes& out, const Hello& message) {
  FrameWriter frame(out, FrameType::hello, kNoStream, 12);
  frame->u64(message.lowest_version)
      .u64(message.highest_version)
      .u64(static_cast<std::uint64_t>(message.role))
      .bin(message.network.view())
      .bin(message.account.view())
      .bin(message.epoch_record)
      .bin(message.epoch_signature);
  frame.id_or_nil(message.channel);
  frame->bin(message.channel_signature).str(message.software).u64(message.max_streams);
  frame->boolean(message.beside);
}

void encode(Bytes& out, const HelloAck& message) {
  FrameWriter frame(out, FrameType::hello_ack, kNoStream, 9);
  frame->u64(message.version)
      .u64(static_cast<std::uint64_t>(message.role))
      .bin(message.network.view())
      .bin(message.account.view())
      .bin(message.epoch_record)
      .bin(message.epoch_signature)
      .u64(message.registry_version)
      .str(message.software)
      .u64(message.max_streams);
}

void encode(Bytes& out, const Ping& message) {
  FrameWriter(out, FrameType::ping, kNoStream, 1)->u64(message.value);
}

void encode(Bytes& out, const Pong& message) {
  FrameWriter(out, FrameType::pong, kNoStream, 1)->u64(message.value);
}

void encode(Bytes& out, const GoAway& message) {
  FrameWriter(out, FrameType::goaway, kNoStream, 4)
      ->str(clean_text(message.reason, limits::kMaxCodeBytes))
      .str(clean_text(message.detail, limits::kMaxDetailBytes))
      .boolean(message.fatal)
      .u64(message.kind);
}

void encode(Bytes& out, const Open& message) {
  FrameWriter frame(out, FrameType::open, message.stream, 4);
  frame->bin(message.header).array(static_cast<std::uint32_t>(message.wraps.size()));
  for (const ByteView wrap : message.wraps) frame->bin(wrap);
  frame->u64(message.first_wrap).u64(message.time_left_ms);
}

void encode(Bytes& out, const Data& message) {
  FrameWriter frame(out, FrameType::data, message.stream, 2);
  frame->bin(message.payload);
  if (!message.mark) {
    frame->nil();
    return;
  }
  frame->array(4)
      .u64(message.mark->prompt)
      .u64(message.mark->cached)
      .u64(message.mark->completion)
      .u64(message.mark->reasoning);
}

void encode(Bytes& out, const End& message) {
  FrameWriter(out, FrameType::end, message.stream, 3)
      ->bin(message.receipt)
      .u64(message.cost.value)
      .u64(message.charged_total.value);
}

void encode(Bytes& out, const Reset& message) {
  FrameWriter(out, FrameType::reset, message.stream, 6)
      ->u64(message.kind)
      .str(clean_text(message.code, limits::kMaxCodeBytes))
      .str(clean_text(message.detail, limits::kMaxDetailBytes))
      .u64(message.retry_after_ms)
      .u64(message.cost.value)
      .u64(message.charged_total.value);
}

void encode(Bytes& out, const Credit& message) {
  FrameWriter(out, FrameType::credit, message.stream, 1)->u64(message.bytes);
}

void encode(Bytes& out, const Accepted& message) {
  FrameWriter(out, FrameType::accepted, message.stream, 2)
      ->u64(message.candidate)
      .u64(message.prompt_tokens);
}

void encode(Bytes& out, const SignedWorkerRecord& message) {
  FrameWriter(out, FrameType::worker_record, kNoStream, 2)
      ->bin(message.record)
      .bin(message.signature);
}

void encode(Bytes& out, const WorkerStatus& message) {
  FrameWriter(out, FrameType::worker_status, kNoStream, 3)
      ->boolean(message.ready)
      .u64(message.free_slots)
      .str(clean_text(message.reason, limits::kMaxDetailBytes));
}

void encode(Bytes& out, const CandidatesRequest& message) {
  FrameWriter frame(out, FrameType::candidates_request, kNoStream, 7);
  frame->u64(message.id).str(message.model).bin(message.seed).u64(message.count);
  frame.id_or_nil(message.preferred);
  frame->u64(message.max_coefficient_e3).u64(static_cast<std::uint64_t>(message.preference));
}

void encode(Bytes& out, const Candidates& message) {
  FrameWriter frame(out, FrameType::candidates, kNoStream, 8);
  frame->u64(message.id)
      .str(message.model)
      .bin(message.root)
      .u64(message.leaves)
      .u64(to_unix_seconds(message.root_time))
      .bin(message.root_signature)
      .u64(message.retry_after_ms)
      .array(static_cast<std::uint32_t>(message.workers.size()));
  for (const Candidate& worker : message.workers) {
    const std::vector<Hash>& path = worker.inclusion.path;
    frame->array(4)
        .bin(worker.record.record)
        .bin(worker.record.signature)
        .u64(worker.inclusion.index)
        .array(static_cast<std::uint32_t>(path.size()));
    for (const Hash& hash : path) frame->bin(hash);
  }
}

void encode(Bytes& out, const EvidenceRequest& message) {
  FrameWriter(out, FrameType::evidence_request, kNoStream, 1)->bin(message.digest.view());
}

void encode(Bytes& out, const Evidence& message) {
  FrameWriter(out, FrameType::evidence, kNoStream, 4)
      ->bin(message.digest.view())
      .u64(message.total)
      .u64(message.offset)
      .bin(message.part);
}

void encode(Bytes& out, const Voucher& message) {
  FrameWriter(out, FrameType::voucher, kNoStream, 2)->bin(message.voucher).bin(message.signature);
}

void encode(Bytes& out, const UsageStatement& message) {
  FrameWriter(out, FrameType::usage_statement, kNoStream, 4)
      ->bin(message.statement)
      .bin(message.signature)
      .bin(message.voucher)
      .bin(message.voucher_signature);
}

void write(FrameWriter& frame, const ServiceFigures& figures) {
  frame->u64(figures.requests)
      .u64(figures.success_e4)
      .u64(figures.first_token_ms)
      .u64(figures.tokens_per_second);
}

void encode(Bytes& out, const Payout& message) {
  FrameWriter frame(out, FrameType::payout, kNoStream, 6);
  frame->bin(message.voucher).bin(message.signature);
  write(frame, message.rating);
}

void encode(Bytes& out, const ChannelState& message) {
  FrameWriter(out, FrameType::channel_state, kNoStream, 4)
      ->bin(message.channel.view())
      .boolean(message.open)
      .u64(message.deposit.value)
      .u64(message.charged_total.value);
}

void encode(Bytes& out, const Settlement& message) {
  FrameWriter(out, FrameType::settlement, kNoStream, 4)
      ->bin(message.request.view())
      .u64(message.cost.value)
      .bin(message.receipt)
      .u64(message.charged_total.value);
}

void encode(Bytes& out, const Challenge& message) {
  FrameWriter(out, FrameType::challenge, kNoStream, 1)->bin(message.nonce);
}

void encode(Bytes& out, const Answer& message) {
  const std::vector<Hash>& path = message.inclusion.path;
  FrameWriter frame(out, FrameType::answer, kNoStream, 5);
  frame->bin(message.root)
      .u64(message.leaves)
      .u64(message.inclusion.index)
      .array(static_cast<std::uint32_t>(path.size()));
  for (const Hash& hash : path) frame->bin(hash);
  frame->bin(message.quote.view());
}

void encode(Bytes& out, const ModelsRequest& message) {
  FrameWriter(out, FrameType::models_request, kNoStream, 1)->u64(message.id);
}

void encode(Bytes& out, const Models& message) {
  FrameWriter frame(out, FrameType::models, kNoStream, 2);
  frame->u64(message.id).array(static_cast<std::uint32_t>(message.models.size()));
  for (const ModelSummary& model : message.models) {
    frame->array(13)
        .str(model.id)
        .u64(model.workers)
        .u64(model.capacity)
        .u64(model.free_slots)
        .u64(model.lowest_coefficient_e3)
        .u64(model.highest_coefficient_e3)
        .u64(model.queued);
    write(frame, model.service);
    frame->u64(model.asked_per_minute).u64(model.refused_per_minute);
  }
}

void encode(Bytes& out, const Extension& message) {
  FrameWriter(out, message.type, kNoStream, 0);
}

void encode(Bytes& out, const Message& message) {
  std::visit([&out](const auto& m) { encode(out, m); }, message);
}

}  // namespace cocoon::wire
