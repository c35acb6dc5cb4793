#pragma once
/// @file Internal to io/: bytes on their way to a socket.

#include <cstddef>
#include <vector>

#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::io {

/// A queue of byte strings, sent in order and many at a time. Empty, it holds no memory.
class WriteQueue {
 public:
  void push(ByteView bytes);
  void push(Bytes&& bytes);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// Sends to `fd` until everything is sent or the kernel takes no more; 0, or the errno that
  /// ended the connection.
  int send(int fd);

  void clear();

 private:
  void drop_front(std::size_t bytes);

  std::vector<Bytes> pieces_;
  std::size_t first_ = 0;   // index of the first piece with unsent bytes
  std::size_t offset_ = 0;  // bytes of it that are sent
  std::size_t size_ = 0;
};

}  // namespace cocoon::io
