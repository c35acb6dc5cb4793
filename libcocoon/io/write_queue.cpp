#include "io/write_queue.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

namespace cocoon::io {
namespace {

/// Pieces per system call; the kernel allows 1024 (IOV_MAX).
constexpr std::size_t kMaxPieces = 64;
/// Small writes are copied together up to this size: fewer allocations and pieces.
constexpr std::size_t kMergeBytes = 4096;

}  // namespace

void WriteQueue::push(ByteView bytes) {
  if (bytes.empty()) return;
  size_ += bytes.size();
  if (!pieces_.empty() && pieces_.back().size() + bytes.size() <= kMergeBytes) {
    append(pieces_.back(), bytes);
    return;
  }
  pieces_.push_back(to_bytes(bytes));
}

void WriteQueue::push(Bytes&& bytes) {
  if (bytes.size() <= kMergeBytes / 4) return push(ByteView(bytes));
  size_ += bytes.size();
  pieces_.push_back(std::move(bytes));
}

int WriteQueue::send(int fd) {
  while (!empty()) {
    iovec parts[kMaxPieces];
    std::size_t count = 0;
    for (std::size_t i = first_; i < pieces_.size() && count < kMaxPieces; ++i, ++count) {
      const std::size_t skip = i == first_ ? offset_ : 0;
      parts[count] = {pieces_[i].data() + skip, pieces_[i].size() - skip};
    }
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) return 0;
      return errno;
    }
    drop_front(static_cast<std::size_t>(sent));
  }
  return 0;
}

void WriteQueue::drop_front(std::size_t bytes) {
  size_ -= bytes;
  if (size_ == 0) return clear();
  while (bytes > 0) {
    const std::size_t left = pieces_[first_].size() - offset_;
    if (bytes < left) {
      offset_ += bytes;
      return;
    }
    bytes -= left;
    pieces_[first_++] = Bytes();
    offset_ = 0;
  }
  // Keep the list of sent pieces shorter than that of the unsent ones.
  if (first_ * 2 > pieces_.size()) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void WriteQueue::clear() {
  pieces_ = {};
  first_ = offset_ = size_ = 0;
}

}  // namespace cocoon::io
