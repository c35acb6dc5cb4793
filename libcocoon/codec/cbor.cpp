#include "codec/cbor.h"

#include "base/limits.h"
#include "codec/utf8.h"

namespace cocoon::cbor {

namespace {

/// Additional information 24 to 27 announces an argument of 1, 2, 4 or 8 bytes (RFC 8949 section
/// 3); below that it is the argument itself.
constexpr std::uint8_t kOneByteArgument = 24;
constexpr std::uint8_t kEightByteArgument = 27;

/// Simple values (RFC 8949 section 3.3) that skip() reads over.
constexpr std::uint64_t kFalse = 20;
constexpr std::uint64_t kUndefined = 23;

}  // namespace

std::optional<Type> Reader::peek() const {
  if (failed_ || at_ >= data_.size()) return std::nullopt;
  return static_cast<Type>(data_[at_] >> 5);
}

std::optional<Reader::Head> Reader::head() {
  const std::optional<Type> type = peek();
  if (!type) {
    failed_ = true;
    return std::nullopt;
  }
  const std::uint8_t info = data_[at_++] & 0x1F;
  if (info < kOneByteArgument) return Head{*type, info};
  const std::size_t width =
      info > kEightByteArgument ? 0 : std::size_t{1} << (info - kOneByteArgument);
  // Floats share major type 7 with the simple values, and only their width tells them apart.
  const bool is_float = *type == Type::simple && info != kOneByteArgument;
  if (width == 0 || is_float || width > data_.size() - at_) {
    failed_ = true;
    return std::nullopt;
  }
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value << 8 | data_[at_++];
  return Head{*type, value};
}

std::uint64_t Reader::expect(Type type) {
  const std::optional<Head> found = head();
  if (!found || found->type != type) {
    failed_ = true;
    return 0;
  }
  return found->value;
}

ByteView Reader::string(Type type) {
  const std::uint64_t size = expect(type);
  if (failed_ || size > data_.size() - at_) {
    failed_ = true;
    return {};
  }
  const ByteView out = data_.subspan(at_, static_cast<std::size_t>(size));
  at_ += out.size();
  return out;
}

std::string_view Reader::text_string() {
  const std::string_view text = as_text(string(Type::text_string));
  if (!is_utf8(text)) failed_ = true;
  return failed_ ? std::string_view() : text;
}

std::size_t Reader::array() {
  const std::uint64_t count = expect(Type::array);
  if (failed_ || count > data_.size() - at_) {
    failed_ = true;
    return 0;
  }
  return static_cast<std::size_t>(count);
}

std::size_t Reader::map() {
  const std::uint64_t count = expect(Type::map);
  if (failed_ || count > (data_.size() - at_) / 2) {
    failed_ = true;
    return 0;
  }
  return static_cast<std::size_t>(count);
}

ByteView Reader::skip() {
  const std::size_t begin = at_;
  skip_item(1);
  return failed_ ? ByteView() : data_.subspan(begin, at_ - begin);
}

void Reader::skip_item(std::size_t depth) {
  const std::optional<Type> type = peek();
  if (!type || depth > limits::kMaxCborDepth) {
    failed_ = true;
    return;
  }
  std::size_t contents = 0;
  switch (*type) {
    case Type::unsigned_integer:
    case Type::negative_integer: (void)head(); return;
    case Type::byte_string: (void)byte_string(); return;
    case Type::text_string: (void)text_string(); return;
    case Type::simple: {
      const std::uint64_t value = expect(Type::simple);
      if (value < kFalse || value > kUndefined) failed_ = true;
      return;
    }
    case Type::array: contents = array(); break;
    case Type::map: contents = 2 * map(); break;
    case Type::tag:
      (void)tag();
      contents = 1;
      break;
  }
  for (std::size_t i = 0; i < contents && !failed_; ++i) skip_item(depth + 1);
}

Writer& Writer::head(Type type, std::uint64_t value) {
  const auto major = static_cast<std::uint8_t>(static_cast<unsigned>(type) << 5);
  if (value < kOneByteArgument) {
    out_.push_back(static_cast<std::uint8_t>(major | value));
    return *this;
  }
  unsigned log_width = 0;
  while (log_width < 3 && value >> (8u << log_width) != 0) ++log_width;
  out_.push_back(static_cast<std::uint8_t>(major | (kOneByteArgument + log_width)));
  for (unsigned i = 1u << log_width; i-- > 0;) {
    out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  return *this;
}

Writer& Writer::byte_string(ByteView bytes) {
  head(Type::byte_string, bytes.size());
  append(out_, bytes);
  return *this;
}

Writer& Writer::text_string(std::string_view text) {
  head(Type::text_string, text.size());
  append(out_, as_bytes(text));
  return *this;
}

Writer& Writer::raw(ByteView item) {
  append(out_, item);
  return *this;
}

}  // namespace cocoon::cbor
