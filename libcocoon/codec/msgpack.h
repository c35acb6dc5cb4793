#pragma once
/// @file MessagePack for fixed layouts: a cursor over bytes, and a writer. The format is
/// https://github.com/msgpack/msgpack/blob/master/spec.md. Why the reader is ours and not
/// msgpack-c's: docs/adr/0010-msgpack-cursor.md.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::msgpack {

/// Reads values from front to back. It allocates nothing and never recurses: views point into the
/// input, and a count is believed only as far as bytes are left for that many values.
///
/// The first read that does not fit (end of input, another type, a number out of range, text that
/// is not UTF-8) latches `failed()`; it and all later reads yield zeros and empty views. Callers
/// read all fields, then ask `finish()` once. Integers and lengths may be encoded in any width.
class Reader {
 public:
  explicit Reader(ByteView data) : data_(data) {}

  /// Number of elements of the array that begins here; the elements follow.
  std::uint32_t array();
  /// Enters an array that must have exactly `size` elements.
  void array_of(std::uint32_t size) {
    if (array() != size) fail();
  }
  /// Number of key-value pairs of the map that begins here; keys and values follow in turn.
  std::uint32_t map();
  std::uint64_t u64();
  /// An unsigned integer of at most `highest`.
  std::uint64_t u64_up_to(std::uint64_t highest) {
    const std::uint64_t value = u64();
    if (value <= highest) return value;
    fail();
    return 0;
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(u64_up_to(UINT32_MAX)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(u64_up_to(UINT16_MAX)); }
  std::uint8_t u8() { return static_cast<std::uint8_t>(u64_up_to(UINT8_MAX)); }
  std::int64_t i64();
  bool boolean();
  ByteView bin();
  /// A bin of exactly N bytes.
  template <std::size_t N>
  ByteArray<N> fixed() {
    ByteArray<N> out{};
    const ByteView view = bin();
    if (view.size() != N) {
      fail();
    } else {
      std::memcpy(out.data(), view.data(), N);
    }
    return out;
  }
  std::string_view str();
  void nil();
  /// Takes a nil if one is next; how optional fields are read.
  bool take_nil();
  /// Passes over one value of any type, whatever it contains.
  void skip() { raw(); }
  /// Passes over one value and returns its bytes as they are.
  ByteView raw();

  /// For the caller's own checks of what it has read.
  void fail() { failed_ = true; }
  bool failed() const { return failed_; }
  std::size_t position() const { return at_; }
  std::size_t remaining() const { return data_.size() - at_; }
  /// Success if every read succeeded and nothing is left. Otherwise a protocol error with code
  /// "msgpack_malformed" that says where in `what`.
  Status finish(std::string_view what) const;

 private:
  std::uint8_t lead();
  std::uint64_t big_endian(unsigned bytes);
  ByteView take(std::uint64_t bytes);
  std::uint32_t count(std::uint64_t values, unsigned per_item);
  std::uint64_t skip_one(std::uint8_t lead);

  ByteView data_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

/// Appends values to a buffer, each in its shortest encoding.
class Writer {
 public:
  /// Starts behind what `out` already holds (a frame's length, say), and reuses its memory.
  explicit Writer(Bytes out = {}) : out_(std::move(out)) {}

  /// Begins an array; `size` values must follow.
  Writer& array(std::uint32_t size);
  /// Begins a map; `size` keys and values must follow in turn.
  Writer& map(std::uint32_t size);
  Writer& u64(std::uint64_t value);
  Writer& i64(std::int64_t value);
  Writer& boolean(bool value);
  /// @pre less than 4 GiB
  Writer& bin(ByteView value);
  /// @pre UTF-8, less than 4 GiB
  Writer& str(std::string_view value);
  Writer& nil();
  /// Inserts `value`, which must be one complete value, as it is.
  Writer& raw(ByteView value);

  void reserve(std::size_t bytes) { out_.reserve(bytes); }
  ByteView bytes() const { return out_; }
  /// The finished bytes; the writer is empty afterwards.
  Bytes take() { return std::exchange(out_, {}); }

 private:
  Bytes out_;
};

}  // namespace cocoon::msgpack
