#include <fmt/format.h>

#include <algorithm>

#include "crypto/hash.h"
#include "session/body_key.h"
#include "session/sealed_request.h"
#include "session/size_classes.h"

// The client's side of sealed_request.h.

namespace cocoon::session {
namespace {

constexpr std::size_t kSealedChunkBytes = kMaxChunkPlaintext + crypto::kStreamChunkOverhead;

}  // namespace

std::uint64_t padded_body_length(std::size_t body_bytes) {
  return request_class(kLengthPrefixBytes + std::uint64_t{body_bytes});
}

crypto::Secret<32> body_key(const crypto::Secret<32>& content_key, const RequestHash& hash) {
  return crypto::hkdf_key(content_key.view(), {}, {hash.view(), as_bytes("request")});
}

std::vector<ByteView> SealedRequest::wraps() const {
  return {wraps_.begin(), wraps_.end()};
}

ByteView SealedRequest::chunk(std::size_t index) const {
  const std::size_t begin = index == 0 ? 0 : crypto::kStreamHeaderBytes + index * kSealedChunkBytes;
  const std::size_t end = crypto::kStreamHeaderBytes + (index + 1) * kSealedChunkBytes;
  return ByteView(body_).subspan(begin, std::min(end, body_.size()) - begin);
}

AnswerOpener SealedRequest::answer(std::size_t index) const {
  return AnswerOpener(hash_, answer_keys_[index], body_digest_);
}

Status SealedRequest::seal_body(ByteView body, const crypto::Secret<32>& content_key) {
  body_digest_ = crypto::sha256(body);
  crypto::SecretBytes plaintext(padded_body_length(body.size()));
  Bytes length = ByteWriter().u32be(static_cast<std::uint32_t>(body.size())).take();
  const auto target = plaintext.writable();
  std::copy(length.begin(), length.end(), target.begin());
  std::copy(body.begin(), body.end(), target.begin() + kLengthPrefixBytes);

  crypto::StreamSealer stream(body_key(content_key, hash_));
  chunk_count_ = (plaintext.size() + kMaxChunkPlaintext - 1) / kMaxChunkPlaintext;
  body_.reserve(crypto::kStreamHeaderBytes + plaintext.size() +
                chunk_count_ * crypto::kStreamChunkOverhead);
  append(body_, stream.header());
  ByteView rest = plaintext.view();
  while (!rest.empty()) {
    const ByteView part = rest.first(std::min(rest.size(), kMaxChunkPlaintext));
    rest = rest.subspan(part.size());
    const crypto::Chunk kind = rest.empty() ? crypto::Chunk::final : crypto::Chunk::more;
    COCOON_CHECK(stream.seal(part, {}, kind, body_));
  }
  return ok();
}

Result<SealedRequest> seal_request(RequestHeader header, std::span<const Recipient> recipients,
                                   ByteView body, ExporterCache& exporters, Random& random,
                                   Now now) {
  if (body.size() > limits::kHighestMaxRequestBytes) {
    return Error(ErrorKind::too_large, "request_too_large",
                 fmt::format("a request body has {} bytes; at most {} are possible.", body.size(),
                             limits::kHighestMaxRequestBytes));
  }
  header.candidates.clear();
  for (const Recipient& recipient : recipients) {
    header.candidates.push_back(sealing_key_id(recipient.sealing_key));
  }
  header.padded_body_length = padded_body_length(body.size());
  if (header.request_id == decltype(header.request_id){}) header.request_id = random.array<16>();

  SealedRequest out;
  COCOON_TRY(out.header_, encode_request_header(header));
  out.hash_ = request_hash(out.header_);
  crypto::Secret<32> content_key;
  random.fill(content_key.writable());
  for (const Recipient& recipient : recipients) {
    crypto::Secret<32>& answer_key = out.answer_keys_.emplace_back();
    random.fill(answer_key.writable());
    crypto::Secret<kWrapSecretBytes> secrets;
    std::copy_n(content_key.view().begin(), 32, secrets.writable().begin());
    std::copy_n(answer_key.view().begin(), 32, secrets.writable().begin() + 32);
    COCOON_TRY(Bytes wrap, exporters.seal(recipient, out.hash_, secrets, random, now));
    out.wraps_.push_back(std::move(wrap));
  }
  COCOON_CHECK(out.seal_body(body, content_key));
  return out;
}

}  // namespace cocoon::session
