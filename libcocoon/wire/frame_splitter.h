#pragma once
/// @file Cuts a byte stream into frames (docs/protocol.md "Frames").

#include <optional>

#include "base/bytes.h"
#include "base/limits.h"
#include "cocoon/result.h"

namespace cocoon::wire {

/// Size of the length prefix: u32, big-endian, not counting itself.
inline constexpr std::size_t kFramePrefixBytes = 4;

/// Incremental splitter. A frame that lies whole in the bytes fed is given as a view of them;
/// only a frame cut by the end of the fed bytes is copied, and never more than one.
class FrameSplitter {
 public:
  /// Takes the next bytes of the stream, which stay the caller's and in place until the next feed()
  /// or the end of this object. Call it only when next() has returned nothing; anything else is a
  /// failure (internal/input_not_drained), because the stream would lose bytes.
  void feed(ByteView bytes);

  /// The body of the next whole frame, valid until the next feed(); nothing where more bytes are
  /// needed. The length is refused before any of the body is kept. An error is for good.
  /// Errors: protocol/frame_too_large (over limits::kMaxFrameBytes), protocol/empty_frame.
  Result<std::optional<ByteView>> next();

  /// Bytes kept of a frame that has not fully arrived.
  std::size_t buffered() const { return partial_.size(); }

 private:
  Status check_length(std::uint32_t length);

  ByteView fed_;
  Bytes partial_;    // prefix and body so far of the frame cut by the last feed
  Bytes completed_;  // the frame that was completed in this feed, while its view is alive
  std::optional<Error> failure_;
};

}  // namespace cocoon::wire
