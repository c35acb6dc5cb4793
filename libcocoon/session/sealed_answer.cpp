#include "session/sealed_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/limits.h"
#include "session/size_classes.h"
#include "wire/error_codes.h"

namespace cocoon::session {
namespace {

enum RecordType : std::uint8_t { kPadding = 0, kHead = 1, kBody = 2, kError = 3, kReceipt = 4 };

/// Type and length of a record.
constexpr std::size_t kRecordHeadBytes = 3;
constexpr std::size_t kRunIdBytes = 16;

crypto::Secret<32> answer_key(const crypto::Secret<32>& key, const RequestHash& hash,
                              const RunId& run_id, std::string_view purpose) {
  return crypto::hkdf_key(key.view(), {}, {hash.view(), run_id.view(), as_bytes(purpose)});
}

bool is_acceptable(const AnswerHead& head) {
  return head.status >= 200 && head.status <= 599 &&
         head.content_type.size() <= limits::kMaxContentTypeBytes &&
         std::all_of(head.content_type.begin(), head.content_type.end(),
                     [](char c) { return c >= 0x20 && c <= 0x7e; });
}

void put_u16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace

// --- Transcript ---

AnswerTranscript::AnswerTranscript(const RequestHash& hash, const RunId& run_id,
                                   const crypto::Secret<32>& key, const Hash& request_digest)
    : commit_key_(answer_key(key, hash, run_id, "commit")), request_digest_(request_digest) {}

void AnswerTranscript::add_head(const AnswerHead& head) {
  Bytes bytes;
  put_u16(bytes, head.status);
  bytes.push_back(static_cast<std::uint8_t>(head.content_type.size()));
  append(bytes, as_bytes(head.content_type));
  answer_.update(bytes);
}

const Commitments& AnswerTranscript::commitments() {
  if (!result_) {
    const Hash answer_digest = answer_.finish();
    result_ = Commitments{crypto::hmac_sha256(commit_key_.view(), request_digest_),
                          crypto::hmac_sha256(commit_key_.view(), answer_digest)};
  }
  return *result_;
}

// --- Worker ---

AnswerSealer::AnswerSealer(const RequestHash& hash, const RunId& run_id,
                           const crypto::Secret<32>& key, const Hash& request_digest)
    : run_id_(run_id),
      stream_(answer_key(key, hash, run_id, "answer")),
      transcript_(hash, run_id, key, request_digest) {}

bool AnswerSealer::has_room(std::size_t bytes) const {
  return pending_.size() + kRecordHeadBytes + bytes <= kMaxChunkPlaintext;
}

void AnswerSealer::put_record(std::uint8_t type, std::size_t bytes) {
  pending_.push_back(type);
  put_u16(pending_, bytes);
}

bool AnswerSealer::add_head(const AnswerHead& head) {
  if (progress_ != Progress::start || !is_acceptable(head)) return false;
  progress_ = Progress::body;
  put_record(kHead, 2 + head.content_type.size());
  put_u16(pending_, head.status);
  append(pending_, as_bytes(head.content_type));
  transcript_.add_head(head);
  return true;
}

std::size_t AnswerSealer::add_body(ByteView body) {
  if (progress_ != Progress::body || body.empty()) return 0;
  const std::size_t head = body_bytes_ == 0 ? kRecordHeadBytes : 0;
  const std::size_t used = pending_.size() + head;
  const std::size_t size =
      std::min(body.size(), kMaxChunkPlaintext - std::min(used, kMaxChunkPlaintext));
  if (size == 0) return 0;
  if (body_bytes_ == 0) put_record(kBody, 0);
  body_bytes_ += size;
  append(pending_, body.first(size));
  // The body is the last record so far, so its length stands right before it.
  std::uint8_t* length = pending_.data() + pending_.size() - body_bytes_ - 2;
  length[0] = static_cast<std::uint8_t>(body_bytes_ >> 8);
  length[1] = static_cast<std::uint8_t>(body_bytes_);
  transcript_.add_body(body.first(size));
  return size;
}

bool AnswerSealer::add_error(const Error& error) {
  if (progress_ != Progress::body) return false;
  const std::string code = wire::clean_text(error.code(), limits::kMaxCodeBytes);
  const std::string detail = wire::clean_text(error.detail(), limits::kMaxDetailBytes);
  const std::size_t bytes = 2 + code.size() + detail.size();
  if (!has_room(bytes)) return false;
  progress_ = Progress::error;
  put_record(kError, bytes);
  pending_.push_back(static_cast<std::uint8_t>(error.kind()));
  pending_.push_back(static_cast<std::uint8_t>(code.size()));
  append(pending_, as_bytes(code));
  append(pending_, as_bytes(detail));
  return true;
}

bool AnswerSealer::add_receipt(ByteView receipt) {
  const bool in_turn = progress_ == Progress::body || progress_ == Progress::error;
  if (!in_turn || receipt.empty() || receipt.size() > limits::kMaxReceiptBytes ||
      !has_room(receipt.size())) {
    return false;
  }
  progress_ = Progress::receipt;
  put_record(kReceipt, receipt.size());
  append(pending_, receipt);
  return true;
}

std::size_t AnswerSealer::sealed_size() const {
  if (pending_.empty()) return 0;
  return (first_ ? kRunIdBytes + crypto::kStreamHeaderBytes : 0) + answer_class(pending_.size()) +
         crypto::kStreamChunkOverhead;
}

void AnswerSealer::flush(Bytes& out) {
  if (pending_.empty()) return;
  if (first_) {
    append(out, run_id_.view());
    append(out, stream_.header());
    first_ = false;
  }
  pending_.resize(answer_class(pending_.size()));
  finished_ = progress_ == Progress::receipt;
  const crypto::Chunk kind = finished_ ? crypto::Chunk::final : crypto::Chunk::more;
  // Nothing can be added after the receipt, so this is never behind the final chunk.
  (void)stream_.seal(pending_, {}, kind, out);
  pending_.clear();
  body_bytes_ = 0;
}

// --- Client ---

AnswerOpener::AnswerOpener(const RequestHash& hash, const crypto::Secret<32>& key,
                           const Hash& request_digest)
    : hash_(hash), answer_key_(key.duplicate()), request_digest_(request_digest) {}

Result<AnswerPart> AnswerOpener::open(ByteView chunk) {
  const auto refuse = [this](std::string_view why) {
    failed_ = true;
    return Error(ErrorKind::protocol, "bad_answer_chunk",
                 fmt::format("a chunk of the answer {}.", why));
  };
  if (failed_ || complete_) return refuse("came after the last, or a bad one");
  if (!stream_) {
    ByteReader in(chunk);
    run_id_.bytes = in.array<kRunIdBytes>();
    const auto header = in.array<crypto::kStreamHeaderBytes>();
    if (in.failed()) return refuse("is too short");
    stream_.emplace(answer_key(answer_key_, hash_, run_id_, "answer"), header);
    transcript_.emplace(hash_, run_id_, answer_key_, request_digest_);
    chunk = in.rest();
  }
  plaintext_.clear();
  const Result<crypto::Chunk> opened = stream_->open(chunk, {}, plaintext_);
  if (!opened) {
    return refuse("does not open: altered, cut, repeated, out of order, or of another answer");
  }
  Result<AnswerPart> part = parse(*opened);
  failed_ = !part.has_value();
  return part;
}

Result<AnswerPart> AnswerOpener::parse(crypto::Chunk chunk) {
  const auto refuse = [](std::string_view why) {
    return Error(ErrorKind::protocol, "bad_answer_record",
                 fmt::format("a chunk of the answer opened, but {}.", why));
  };
  if (!is_answer_class(plaintext_.size())) return refuse("is not of a size class");
  AnswerPart part;
  ByteReader in(plaintext_);
  std::uint8_t last = kPadding;
  while (in.remaining() != 0) {
    const std::uint8_t type = in.u8();
    if (type == kPadding) break;
    const ByteView content = in.take(in.u16be());
    if (in.failed()) return refuse("a record in it is cut");
    if (type <= last || type > kReceipt) return refuse("its records are out of order");
    last = type;
    if ((type == kHead) == head_seen_) return refuse("its head is not first, or not the only one");
    if (error_seen_ && type != kReceipt) return refuse("it goes on after an error");
    if (!take_record(type, content, part)) return refuse("a record in it is out of bounds");
  }
  const ByteView padding = in.rest();
  if (!std::all_of(padding.begin(), padding.end(), [](auto b) { return b == 0; })) {
    return refuse("its padding is not zeros");
  }
  if (last == kPadding) return refuse("it is empty");
  part.last = chunk == crypto::Chunk::final;
  if (part.last != (last == kReceipt)) return refuse("its receipt is not in the last chunk");
  complete_ = part.last;
  return part;
}

bool AnswerOpener::take_record(std::uint8_t type, ByteView content, AnswerPart& part) {
  ByteReader in(content);
  switch (type) {
    case kHead: {
      const std::uint16_t status = in.u16be();
      const AnswerHead head{status, as_text(in.rest())};
      if (in.failed() || !is_acceptable(head)) return false;
      head_seen_ = true;
      transcript_->add_head(head);
      part.head = head;
      return true;
    }
    case kBody:
      transcript_->add_body(content);
      part.body = content;
      return !content.empty();
    case kError: {
      const std::uint8_t kind = in.u8();
      const std::string_view code = as_text(in.take(in.u8()));
      if (in.failed()) return false;
      error_seen_ = true;
      part.error = wire::peer_error(kind, code, as_text(in.rest()));
      return true;
    }
    default:
      part.receipt = content;
      return !content.empty() && content.size() <= limits::kMaxReceiptBytes;
  }
}

Status AnswerOpener::check_complete() const {
  if (complete_) return ok();
  return Error(ErrorKind::protocol, "answer_truncated",
               "the answer ended before its final chunk: it was cut on the way.");
}

const Commitments& AnswerOpener::commitments() {
  return transcript_ ? transcript_->commitments() : none_;
}

}  // namespace cocoon::session
