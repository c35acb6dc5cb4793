#include <charconv>

#include "codec/json.h"
#include "codec/utf8.h"

namespace cocoon::json {
namespace {

void append_control(std::string& out, unsigned char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  constexpr char kDigits[] = "0123456789abcdef";
  out += "\\u00";
  out += kDigits[c >> 4];
  out += kDigits[c & 15];
}

template <class Integer>
void append_integer(std::string& out, Integer number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;  // start of the run that is copied unchanged
  std::size_t at = 0;
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++at;
      continue;
    }
    const std::size_t length = c < 0x80 ? 0 : utf8_sequence_length(text.substr(at));
    if (length != 0) {
      at += length;
      continue;
    }
    out.append(text, plain, at - plain);
    if (c < 0x80) {
      append_control(out, c);
    } else {
      out += "\xef\xbf\xbd";  // U+FFFD
    }
    plain = ++at;
  }
  out.append(text, plain);
  out += '"';
}

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_quoted(out, text);
  return out;
}

Writer& Writer::key(std::string_view name) {
  separate();
  append_quoted(out_, name);
  out_ += ':';
  comma_due_ = false;
  return *this;
}

Writer& Writer::string(std::string_view text) {
  separate();
  append_quoted(out_, text);
  return *this;
}

Writer& Writer::u64(std::uint64_t number) {
  separate();
  append_integer(out_, number);
  return *this;
}

Writer& Writer::i64(std::int64_t number) {
  separate();
  append_integer(out_, number);
  return *this;
}

Writer& Writer::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

std::string Writer::take() {
  comma_due_ = false;
  return std::exchange(out_, {});
}

Writer& Writer::open(char bracket) {
  separate();
  out_ += bracket;
  comma_due_ = false;
  return *this;
}

Writer& Writer::close(char bracket) {
  out_ += bracket;
  comma_due_ = true;
  return *this;
}

void Writer::separate() {
  if (comma_due_) out_ += ',';
  comma_due_ = true;
}

}  // namespace cocoon::json
