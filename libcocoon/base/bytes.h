#pragma once
/// @file Byte strings and bounded readers and writers of fixed layouts.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cocoon {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
template <std::size_t N>
using ByteArray = std::array<std::uint8_t, N>;
/// A SHA-256 digest, or any other 32-byte value.
using Hash = ByteArray<32>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }
inline void append(Bytes& out, ByteView more) { out.insert(out.end(), more.begin(), more.end()); }

/// Equality that may leak where the first difference is. For secrets use crypto/compare.h.
inline bool equal_public(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

/// Copies `view` into an array; nothing where the sizes differ.
template <std::size_t N>
std::optional<ByteArray<N>> to_array(ByteView view) {
  if (view.size() != N) return std::nullopt;
  ByteArray<N> out;
  std::memcpy(out.data(), view.data(), N);
  return out;
}

/// Reads a fixed layout from front to back. A read past the end yields zeros or an empty view and
/// latches `failed()`; callers read all fields, then check once.
class ByteReader {
 public:
  explicit ByteReader(ByteView data) : data_(data) {}

  ByteView take(std::size_t n) {
    if (failed_ || n > data_.size() - at_) {
      failed_ = true;
      return {};
    }
    ByteView out = data_.subspan(at_, n);
    at_ += n;
    return out;
  }
  template <std::size_t N>
  ByteArray<N> array() {
    ByteArray<N> out{};
    ByteView v = take(N);
    if (v.size() == N) std::memcpy(out.data(), v.data(), N);
    return out;
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(big(1)); }
  std::uint16_t u16be() { return static_cast<std::uint16_t>(big(2)); }
  std::uint32_t u32be() { return static_cast<std::uint32_t>(big(4)); }
  std::uint64_t u64be() { return big(8); }
  std::uint16_t u16le() { return static_cast<std::uint16_t>(little(2)); }
  std::uint32_t u32le() { return static_cast<std::uint32_t>(little(4)); }
  std::uint64_t u64le() { return little(8); }

  std::size_t position() const { return at_; }
  std::size_t remaining() const { return data_.size() - at_; }
  ByteView rest() { return take(remaining()); }
  bool failed() const { return failed_; }
  /// Everything was read, and nothing beyond.
  bool finished() const { return !failed_ && remaining() == 0; }

 private:
  std::uint64_t big(std::size_t n) {
    std::uint64_t v = 0;
    for (std::uint8_t b : take(n)) v = v << 8 | b;
    return v;
  }
  std::uint64_t little(std::size_t n) {
    std::uint64_t v = 0;
    ByteView bytes = take(n);
    for (std::size_t i = bytes.size(); i-- > 0;) v = v << 8 | bytes[i];
    return v;
  }

  ByteView data_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

/// Appends a fixed layout to a buffer that it owns.
class ByteWriter {
 public:
  ByteWriter& bytes(ByteView v) {
    append(out_, v);
    return *this;
  }
  ByteWriter& u8(std::uint8_t v) { return big(v, 1); }
  ByteWriter& u16be(std::uint16_t v) { return big(v, 2); }
  ByteWriter& u32be(std::uint32_t v) { return big(v, 4); }
  ByteWriter& u64be(std::uint64_t v) { return big(v, 8); }
  ByteWriter& u16le(std::uint16_t v) { return little(v, 2); }
  ByteWriter& u32le(std::uint32_t v) { return little(v, 4); }
  ByteWriter& u64le(std::uint64_t v) { return little(v, 8); }

  std::size_t size() const { return out_.size(); }
  Bytes take() { return std::move(out_); }

 private:
  ByteWriter& big(std::uint64_t v, unsigned n) {
    for (unsigned i = n; i-- > 0;) out_.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
    return *this;
  }
  ByteWriter& little(std::uint64_t v, unsigned n) {
    for (unsigned i = 0; i < n; ++i) out_.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
    return *this;
  }

  Bytes out_;
};

}  // namespace cocoon
