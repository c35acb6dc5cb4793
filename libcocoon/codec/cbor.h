#pragma once
/// @file CBOR (RFC 8949), as much as attestation evidence needs: integers, byte and text strings,
/// arrays, maps, tags, booleans and null, all of definite length. Indefinite lengths, floats and
/// other simple values are refused.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::cbor {

/// The major types, numbered as in RFC 8949 section 3.1.
enum class Type : std::uint8_t {
  unsigned_integer = 0,
  negative_integer = 1,
  byte_string = 2,
  text_string = 3,
  array = 4,
  map = 5,
  tag = 6,
  simple = 7
};

/// Reads items from front to back, without copying. The first error latches: later reads yield
/// zeros and empty views, and callers check `failed()` once. Integers need not be of the shortest
/// form, because widely used encoders keep the width that they were given.
class Reader {
 public:
  explicit Reader(ByteView data) : data_(data) {}

  /// The type of the next item; nothing at the end or after an error.
  std::optional<Type> peek() const;

  std::uint64_t unsigned_integer() { return expect(Type::unsigned_integer); }
  ByteView byte_string() { return string(Type::byte_string); }
  /// Text is checked to be UTF-8.
  std::string_view text_string();
  /// The number of elements that follow. A count larger than the bytes left is refused, so it may
  /// size an allocation.
  std::size_t array();
  /// The number of key-value pairs that follow, bounded like array().
  std::size_t map();
  /// The tag's number; its content follows.
  std::uint64_t tag() { return expect(Type::tag); }

  /// Reads over one item with all it contains, at most limits::kMaxCborDepth deep, and returns its
  /// bytes.
  ByteView skip();

  bool failed() const { return failed_; }
  /// Everything was read, and nothing went wrong.
  bool finished() const { return !failed_ && at_ == data_.size(); }
  std::size_t position() const { return at_; }

  /// Makes every further read fail: for callers that found a semantic error.
  void fail() { failed_ = true; }

 private:
  struct Head {
    Type type;
    std::uint64_t value;
  };

  std::optional<Head> head();
  std::uint64_t expect(Type type);
  ByteView string(Type type);
  void skip_item(std::size_t depth);

  ByteView data_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

/// Appends items in their shortest form. Map keys are written in the order of the calls; where a
/// deterministic encoding matters (RFC 8949 section 4.2.1) the caller sorts them.
class Writer {
 public:
  Writer& unsigned_integer(std::uint64_t value) { return head(Type::unsigned_integer, value); }
  Writer& byte_string(ByteView bytes);
  /// `text` must be UTF-8.
  Writer& text_string(std::string_view text);
  Writer& array(std::size_t elements) { return head(Type::array, elements); }
  Writer& map(std::size_t pairs) { return head(Type::map, pairs); }
  Writer& tag(std::uint64_t number) { return head(Type::tag, number); }
  /// Inserts `item`, which must be one complete encoded item.
  Writer& raw(ByteView item);

  Bytes take() { return std::move(out_); }

 private:
  Writer& head(Type type, std::uint64_t value);

  Bytes out_;
};

}  // namespace cocoon::cbor
