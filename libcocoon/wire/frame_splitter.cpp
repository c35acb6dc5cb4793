#include "wire/frame_splitter.h"

#include <fmt/format.h>

#include <algorithm>

namespace cocoon::wire {

void FrameSplitter::feed(ByteView bytes) {
  if (!fed_.empty() && !failure_) {
    failure_ = Error(ErrorKind::internal, "input_not_drained",
                     "bytes were fed before all frames of the last ones were taken.");
  }
  fed_ = bytes;
}

Status FrameSplitter::check_length(std::uint32_t length) {
  if (length > limits::kMaxFrameBytes) {
    failure_ = Error(ErrorKind::protocol, "frame_too_large",
                     fmt::format("a frame of {} bytes was announced; at most {} are allowed.",
                                 length, limits::kMaxFrameBytes));
    return *failure_;
  }
  if (length == 0) {
    failure_ = Error(ErrorKind::protocol, "empty_frame", "a frame of no bytes was announced.");
    return *failure_;
  }
  return ok();
}

Result<std::optional<ByteView>> FrameSplitter::next() {
  using Frame = std::optional<ByteView>;
  if (failure_) return *failure_;
  // A frame that lies whole in the fed bytes.
  if (partial_.empty() && fed_.size() >= kFramePrefixBytes) {
    const std::uint32_t length = ByteReader(fed_).u32be();
    COCOON_CHECK(check_length(length));
    if (fed_.size() - kFramePrefixBytes >= length) {
      const ByteView frame = fed_.subspan(kFramePrefixBytes, length);
      fed_ = fed_.subspan(kFramePrefixBytes + length);
      return Frame(frame);
    }
  }
  const auto keep = [this](std::size_t size) {
    const std::size_t taken = std::min(size - std::min(size, partial_.size()), fed_.size());
    append(partial_, fed_.first(taken));
    fed_ = fed_.subspan(taken);
    return partial_.size() >= size;
  };
  if (!keep(kFramePrefixBytes)) return Frame();
  const std::uint32_t length = ByteReader(partial_).u32be();
  COCOON_CHECK(check_length(length));
  if (!keep(kFramePrefixBytes + length)) return Frame();
  // The view must outlive what next() keeps of the frame behind this one.
  completed_.swap(partial_);
  partial_.clear();
  return Frame(ByteView(completed_).subspan(kFramePrefixBytes));
}

}  // namespace cocoon::wire
