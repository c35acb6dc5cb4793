#pragma once
/// @file Owners of secret bytes. They move, never copy, and wipe what they held. They have no
/// stream operator and no formatter on purpose: a secret cannot be logged by accident.

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "base/bytes.h"

namespace cocoon::crypto {

/// Overwrites `bytes` with zeros in a way that the compiler keeps.
void wipe(std::span<std::uint8_t> bytes) noexcept;

/// A secret of N bytes, held in place. Zeros when default-constructed or moved from.
template <std::size_t N>
class Secret {
 public:
  static constexpr std::size_t kBytes = N;

  Secret() = default;
  explicit Secret(std::span<const std::uint8_t, N> bytes) {
    std::memcpy(bytes_.data(), bytes.data(), N);
  }
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_);
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(bytes_); }

  /// A second owner of the same bytes. Spelled out, so that each copy is a decision.
  Secret duplicate() const { return Secret(view()); }

  std::span<const std::uint8_t, N> view() const { return bytes_; }
  std::span<std::uint8_t, N> writable() { return bytes_; }

 private:
  ByteArray<N> bytes_{};
};

/// A secret whose length is known at run time. Its buffer never grows, so no copy stays behind.
class SecretBytes {
 public:
  SecretBytes() = default;
  /// `size` zeros, to be filled through writable().
  explicit SecretBytes(std::size_t size)
      : bytes_(size == 0 ? nullptr : new std::uint8_t[size]()), size_(size) {}
  explicit SecretBytes(ByteView bytes) : SecretBytes(bytes.size()) {
    if (!bytes.empty()) std::memcpy(bytes_.get(), bytes.data(), bytes.size());
  }
  SecretBytes(SecretBytes&& other) noexcept
      : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      wipe(writable());
      bytes_ = std::move(other.bytes_);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes() { wipe(writable()); }

  std::size_t size() const { return size_; }
  ByteView view() const { return {bytes_.get(), size_}; }
  std::span<std::uint8_t> writable() { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_ = 0;
};

}  // namespace cocoon::crypto
