#include "crypto/secret_stream.h"

namespace cocoon::crypto {
namespace {

using State = crypto_secretstream_xchacha20poly1305_state;
// The state is plain bytes in libsodium (52 of them), so a wiped byte array can hold it.
static_assert(alignof(State) == 1);

State* as_state(Secret<sizeof(State)>& bytes) {
  return reinterpret_cast<State*>(bytes.writable().data());
}

}  // namespace

StreamSealer::StreamSealer(const Secret<32>& key) {
  crypto_secretstream_xchacha20poly1305_init_push(as_state(state_), header_.data(),
                                                  key.view().data());
}

Status StreamSealer::seal(ByteView plaintext, ByteView ad, Chunk chunk, Bytes& out) {
  if (finished_) {
    return Error(ErrorKind::internal, "stream_finished",
                 "a chunk was to be sealed after the final one of its stream.");
  }
  finished_ = chunk == Chunk::final;
  const unsigned char tag = finished_ ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                                      : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
  const std::size_t at = out.size();
  out.resize(at + plaintext.size() + kStreamChunkOverhead);
  crypto_secretstream_xchacha20poly1305_push(as_state(state_), out.data() + at, nullptr,
                                             plaintext.data(), plaintext.size(), ad.data(),
                                             ad.size(), tag);
  return ok();
}

StreamOpener::StreamOpener(const Secret<32>& key, const StreamHeader& header) {
  crypto_secretstream_xchacha20poly1305_init_pull(as_state(state_), header.data(),
                                                  key.view().data());
}

Result<Chunk> StreamOpener::open(ByteView ciphertext, ByteView ad, Bytes& out) {
  if (finished_) {
    failed_ = true;
    return Error(ErrorKind::protocol, "stream_finished",
                 "a sealed chunk came after the final one of its stream.");
  }
  const std::size_t at = out.size();
  unsigned char tag = 0;
  bool opened = false;
  if (!failed_ && ciphertext.size() >= kStreamChunkOverhead) {
    out.resize(at + ciphertext.size() - kStreamChunkOverhead);
    opened = crypto_secretstream_xchacha20poly1305_pull(as_state(state_), out.data() + at, nullptr,
                                                        &tag, ciphertext.data(), ciphertext.size(),
                                                        ad.data(), ad.size()) == 0;
  }
  // Our sealer writes two tags only; the others would be a second way to say the same.
  opened = opened && (tag == crypto_secretstream_xchacha20poly1305_TAG_MESSAGE ||
                      tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL);
  if (!opened) {
    failed_ = true;
    wipe(std::span(out).subspan(at));
    out.resize(at);
    return Error(ErrorKind::protocol, "decrypt_failed",
                 "a sealed chunk did not authenticate: it was altered, cut, repeated or out of "
                 "order, or belongs to another stream.");
  }
  finished_ = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
  return finished_ ? Chunk::final : Chunk::more;
}

}  // namespace cocoon::crypto
