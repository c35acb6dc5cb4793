// modules: session
// covers: libcocoon/session/sealed_answer.cpp
/// @file Chunks that a worker with the right keys has sealed, with any plaintext. The input is a
/// row of (u16 length, plaintext), each filled up to its size class; the last is sealed as final
/// where its length is odd. What the opener takes goes into a sealer and comes out the same.

#include <string>
#include <vector>

#include "fuzz/require.h"
#include "session/sealed_answer.h"
#include "session/size_classes.h"

namespace {

using namespace cocoon;
using fuzz::require;

const RunId kRun{};
const RequestHash kHash{};

/// What the opener took, sealed and opened again, must be the same.
void check_again(const session::AnswerPart& part) {
  // A head of its own, where the part has none, must find room.
  if (part.body.size() > session::kMaxChunkPlaintext - 200) return;
  const crypto::Secret<32> key;
  session::AnswerSealer sealer(kHash, kRun, key, {});
  require(sealer.add_head(part.head.value_or(session::AnswerHead{.status = 200})));
  require(sealer.add_body(part.body) == part.body.size());
  const bool with_error = part.error && sealer.add_error(*part.error);
  const bool with_receipt = !part.receipt.empty() && sealer.add_receipt(part.receipt);
  Bytes chunk;
  sealer.flush(chunk);
  session::AnswerOpener opener(kHash, key, {});
  const auto again = opener.open(chunk);
  require(again.has_value());
  require(equal_public(again->body, part.body));
  require(again->error.has_value() == with_error);
  require(!with_receipt || equal_public(again->receipt, part.receipt));
  if (part.head) {
    require(again->head->status == part.head->status);
    require(again->head->content_type == part.head->content_type);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const crypto::Secret<32> key;
  crypto::StreamSealer stream(
      crypto::hkdf_key(key.view(), {}, {kHash.view(), kRun.view(), as_bytes("answer")}));
  session::AnswerOpener opener(kHash, key, {});
  ByteReader in(ByteView(data, size));
  Bytes chunk(kRun.bytes.begin(), kRun.bytes.end());
  append(chunk, stream.header());
  for (int chunks = 0; chunks < 8 && in.remaining() > 2; ++chunks) {
    const std::uint16_t length = in.u16be();
    const ByteView given = in.take(std::min<std::size_t>(length, in.remaining()));
    Bytes plaintext = to_bytes(given.first(std::min(given.size(), session::kMaxChunkPlaintext)));
    plaintext.resize(session::answer_class(plaintext.size()));
    const bool last = in.remaining() <= 2 && length % 2 == 1;
    require(stream.seal(plaintext, {}, last ? crypto::Chunk::final : crypto::Chunk::more, chunk)
                .has_value());
    const auto part = opener.open(chunk);
    chunk.clear();
    if (!part) {
      require(part.error().code() == "bad_answer_record");
      require(!opener.open(chunk) && !opener.complete());
      return 0;
    }
    require(part->last == last && opener.complete() == last);
    check_again(*part);
  }
  (void)opener.commitments();
  return 0;
}
