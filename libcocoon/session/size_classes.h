#pragma once
/// @file Size classes: what an observer of sealed traffic learns of lengths (docs/protocol.md
/// "Size classes").

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/limits.h"
#include "crypto/secret_stream.h"

namespace cocoon::session {

/// Plaintext of the largest chunk. With the seal, the stream header and a run id in front it stays
/// within one data frame.
inline constexpr std::size_t kMaxChunkPlaintext = limits::kMaxDataBytes - 64;
static_assert(kMaxChunkPlaintext + crypto::kStreamChunkOverhead + crypto::kStreamHeaderBytes + 16 <=
              limits::kMaxDataBytes);

/// Smallest class of a request: most chat turns with a short history fall into it or the next.
inline constexpr std::size_t kMinRequestClass = 1024;
/// Smallest class of an answer chunk. A server-sent event with one token is 180 to 260 bytes long;
/// with its framing it falls into this class whatever the token's length.
inline constexpr std::size_t kMinAnswerClass = 320;

/// The class of a request whose length prefix and body take `bytes`: kMinRequestClass, and above
/// that the next multiple of an eighth of the highest power of two not above `bytes`; so padding
/// adds at most an eighth.
constexpr std::uint64_t request_class(std::uint64_t bytes) {
  if (bytes <= kMinRequestClass) return kMinRequestClass;
  std::uint64_t power = kMinRequestClass;
  while (power <= bytes / 2) power *= 2;
  const std::uint64_t step = power / 8;
  return (bytes + step - 1) / step * step;
}

/// Whether request_class() can give `bytes`.
constexpr bool is_request_class(std::uint64_t bytes) {
  return request_class(bytes) == bytes;
}

/// The class of an answer chunk whose records take `bytes` <= kMaxChunkPlaintext: 320, 640, 1280,
/// 2560, 5120, 10240 or kMaxChunkPlaintext.
constexpr std::size_t answer_class(std::size_t bytes) {
  std::size_t size = kMinAnswerClass;
  while (size < bytes) size *= 2;
  return size < kMaxChunkPlaintext ? size : kMaxChunkPlaintext;
}

/// Whether answer_class() can give `bytes`.
constexpr bool is_answer_class(std::size_t bytes) {
  return bytes <= kMaxChunkPlaintext && answer_class(bytes) == bytes;
}

}  // namespace cocoon::session
