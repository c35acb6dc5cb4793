#include "attest/der.h"

namespace cocoon::attest::der {

namespace {

/// Appends a big-endian number as an INTEGER (X.690 section 8.3).
void append_integer(Bytes& out, ByteView number) {
  while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
  const bool sign_bit = (number[0] & 0x80) != 0;
  out.push_back(static_cast<std::uint8_t>(Tag::integer));
  out.push_back(static_cast<std::uint8_t>(number.size() + (sign_bit ? 1 : 0)));
  if (sign_bit) out.push_back(0);
  append(out, number);
}

}  // namespace

Element Reader::any() {
  ByteReader in(data_);
  const std::uint8_t tag = in.u8();
  std::size_t size = in.u8();
  // 31 in the low bits announces a tag of several bytes, which nothing here uses.
  bool valid = !in.failed() && (tag & 0x1F) != 0x1F;
  if (valid && size >= 0x80) {
    const std::size_t width = size & 0x7F;
    valid = width >= 1 && width <= 4;
    size = 0;
    for (std::size_t i = 0; valid && i < width; ++i) size = size << 8 | in.u8();
    valid = valid && size >= 0x80 && (width == 1 || size >> (8 * (width - 1)) != 0);
  }
  const ByteView contents = in.take(valid ? size : 0);
  if (failed_ || !valid || in.failed()) {
    failed_ = true;
    return {};
  }
  const Element out{tag, contents, data_.first(in.position())};
  data_ = data_.subspan(in.position());
  return out;
}

ByteView Reader::read(Tag tag) {
  const Element element = any();
  if (element.tag != static_cast<std::uint8_t>(tag)) failed_ = true;
  return failed_ ? ByteView() : element.contents;
}

std::uint32_t Reader::small_integer(Tag tag) {
  ByteView number = read(tag);
  const bool negative = !number.empty() && (number[0] & 0x80) != 0;
  const bool padded = number.size() > 1 && number[0] == 0 && (number[1] & 0x80) == 0;
  if (number.size() > 1 && number[0] == 0) number = number.subspan(1);
  if (number.empty() || negative || padded || number.size() > 4) {
    failed_ = true;
    return 0;
  }
  std::uint32_t value = 0;
  for (const std::uint8_t byte : number) value = value << 8 | byte;
  return value;
}

bool Reader::boolean() {
  const ByteView value = read(Tag::boolean);
  // DER has one encoding of true (X.690 section 11.1).
  if (value.size() != 1 || (value[0] != 0x00 && value[0] != 0xFF)) failed_ = true;
  return !failed_ && value[0] == 0xFF;
}

Bytes encode_ecdsa(ByteView r_s) {
  Bytes numbers;
  append_integer(numbers, r_s.first(r_s.size() / 2));
  append_integer(numbers, r_s.last(r_s.size() / 2));
  Bytes out{static_cast<std::uint8_t>(Tag::sequence), static_cast<std::uint8_t>(numbers.size())};
  append(out, numbers);
  return out;
}

}  // namespace cocoon::attest::der
