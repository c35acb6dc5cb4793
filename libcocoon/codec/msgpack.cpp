#include "codec/msgpack.h"

#include <fmt/format.h>

#include <msgpack.hpp>

#include "codec/utf8.h"

namespace cocoon::msgpack {
namespace {

// First bytes, from the format's table "Formats".
constexpr std::uint8_t kPositiveFixintEnd = 0x80;
constexpr std::uint8_t kFixmap = 0x80;
constexpr std::uint8_t kFixarray = 0x90;
constexpr std::uint8_t kFixstr = 0xa0;
constexpr std::uint8_t kNil = 0xc0;
constexpr std::uint8_t kFalse = 0xc2;
constexpr std::uint8_t kTrue = 0xc3;
constexpr std::uint8_t kBin8 = 0xc4;
constexpr std::uint8_t kBin32 = 0xc6;
constexpr std::uint8_t kExt8 = 0xc7;
constexpr std::uint8_t kExt32 = 0xc9;
constexpr std::uint8_t kFloat32 = 0xca;
constexpr std::uint8_t kFloat64 = 0xcb;
constexpr std::uint8_t kUint8 = 0xcc;
constexpr std::uint8_t kUint64 = 0xcf;
constexpr std::uint8_t kInt8 = 0xd0;
constexpr std::uint8_t kInt64 = 0xd3;
constexpr std::uint8_t kFixext1 = 0xd4;
constexpr std::uint8_t kFixext16 = 0xd8;
constexpr std::uint8_t kStr8 = 0xd9;
constexpr std::uint8_t kStr32 = 0xdb;
constexpr std::uint8_t kArray16 = 0xdc;
constexpr std::uint8_t kArray32 = 0xdd;
constexpr std::uint8_t kMap16 = 0xde;
constexpr std::uint8_t kMap32 = 0xdf;
constexpr std::uint8_t kNegativeFixint = 0xe0;
/// "Never used" in the format; our stand-in for a lead byte after a failure.
constexpr std::uint8_t kNeverUsed = 0xc1;

bool in(std::uint8_t lead, std::uint8_t first, std::uint8_t last) {
  return lead >= first && lead <= last;
}
/// Families of 8, 16, 32 and 64 bits have consecutive lead bytes.
unsigned width(std::uint8_t lead, std::uint8_t narrowest) {
  return 1u << (lead - narrowest);
}

/// What msgpack-c's packer writes to.
struct Sink {
  Bytes& out;
  void write(const char* data, std::size_t size) {
    append(out, as_bytes(std::string_view(data, size)));
  }
};

}  // namespace

std::uint8_t Reader::lead() {
  if (failed_ || at_ == data_.size()) {
    failed_ = true;
    return kNeverUsed;
  }
  return data_[at_++];
}

ByteView Reader::take(std::uint64_t bytes) {
  if (failed_ || bytes > remaining()) {
    failed_ = true;
    return {};
  }
  const ByteView out = data_.subspan(at_, static_cast<std::size_t>(bytes));
  at_ += out.size();
  return out;
}

std::uint64_t Reader::big_endian(unsigned bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : take(bytes)) value = value << 8 | byte;
  return value;
}

/// `items` if that many can still follow: each takes at least `per_item` bytes.
std::uint32_t Reader::count(std::uint64_t items, unsigned per_item) {
  if (failed_ || items > remaining() / per_item) {
    failed_ = true;
    return 0;
  }
  return static_cast<std::uint32_t>(items);
}

std::uint32_t Reader::array() {
  const std::uint8_t first = lead();
  if (in(first, kFixarray, kFixarray + 15)) return count(first & 15u, 1);
  if (in(first, kArray16, kArray32)) return count(big_endian(2 * width(first, kArray16)), 1);
  fail();
  return 0;
}

std::uint32_t Reader::map() {
  const std::uint8_t first = lead();
  if (in(first, kFixmap, kFixmap + 15)) return count(first & 15u, 2);
  if (in(first, kMap16, kMap32)) return count(big_endian(2 * width(first, kMap16)), 2);
  fail();
  return 0;
}

std::uint64_t Reader::u64() {
  const std::uint8_t first = lead();
  if (first < kPositiveFixintEnd) return first;
  if (in(first, kUint8, kUint64)) return big_endian(width(first, kUint8));
  if (in(first, kInt8, kInt64)) {  // a signed encoding of a number that is not negative
    const unsigned bytes = width(first, kInt8);
    const std::uint64_t value = big_endian(bytes);
    if (value >> (8 * bytes - 1) == 0) return value;
  }
  fail();
  return 0;
}

std::int64_t Reader::i64() {
  const std::uint8_t first = lead();
  if (first < kPositiveFixintEnd) return first;
  if (first >= kNegativeFixint) return static_cast<std::int8_t>(first);
  if (in(first, kInt8, kInt64)) {
    const unsigned unused_bits = 64 - 8 * width(first, kInt8);
    const std::uint64_t value = big_endian(width(first, kInt8));
    // Shifting up and back extends the sign.
    return static_cast<std::int64_t>(value << unused_bits) >> unused_bits;
  }
  if (in(first, kUint8, kUint64)) {
    const std::uint64_t value = big_endian(width(first, kUint8));
    if (value <= INT64_MAX) return static_cast<std::int64_t>(value);
  }
  fail();
  return 0;
}

bool Reader::boolean() {
  const std::uint8_t first = lead();
  if (first != kTrue && first != kFalse) fail();
  return first == kTrue;
}

ByteView Reader::bin() {
  const std::uint8_t first = lead();
  if (in(first, kBin8, kBin32)) return take(big_endian(width(first, kBin8)));
  fail();
  return {};
}

std::string_view Reader::str() {
  const std::uint8_t first = lead();
  std::uint64_t length = 0;
  if (in(first, kFixstr, kFixstr + 31)) {
    length = first & 31u;
  } else if (in(first, kStr8, kStr32)) {
    length = big_endian(width(first, kStr8));
  } else {
    fail();
  }
  const std::string_view text = as_text(take(length));
  if (is_utf8(text)) return text;
  fail();
  return {};
}

void Reader::nil() {
  if (lead() != kNil) fail();
}

bool Reader::take_nil() {
  if (failed_ || at_ == data_.size() || data_[at_] != kNil) return false;
  ++at_;
  return true;
}

/// Passes over what follows a lead byte and belongs to that value alone; returns how many values
/// are inside it and still to come.
std::uint64_t Reader::skip_one(std::uint8_t first) {
  if (first < kPositiveFixintEnd || first >= kNegativeFixint) return 0;
  if (in(first, kFixmap, kFixmap + 15)) return 2 * (first & 15u);
  if (in(first, kFixarray, kFixarray + 15)) return first & 15u;
  if (in(first, kFixstr, kFixstr + 31)) {
    take(first & 31u);
  } else if (in(first, kBin8, kBin32)) {
    take(big_endian(width(first, kBin8)));
  } else if (in(first, kExt8, kExt32)) {
    take(big_endian(width(first, kExt8)) + 1);  // and the type
  } else if (first == kFloat32 || first == kFloat64) {
    take(4 * width(first, kFloat32));
  } else if (in(first, kUint8, kUint64)) {
    take(width(first, kUint8));
  } else if (in(first, kInt8, kInt64)) {
    take(width(first, kInt8));
  } else if (in(first, kFixext1, kFixext16)) {
    take(width(first, kFixext1) + 1);  // and the type
  } else if (in(first, kStr8, kStr32)) {
    take(big_endian(width(first, kStr8)));
  } else if (in(first, kArray16, kArray32)) {
    return big_endian(2 * width(first, kArray16));
  } else if (in(first, kMap16, kMap32)) {
    return 2 * big_endian(2 * width(first, kMap16));
  } else if (!in(first, kNil, kTrue) || first == kNeverUsed) {
    fail();
  }
  return 0;
}

ByteView Reader::raw() {
  const std::size_t begin = at_;
  // A count of values replaces a stack of levels; it can never exceed the bytes that are left.
  std::uint64_t values = 1;
  while (values != 0 && !failed_) {
    values += skip_one(lead());
    --values;
    if (values > remaining()) fail();
  }
  return failed_ ? ByteView() : data_.subspan(begin, at_ - begin);
}

Status Reader::finish(std::string_view what) const {
  if (failed_) {
    return Error(ErrorKind::protocol, "msgpack_malformed",
                 fmt::format("{} is malformed near byte {} of {}: a field is missing, of the wrong "
                             "type or out of range.",
                             what, at_, data_.size()));
  }
  if (remaining() != 0) {
    return Error(ErrorKind::protocol, "msgpack_malformed",
                 fmt::format("{} has {} bytes after its end.", what, remaining()));
  }
  return ok();
}

Writer& Writer::array(std::uint32_t size) {
  Sink sink{out_};
  ::msgpack::packer<Sink>(sink).pack_array(size);
  return *this;
}

Writer& Writer::map(std::uint32_t size) {
  Sink sink{out_};
  ::msgpack::packer<Sink>(sink).pack_map(size);
  return *this;
}

Writer& Writer::u64(std::uint64_t value) {
  Sink sink{out_};
  ::msgpack::packer<Sink>(sink).pack_uint64(value);
  return *this;
}

Writer& Writer::i64(std::int64_t value) {
  Sink sink{out_};
  ::msgpack::packer<Sink>(sink).pack_int64(value);
  return *this;
}

Writer& Writer::boolean(bool value) {
  out_.push_back(value ? kTrue : kFalse);
  return *this;
}

Writer& Writer::bin(ByteView value) {
  Sink sink{out_};
  ::msgpack::packer<Sink>(sink).pack_bin(static_cast<std::uint32_t>(value.size()));
  return raw(value);
}

Writer& Writer::str(std::string_view value) {
  Sink sink{out_};
  ::msgpack::packer<Sink>(sink).pack_str(static_cast<std::uint32_t>(value.size()));
  return raw(as_bytes(value));
}

Writer& Writer::nil() {
  out_.push_back(kNil);
  return *this;
}

Writer& Writer::raw(ByteView value) {
  append(out_, value);
  return *this;
}

}  // namespace cocoon::msgpack
