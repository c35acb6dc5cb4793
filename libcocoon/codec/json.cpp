#include "codec/json.h"

#include <fmt/format.h>

// RapidJSON's stack, while empty, compares null plus an offset with null. Harmless everywhere, but
// undefined, and clang's sanitizer would stop there.
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

#include <algorithm>
#include <charconv>
#include <vector>

namespace cocoon::json {

/// The values and keys of a text in source order; a container is followed by its contents.
struct Tape {
  struct Node {
    std::uint32_t begin;    ///< source offset
    std::uint32_t end;      ///< source offset past the last byte
    std::uint32_t next;     ///< index of the node after this one and its contents
    std::uint32_t count;    ///< elements or members; length in `decoded` of a string with escapes
    std::uint32_t decoded;  ///< where its unescaped text begins in Tape::decoded
    Kind kind;
    bool escaped;  ///< a string with escapes
    bool truth;    ///< value of a boolean
  };

  std::string_view text;
  std::vector<Node> nodes;
  std::string decoded;

  std::string_view raw(const Node& node) const {
    return text.substr(node.begin, node.end - node.begin);
  }
  std::string_view string(const Node& node) const {
    if (node.escaped) return std::string_view(decoded).substr(node.decoded, node.count);
    return text.substr(node.begin + 1, node.end - node.begin - 2);
  }
};

namespace {

using Node = Tape::Node;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Length of the number (RFC 8259 section 6) that `text` begins with; 0 where it begins with none.
std::size_t number_length(std::string_view text) {
  std::size_t at = 0;
  const auto peek = [&] { return at < text.size() ? text[at] : '\0'; };
  const auto digits = [&] {
    const std::size_t first = at;
    while (is_digit(peek())) ++at;
    return at > first;
  };
  if (peek() == '-') ++at;
  if (peek() == '0') {
    ++at;
  } else if (!digits()) {
    return 0;
  }
  if (peek() == '.') {
    ++at;
    if (!digits()) return 0;
  }
  if (peek() == 'e' || peek() == 'E') {
    ++at;
    if (peek() == '+' || peek() == '-') ++at;
    if (!digits()) return 0;
  }
  return at;
}

/// What RapidJSON reads. It shows every well-formed number as a plain `0`: RapidJSON 1.1 refuses
/// numbers beyond the range of double even when asked to leave them alone, and we keep the source
/// bytes anyway. Malformed numbers are shown as they are, for RapidJSON to refuse.
class Source {
 public:
  using Ch = char;

  explicit Source(std::string_view text) : text_(text) {}

  Ch Peek() {
    if (at_ >= text_.size()) return '\0';
    return number_end() != at_ ? '0' : text_[at_];
  }

  Ch Take() {
    if (at_ >= text_.size()) return '\0';
    if (const std::size_t end = number_end(); end != at_) {
      at_ = end;
      return '0';
    }
    const char c = text_[at_++];
    if (in_string_) {
      if (c == '"' && !escaped_) in_string_ = false;
      escaped_ = c == '\\' && !escaped_;
    } else if (c == '"') {
      in_string_ = true;
    }
    return c;
  }

  std::size_t Tell() const { return at_; }

  // Parts of RapidJSON's stream concept that only in-situ parsing uses.
  Ch* PutBegin() { return nullptr; }
  void Put(Ch) {}
  void Flush() {}
  std::size_t PutEnd(Ch*) { return 0; }

 private:
  /// Where the number that begins here ends; here, where none does.
  std::size_t number_end() {
    const char c = text_[at_];
    if (in_string_ || malformed_ || !(is_digit(c) || c == '-')) return at_;
    if (number_begin_ != at_ || number_end_ == 0) {
      number_begin_ = at_;
      number_end_ = at_ + number_length(text_.substr(at_));
      // The parse is about to fail: without this, each of its digits would be measured again.
      malformed_ = number_end_ == at_;
    }
    return number_end_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t number_begin_ = 0;
  std::size_t number_end_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool malformed_ = false;
};

Error fault(std::string_view code, std::size_t offset, std::string_view what) {
  return Error(ErrorKind::invalid_argument, code,
               fmt::format("The JSON text is refused at byte {}: {}.", offset, what));
}

/// Receives RapidJSON's events and builds the tape. RapidJSON reports where a token ended but not
/// where it began; that is the first byte after the previous token that is neither space nor
/// punctuation.
class Builder {
 public:
  Builder(Tape& tape, const Source& source, const Limits& limits)
      : tape_(tape), source_(source), limits_(limits) {}

  bool Null() { return scalar(Kind::null, false); }
  bool Bool(bool truth) { return scalar(Kind::boolean, truth); }
  bool Uint(unsigned) { return scalar(Kind::number, false); }
  // RapidJSON sees no number but 0, so these never come.
  bool Int(int) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return false; }

  bool Key(const char* text, rapidjson::SizeType size, bool copy) {
    return String(text, size, copy);
  }

  bool String(const char* text, rapidjson::SizeType size, bool) {
    if (!scalar(Kind::string, false)) return false;
    Node& node = tape_.nodes.back();
    // Every escape is longer than what it stands for.
    node.escaped = size != node.end - node.begin - 2;
    if (!node.escaped) return true;
    if (has_surrogate({text, size})) {
      return fail("json_invalid_unicode", node.begin,
                  "a string has an escaped surrogate without its other half");
    }
    node.decoded = static_cast<std::uint32_t>(tape_.decoded.size());
    node.count = size;
    tape_.decoded.append(text, size);
    return true;
  }

  bool StartObject() { return open(Kind::object); }
  bool StartArray() { return open(Kind::array); }
  bool EndArray(rapidjson::SizeType count) {
    close(count);
    return true;
  }
  bool EndObject(rapidjson::SizeType count) {
    const std::uint32_t index = open_.back();
    close(count);
    return unique_keys(index);
  }

  const std::optional<Error>& error() const { return error_; }

 private:
  // RapidJSON calls at the opening or closing bracket, before taking it.
  bool open(Kind kind) {
    if (open_.size() >= limits_.max_depth) {
      return fail("json_too_deep", source_.Tell(),
                  fmt::format("arrays and objects may be nested {} deep", limits_.max_depth));
    }
    if (!add(kind, source_.Tell())) return false;
    open_.push_back(static_cast<std::uint32_t>(tape_.nodes.size() - 1));
    last_end_ = source_.Tell() + 1;
    return true;
  }

  void close(rapidjson::SizeType count) {
    last_end_ = source_.Tell() + 1;
    Node& node = tape_.nodes[open_.back()];
    node.count = count;
    node.end = static_cast<std::uint32_t>(last_end_);
    node.next = static_cast<std::uint32_t>(tape_.nodes.size());
    open_.pop_back();
  }

  bool scalar(Kind kind, bool truth) {
    std::size_t begin = last_end_;
    while (is_between_tokens(tape_.text[begin])) ++begin;
    if (!add(kind, begin)) return false;
    last_end_ = source_.Tell();
    Node& node = tape_.nodes.back();
    node.end = static_cast<std::uint32_t>(last_end_);
    node.truth = truth;
    return true;
  }

  bool add(Kind kind, std::size_t begin) {
    if (tape_.nodes.size() >= limits_.max_nodes) {
      return fail("json_too_many_values", begin,
                  fmt::format("a text may have {} values and keys", limits_.max_nodes));
    }
    const auto next = static_cast<std::uint32_t>(tape_.nodes.size() + 1);
    tape_.nodes.push_back(Node{.begin = static_cast<std::uint32_t>(begin),
                               .end = 0,
                               .next = next,
                               .count = 0,
                               .decoded = 0,
                               .kind = kind,
                               .escaped = false,
                               .truth = false});
    return true;
  }

  static bool is_between_tokens(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ':';
  }

  /// RapidJSON refuses a lone high surrogate but encodes a lone low one: ED A0..BF xx.
  static bool has_surrogate(std::string_view utf8) {
    for (std::size_t i = 0; i + 1 < utf8.size(); ++i) {
      if (static_cast<unsigned char>(utf8[i]) == 0xed &&
          static_cast<unsigned char>(utf8[i + 1]) >= 0xa0) {
        return true;
      }
    }
    return false;
  }

  /// Parsers disagree on which of two equal keys counts, so neither does. Sorting keeps the cost
  /// at n log n whatever the keys are.
  bool unique_keys(std::uint32_t object) {
    keys_.clear();
    const std::uint32_t last = tape_.nodes[object].next;
    for (std::uint32_t key = object + 1; key < last; key = tape_.nodes[key + 1].next) {
      keys_.push_back(key);
    }
    const auto text = [this](std::uint32_t key) { return tape_.string(tape_.nodes[key]); };
    std::sort(keys_.begin(), keys_.end(), [&text](std::uint32_t a, std::uint32_t b) {
      const int order = text(a).compare(text(b));
      return order != 0 ? order < 0 : a < b;
    });
    const auto equal = [&text](std::uint32_t a, std::uint32_t b) { return text(a) == text(b); };
    const auto twice = std::adjacent_find(keys_.begin(), keys_.end(), equal);
    if (twice == keys_.end()) return true;
    return fail("json_duplicate_key", tape_.nodes[*(twice + 1)].begin,
                "an object has this key twice, and readers differ on which one counts");
  }

  bool fail(std::string_view code, std::size_t offset, std::string_view what) {
    error_ = fault(code, offset, what);
    return false;
  }

  Tape& tape_;
  const Source& source_;
  Limits limits_;
  std::size_t last_end_ = 0;
  std::vector<std::uint32_t> open_;
  std::vector<std::uint32_t> keys_;
  std::optional<Error> error_;
};

template <class Number>
std::optional<Number> read_number(std::string_view raw) {
  Number number{};
  const char* end = raw.data() + raw.size();
  const auto [stop, fault] = std::from_chars(raw.data(), end, number);
  if (fault != std::errc() || stop != end) return std::nullopt;
  return number;
}

Error syntax_error(const rapidjson::ParseResult& result) {
  const bool unicode = result.Code() == rapidjson::kParseErrorStringInvalidEncoding ||
                       result.Code() == rapidjson::kParseErrorStringUnicodeSurrogateInvalid;
  std::string_view what = rapidjson::GetParseError_En(result.Code());
  if (!what.empty() && what.back() == '.') what.remove_suffix(1);
  return fault(unicode ? "json_invalid_unicode" : "json_invalid", result.Offset(), what);
}

}  // namespace

Document::Document(std::unique_ptr<Tape> tape) : tape_(std::move(tape)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::parse(std::string_view text, Limits limits) {
  if (text.size() >= UINT32_MAX) return fault("json_too_large", 0, "the text exceeds 4 GiB");
  auto tape = std::make_unique<Tape>();
  tape->text = text;
  Source source(text);
  Builder builder(*tape, source, limits);
  rapidjson::Reader reader;
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  const rapidjson::ParseResult result = reader.Parse<kFlags>(source, builder);
  if (builder.error()) return *builder.error();
  if (result.IsError()) return syntax_error(result);
  // RapidJSON takes a NUL byte for the end of the text.
  if (source.Tell() != text.size()) {
    return fault("json_invalid", source.Tell(), "there is a NUL byte after the value");
  }
  return Document(std::move(tape));
}

Value Document::root() const {
  return {tape_.get(), 0};
}
std::string_view Document::text() const {
  return tape_->text;
}

Kind Value::kind() const {
  return tape_ == nullptr ? Kind::absent : tape_->nodes[index_].kind;
}

Value Value::find(std::string_view key) const {
  for (const Member& member : members()) {
    if (member.key == key) return member.value;
  }
  return {};
}

std::size_t Value::size() const {
  return is(Kind::array) || is(Kind::object) ? tape_->nodes[index_].count : 0;
}

Elements Value::elements() const {
  Elements out;
  if (!is(Kind::array)) return out;
  out.tape_ = tape_;
  out.first_ = index_ + 1;
  out.last_ = tape_->nodes[index_].next;
  return out;
}

Members Value::members() const {
  Members out;
  if (!is(Kind::object)) return out;
  out.tape_ = tape_;
  out.first_ = index_ + 1;
  out.last_ = tape_->nodes[index_].next;
  return out;
}

std::optional<std::string_view> Value::as_string() const {
  if (!is(Kind::string)) return std::nullopt;
  return tape_->string(tape_->nodes[index_]);
}

std::optional<std::uint64_t> Value::as_u64() const {
  return is(Kind::number) ? read_number<std::uint64_t>(raw()) : std::nullopt;
}

std::optional<std::int64_t> Value::as_i64() const {
  return is(Kind::number) ? read_number<std::int64_t>(raw()) : std::nullopt;
}

std::optional<double> Value::as_double() const {
  return is(Kind::number) ? read_number<double>(raw()) : std::nullopt;
}

std::optional<bool> Value::as_bool() const {
  if (!is(Kind::boolean)) return std::nullopt;
  return tape_->nodes[index_].truth;
}

std::string_view Value::raw() const {
  return tape_ == nullptr ? std::string_view() : tape_->raw(tape_->nodes[index_]);
}

std::size_t Value::offset() const {
  return tape_ == nullptr ? 0 : tape_->nodes[index_].begin;
}

Elements::Iterator& Elements::Iterator::operator++() {
  index_ = tape_->nodes[index_].next;
  return *this;
}

Member Members::Iterator::operator*() const {
  return Member{.key_value = {tape_, index_},
                .key = tape_->string(tape_->nodes[index_]),
                .value = {tape_, index_ + 1}};
}

Members::Iterator& Members::Iterator::operator++() {
  index_ = tape_->nodes[index_ + 1].next;
  return *this;
}

}  // namespace cocoon::json
