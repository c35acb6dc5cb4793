#include <fmt/format.h>

#include <algorithm>

#include "crypto/hash.h"
#include "session/body_key.h"
#include "session/sealed_request.h"
#include "session/size_classes.h"

// The worker's side of sealed_request.h.

namespace cocoon::session {
namespace {

Status check_header(const RequestHeader& header, std::uint8_t candidate, const OpenPolicy& policy,
                    UnixTime now) {
  if (header.network != policy.network) {
    return Error(ErrorKind::protocol, "wrong_network",
                 "the request was sealed for another network.");
  }
  if (header.proxy != policy.proxy) {
    return Error(ErrorKind::protocol, "wrong_proxy",
                 "the request was sealed for another proxy than the one that passed it on.");
  }
  if (now > header.not_after + limits::kClockSkew) {
    return Error(ErrorKind::timeout, "request_expired", "the request's not_after has passed.");
  }
  if (header.not_after > now + limits::kMaxNotAfter + limits::kClockSkew) {
    return Error(ErrorKind::protocol, "not_after_too_far",
                 fmt::format("the request's not_after is more than {} s ahead.",
                             limits::kMaxNotAfter.count()));
  }
  if (candidate >= header.candidates.size()) {
    return Error(ErrorKind::protocol, "wrong_candidate",
                 fmt::format("a wrap is said to be for candidate {} of {}.", candidate + 1,
                             header.candidates.size()));
  }
  if (header.padded_body_length > padded_body_length(policy.max_body_bytes)) {
    return Error(ErrorKind::too_large, "request_too_large",
                 fmt::format("the request's body has up to {} bytes; this worker takes {}.",
                             header.padded_body_length, policy.max_body_bytes));
  }
  return ok();
}

}  // namespace

Result<RequestOpener> open_request(ByteView header, ByteView wrap, std::uint8_t candidate,
                                   const OpenPolicy& policy, SealingKeys& keys,
                                   ReplayTable& replays, UnixTime now) {
  RequestOpener out;
  COCOON_TRY(out.header_, decode_request_header(header));
  COCOON_CHECK(check_header(out.header_, candidate, policy, now));
  out.hash_ = request_hash(header);
  out.candidate_ = candidate;
  COCOON_TRY(const crypto::Secret<kWrapSecretBytes> secrets,
             keys.open_wrap(out.header_.candidates[candidate], wrap, out.hash_));
  // After the wrap: only whoever sealed the request can make an entry for it.
  COCOON_CHECK(replays.add(out.hash_, out.header_.not_after, now));
  const crypto::Secret<32> content_key(secrets.view().first<32>());
  out.body_key_ = body_key(content_key, out.hash_);
  out.answer_key_ = crypto::Secret<32>(secrets.view().last<32>());
  return out;
}

Status RequestOpener::add_chunk(ByteView chunk) {
  const auto refuse = [this](std::string_view code, std::string_view why) {
    failed_ = true;
    return Error(ErrorKind::protocol, code, fmt::format("a chunk of the request's body {}.", why));
  };
  if (failed_ || complete_) return refuse("bad_body_chunk", "came after the last, or a bad one");
  if (!stream_) {
    ByteReader in(chunk);
    const auto stream_header = in.array<crypto::kStreamHeaderBytes>();
    if (in.failed()) return refuse("bad_body_chunk", "is too short");
    stream_.emplace(body_key_, stream_header);
    chunk = in.rest();
  }
  // All chunks but the last are full: one body, one cutting, and no more memory than announced.
  const std::size_t missing =
      static_cast<std::size_t>(header_.padded_body_length) - plaintext_.size();
  if (chunk.size() != std::min(missing, kMaxChunkPlaintext) + crypto::kStreamChunkOverhead) {
    return refuse("bad_body_chunk", "is not as long as the header calls for");
  }
  Result<crypto::Chunk> opened = stream_->open(chunk, {}, plaintext_);
  if (!opened) return refuse("bad_body_chunk", "does not open: altered, cut or out of order");
  const bool whole = plaintext_.size() == header_.padded_body_length;
  if (whole != (*opened == crypto::Chunk::final)) {
    return refuse("bad_body_length", "ends the body before or after the header's length");
  }
  return whole ? finish() : ok();
}

Status RequestOpener::finish() {
  ByteReader in(plaintext_);
  body_length_ = in.u32be();
  const ByteView body = in.take(body_length_);
  const ByteView padding = in.rest();
  const bool zeros = std::all_of(padding.begin(), padding.end(), [](auto b) { return b == 0; });
  if (in.failed() || !zeros || padded_body_length(body_length_) != header_.padded_body_length) {
    failed_ = true;
    body_length_ = 0;
    return Error(ErrorKind::protocol, "bad_body_length",
                 fmt::format("the body's length is not the one that its {} padded bytes are for.",
                             header_.padded_body_length));
  }
  body_digest_ = crypto::sha256(body);
  complete_ = true;
  return ok();
}

ByteView RequestOpener::body() const {
  return complete_ ? ByteView(plaintext_).subspan(kLengthPrefixBytes, body_length_) : ByteView();
}

AnswerSealer RequestOpener::answer(const RunId& run_id) const {
  return AnswerSealer(hash_, run_id, answer_key_, body_digest_);
}

}  // namespace cocoon::session
