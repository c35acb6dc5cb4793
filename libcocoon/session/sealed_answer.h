#pragma once
/// @file Sealed answers, both ends (docs/protocol.md "Answer"). The stream of chunks is
/// bound to the request, the run and the recipient's key; a chunk that is altered, dropped,
/// repeated, reordered or taken from another answer does not open.
///
/// The plaintext of a chunk holds at most one record of each kind, in the order head, body, error,
/// receipt, then zeros up to its size class. The head is in the first chunk, the receipt in the
/// last, which alone carries the final tag.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "cocoon/result.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "crypto/secret_stream.h"

namespace cocoon::session {

/// What the engine's HTTP answer begins with.
struct AnswerHead {
  std::uint16_t status = 0;  ///< 200 to 599
  /// Printable ASCII, as it becomes an HTTP header; at most limits::kMaxContentTypeBytes; may be
  /// empty.
  std::string_view content_type;
};

/// What the receipt commits to, so that the client can prove later what was asked and answered,
/// and the proxy learns nothing: HMAC(k_commit, SHA-256(plaintext)).
struct Commitments {
  Hash request{};
  Hash answer{};
  friend bool operator==(const Commitments&, const Commitments&) = default;
};

/// Both ends' view of what was said, for the commitments.
class AnswerTranscript {
 public:
  AnswerTranscript(const RequestHash& hash, const RunId& run_id,
                   const crypto::Secret<32>& answer_key, const Hash& request_digest);

  void add_head(const AnswerHead& head);
  void add_body(ByteView body) { answer_.update(body); }
  /// After the last byte; the same value on every further call.
  const Commitments& commitments();

 private:
  crypto::Secret<32> commit_key_;
  Hash request_digest_;
  crypto::Sha256 answer_;
  std::optional<Commitments> result_;
};

/// The worker's end. Records are added to the open chunk; flush() seals it.
class AnswerSealer {
 public:
  AnswerSealer(const RequestHash& hash, const RunId& run_id, const crypto::Secret<32>& answer_key,
               const Hash& request_digest);

  /// First of all, once. False where it is not the first or its fields are out of bounds.
  bool add_head(const AnswerHead& head);
  /// Adds as much of `body` as the open chunk has room for; the number of bytes taken. 0 where it
  /// is full, or where a head is missing or an error or receipt came: flush() first.
  std::size_t add_body(ByteView body);
  /// What went wrong at the engine; may stand in for all of the answer but the head. Nothing but
  /// the receipt may follow. Code and detail are cut to their bounds. False where the open chunk
  /// has no room for it (flush() first), or it has come already.
  bool add_error(const Error& error);
  /// The signed receipt, at most limits::kMaxReceiptBytes: the end. False where the open chunk has
  /// no room for it: flush() first.
  bool add_receipt(ByteView receipt);

  bool has_pending() const { return !pending_.empty(); }
  /// Bytes of body in the open chunk.
  std::size_t pending_body_bytes() const { return body_bytes_; }
  /// What flush() would append now: for the check against credit.
  std::size_t sealed_size() const;
  /// Seals the open chunk and appends it to `out`: the payload of one data frame. Nothing where
  /// the chunk is empty.
  void flush(Bytes& out);
  /// The receipt was added and sealed.
  bool finished() const { return finished_; }

  /// For the receipt: call it after the last body byte was added.
  const Commitments& commitments() { return transcript_.commitments(); }
  const RunId& run_id() const { return run_id_; }

 private:
  enum class Progress : std::uint8_t { start, body, error, receipt };

  bool has_room(std::size_t bytes) const;
  void put_record(std::uint8_t type, std::size_t bytes);

  RunId run_id_;
  crypto::StreamSealer stream_;
  AnswerTranscript transcript_;
  Bytes pending_;            // records of the open chunk
  std::size_t body_at_ = 0;  // where its body record begins, if it has one
  std::size_t body_bytes_ = 0;
  Progress progress_ = Progress::start;
  bool first_ = true;
  bool finished_ = false;
};

/// One opened chunk. Views are valid until the next open().
struct AnswerPart {
  std::optional<AnswerHead> head;
  ByteView body;
  std::optional<Error> error;
  ByteView receipt;
  bool last = false;
};

/// The client's end.
class AnswerOpener {
 public:
  AnswerOpener(const RequestHash& hash, const crypto::Secret<32>& answer_key,
               const Hash& request_digest);

  /// Opens the payload of the next data frame. The first failure is for good.
  /// Errors: protocol/bad_answer_chunk (does not open: altered, cut, repeated, out of order, of
  /// another request or run), protocol/bad_answer_record.
  Result<AnswerPart> open(ByteView chunk);
  /// The stream has ended.
  /// Errors: protocol/answer_truncated, where the last chunk has not come.
  Status check_complete() const;

  bool complete() const { return complete_; }
  /// Zero before the first chunk. The receipt names the same run.
  const RunId& run_id() const { return run_id_; }
  /// For comparison with the receipt, once complete().
  const Commitments& commitments();

 private:
  Result<AnswerPart> parse(crypto::Chunk chunk);
  bool take_record(std::uint8_t type, ByteView content, AnswerPart& part);

  RequestHash hash_;
  crypto::Secret<32> answer_key_;
  Hash request_digest_;
  RunId run_id_;
  std::optional<crypto::StreamOpener> stream_;
  std::optional<AnswerTranscript> transcript_;
  Bytes plaintext_;
  Commitments none_;
  bool head_seen_ = false;
  bool error_seen_ = false;
  bool complete_ = false;
  bool failed_ = false;
};

}  // namespace cocoon::session
