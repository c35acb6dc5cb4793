#pragma once
/// @file Ownership of a file descriptor, and sentences for errno.

#include <string_view>
#include <utility>

#include "cocoon/result.h"

namespace cocoon::io {

/// Closes its descriptor when it goes.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }

  int get() const { return fd_; }
  /// Gives the descriptor away, unclosed.
  int release() && { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }
  void close();

 private:
  int fd_ = -1;
};

/// An `io` error: `what`, then what the system says about `error_number`.
Error system_error(std::string_view code, std::string_view what, int error_number);

}  // namespace cocoon::io
