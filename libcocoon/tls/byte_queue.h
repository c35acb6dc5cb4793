#pragma once
/// @file A queue of bytes in one piece.

#include <utility>

#include "base/bytes.h"

namespace cocoon::tls {

/// Bytes are appended at the back and consumed at the front. An empty queue keeps no more than a
/// small buffer: most connections are idle most of the time.
class ByteQueue {
 public:
  std::size_t size() const { return bytes_.size() - at_; }
  bool empty() const { return size() == 0; }
  ByteView view() const { return ByteView(bytes_).subspan(at_); }

  void push(ByteView more) {
    // Moving the rest to the front is worth it only where it is the smaller part.
    if (at_ > bytes_.size() / 2) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(at_));
      at_ = 0;
    }
    append(bytes_, more);
  }
  /// Room for that many more bytes, so that they come in without moving what is there.
  void reserve(std::size_t more) { bytes_.reserve(bytes_.size() + more); }
  /// All of it; the queue is empty afterwards.
  Bytes take() {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ = 0;
    return std::exchange(bytes_, {});
  }
  /// @pre n <= size()
  void consume(std::size_t n) {
    at_ += n;
    if (at_ == bytes_.size()) clear();
  }
  void clear() {
    at_ = 0;
    if (bytes_.capacity() > kKeptBytes) {
      Bytes().swap(bytes_);
    } else {
      bytes_.clear();
    }
  }

 private:
  static constexpr std::size_t kKeptBytes = 512;

  Bytes bytes_;
  std::size_t at_ = 0;
};

}  // namespace cocoon::tls
