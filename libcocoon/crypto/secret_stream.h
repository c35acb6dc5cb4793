#pragma once
/// @file A sequence of sealed chunks with an authenticated end: libsodium's
/// secretstream_xchacha20poly1305. A chunk that is altered, dropped, repeated or out of order does
/// not open, and a stream cut short never yields its final chunk.

#include <sodium/crypto_secretstream_xchacha20poly1305.h>

#include "base/bytes.h"
#include "cocoon/result.h"
#include "crypto/secret.h"

namespace cocoon::crypto {

/// Precedes the chunks; not secret.
inline constexpr std::size_t kStreamHeaderBytes = crypto_secretstream_xchacha20poly1305_HEADERBYTES;
using StreamHeader = ByteArray<kStreamHeaderBytes>;
/// What sealing adds to the length of a chunk.
inline constexpr std::size_t kStreamChunkOverhead = crypto_secretstream_xchacha20poly1305_ABYTES;

/// Whether a chunk ends its stream.
enum class Chunk : std::uint8_t { more, final };

/// Seals the chunks of one stream.
class StreamSealer {
 public:
  /// Draws the header from libsodium's generator.
  explicit StreamSealer(const Secret<32>& key);
  StreamSealer(StreamSealer&&) noexcept = default;
  StreamSealer& operator=(StreamSealer&&) noexcept = default;

  const StreamHeader& header() const { return header_; }

  /// Appends the sealed chunk, kStreamChunkOverhead longer than `plaintext`, to `out`.
  /// Errors: internal/stream_finished after the final chunk.
  Status seal(ByteView plaintext, ByteView ad, Chunk chunk, Bytes& out);

 private:
  Secret<sizeof(crypto_secretstream_xchacha20poly1305_state)> state_;
  StreamHeader header_{};
  bool finished_ = false;
};

/// Opens the chunks of one stream, in order. The first failure is for good.
class StreamOpener {
 public:
  StreamOpener(const Secret<32>& key, const StreamHeader& header);
  StreamOpener(StreamOpener&&) noexcept = default;
  StreamOpener& operator=(StreamOpener&&) noexcept = default;

  /// Appends the plaintext of one sealed chunk to `out` and says whether it was the last. `out` is
  /// unchanged on failure.
  /// Errors: protocol/decrypt_failed; protocol/stream_finished after the final chunk.
  Result<Chunk> open(ByteView ciphertext, ByteView ad, Bytes& out);

  bool finished() const { return finished_; }

 private:
  Secret<sizeof(crypto_secretstream_xchacha20poly1305_state)> state_;
  bool finished_ = false;
  bool failed_ = false;
};

}  // namespace cocoon::crypto
