#include "codec/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "codec/json_tokens.h"
#include "codec/utf8.h"

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

Error fault(std::string_view code, std::size_t offset, std::string_view what) {
  return Error(ErrorKind::invalid_argument, code,
               fmt::format("The JSON text is refused at byte {}: {}.", offset, what));
}

/// Reads a text into a tape, without recursion. Every step returns false after a fault.
class Parser {
 public:
  Parser(Tape& tape, const Limits& limits) : tape_(tape), text_(tape.text), limits_(limits) {}

  Status run() {
    // A guess that fits most texts, so that the tape of a small one is allocated once.
    tape_.nodes.reserve(std::min<std::size_t>(text_.size() / 8 + 4, 4096));
    Want want = Want::value;
    while (want != Want::end) {
      skip_space();
      if (!step(want)) return *error_;
    }
    skip_space();
    if (at_ != text_.size()) {
      return fault("json_invalid", at_, "there is something after the value");
    }
    return ok();
  }

 private:
  enum class Want : std::uint8_t {
    value,
    first_element,  // or the end of the array
    first_key,      // or the end of the object
    key,
    more,  // a comma, or the end of the array or object
    end
  };
  static constexpr std::uint32_t kNone = UINT32_MAX;

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
      ++at_;
    }
  }

  bool step(Want& want) {
    switch (want) {
      case Want::first_element:
        if (peek() == ']') return close(want);
        return take_value(want);
      case Want::first_key:
        if (peek() == '}') return close(want);
        return take_key(want);
      case Want::key: return take_key(want);
      case Want::more: return take_separator(want);
      default: return take_value(want);
    }
  }

  bool take_value(Want& want) {
    switch (peek()) {
      case '{': return open(Kind::object, want);
      case '[': return open(Kind::array, want);
      case '"': return take_string() && end_value(want);
      case 't': return take_word("true", Kind::boolean) && end_value(want);
      case 'f': return take_word("false", Kind::boolean) && end_value(want);
      case 'n': return take_word("null", Kind::null) && end_value(want);
      default: return take_number() && end_value(want);
    }
  }

  bool take_key(Want& want) {
    if (peek() != '"') return invalid("a key in quotes was expected");
    if (!take_string()) return false;
    skip_space();
    if (peek() != ':') return invalid("a colon was expected");
    ++at_;
    want = Want::value;
    return true;
  }

  bool take_separator(Want& want) {
    const bool object = tape_.nodes[current_].kind == Kind::object;
    if (peek() == ',') {
      ++at_;
      want = object ? Want::key : Want::value;
      return true;
    }
    if (peek() == (object ? '}' : ']')) return close(want);
    return invalid("a comma or the end of the array or object was expected");
  }

  bool end_value(Want& want) {
    if (current_ != kNone) ++tape_.nodes[current_].count;
    want = current_ == kNone ? Want::end : Want::more;
    return true;
  }

  /// While a container is open, its `next` holds the container around it: no stack is needed.
  bool open(Kind kind, Want& want) {
    if (depth_ >= limits_.max_depth) {
      return fail("json_too_deep",
                  fmt::format("arrays and objects may be nested {} deep", limits_.max_depth));
    }
    if (!add(kind)) return false;
    tape_.nodes.back().next = current_;
    current_ = static_cast<std::uint32_t>(tape_.nodes.size() - 1);
    ++depth_;
    ++at_;
    want = kind == Kind::object ? Want::first_key : Want::first_element;
    return true;
  }

  bool close(Want& want) {
    ++at_;
    Node& node = tape_.nodes[current_];
    const std::uint32_t closed = std::exchange(current_, node.next);
    node.end = static_cast<std::uint32_t>(at_);
    node.next = static_cast<std::uint32_t>(tape_.nodes.size());
    --depth_;
    return (node.kind != Kind::object || unique_keys(closed)) && end_value(want);
  }

  bool take_word(std::string_view word, Kind kind) {
    if (text_.substr(at_, word.size()) != word) return invalid("a value was expected");
    if (!add(kind)) return false;
    tape_.nodes.back().truth = word == "true";
    end_scalar(word.size());
    return true;
  }

  bool take_number() {
    const std::size_t length = number_length(text_.substr(at_));
    if (length == 0) return invalid("a value was expected");
    if (!add(Kind::number)) return false;
    end_scalar(length);
    return true;
  }

  bool take_string() {
    if (!add(Kind::string)) return false;
    bool escaped = false;
    std::size_t end = at_ + 1;
    while (true) {
      end += plain_length(text_.substr(end));
      const char c = end < text_.size() ? text_[end] : '\0';
      if (c == '"') break;
      std::size_t length = 0;
      if (c == '\\') {
        const Escape escape = read_escape(text_.substr(end));
        if (escape.lone_surrogate) {
          return unicode(end, "an escaped surrogate lacks its other half");
        }
        escaped = true;
        length = escape.length;
      } else if (static_cast<unsigned char>(c) >= 0x80) {
        length = utf8_sequence_length(text_.substr(end));
        if (length == 0) return unicode(end, "a string has bytes that are not UTF-8");
      }
      if (length == 0) {
        at_ = end;
        return invalid("a string lacks its end, or has a bad escape or a control character");
      }
      end += length;
    }
    Node& node = tape_.nodes.back();
    if (escaped) {
      node.escaped = true;
      node.decoded = static_cast<std::uint32_t>(tape_.decoded.size());
      append_unescaped(tape_.decoded, text_.substr(at_ + 1, end - at_ - 1));
      node.count = static_cast<std::uint32_t>(tape_.decoded.size()) - node.decoded;
    }
    end_scalar(end + 1 - at_);
    return true;
  }

  void end_scalar(std::size_t length) {
    at_ += length;
    tape_.nodes.back().end = static_cast<std::uint32_t>(at_);
  }

  bool add(Kind kind) {
    if (tape_.nodes.size() >= limits_.max_nodes) {
      return fail("json_too_many_values",
                  fmt::format("a text may have {} values and keys", limits_.max_nodes));
    }
    const auto next = static_cast<std::uint32_t>(tape_.nodes.size() + 1);
    tape_.nodes.push_back(Node{.begin = static_cast<std::uint32_t>(at_),
                               .end = 0,
                               .next = next,
                               .count = 0,
                               .decoded = 0,
                               .kind = kind,
                               .escaped = false,
                               .truth = false});
    return true;
  }

  /// Parsers disagree on which of two equal keys counts, so neither does. Small objects are
  /// compared pair by pair; sorting keeps the cost of large ones at n log n whatever the keys are.
  bool unique_keys(std::uint32_t object) {
    constexpr std::size_t kFewKeys = 16;
    if (tape_.nodes[object].count < 2) return true;
    keys_.clear();
    const std::uint32_t last = tape_.nodes[object].next;
    const bool few = tape_.nodes[object].count <= kFewKeys;
    std::uint64_t seen = 0;  // one bit for each length and last character: most keys meet no other
    for (std::uint32_t key = object + 1; key < last; key = tape_.nodes[key + 1].next) {
      const KeyText text{tape_.string(tape_.nodes[key]), key};
      const auto same = [&text](const KeyText& other) { return other.text == text.text; };
      const std::uint64_t bit = std::uint64_t{1} << mark_of(text.text);
      if (few && (seen & bit) != 0 && std::any_of(keys_.begin(), keys_.end(), same)) {
        return duplicate(key);
      }
      seen |= bit;
      keys_.push_back(text);
    }
    if (few) return true;
    std::sort(keys_.begin(), keys_.end());
    const auto twice =
        std::adjacent_find(keys_.begin(), keys_.end(),
                           [](const KeyText& a, const KeyText& b) { return a.text == b.text; });
    return twice == keys_.end() || duplicate((twice + 1)->node);
  }

  /// Equal keys have equal marks, below 64.
  static unsigned mark_of(std::string_view key) {
    const auto last = key.empty() ? 0U : static_cast<unsigned char>(key.back());
    return (static_cast<unsigned>(key.size()) * 7 + last) % 64;
  }

  bool duplicate(std::uint32_t key) {
    at_ = tape_.nodes[key].begin;
    return fail("json_duplicate_key",
                "an object has this key twice, and readers differ on which one counts");
  }
  bool invalid(std::string_view what) { return fail("json_invalid", what); }
  bool unicode(std::size_t offset, std::string_view what) {
    at_ = offset;
    return fail("json_invalid_unicode", what);
  }
  bool fail(std::string_view code, std::string_view what) {
    error_ = fault(code, at_, what);
    return false;
  }

  struct KeyText {
    std::string_view text;
    std::uint32_t node;
    friend auto operator<=>(const KeyText&, const KeyText&) = default;
  };

  Tape& tape_;
  std::string_view text_;
  Limits limits_;
  std::size_t at_ = 0;
  std::uint32_t current_ = kNone;  // the innermost open container
  std::size_t depth_ = 0;
  std::vector<KeyText> keys_;
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

}  // namespace

Document::Document(std::unique_ptr<Tape> tape) : tape_(std::move(tape)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::parse(std::string_view text, Limits limits) {
  if (text.size() >= UINT32_MAX) return fault("json_too_large", 0, "the text exceeds 4 GiB");
  auto tape = std::make_unique<Tape>();
  tape->text = text;
  COCOON_CHECK(Parser(*tape, limits).run());
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
  if (!is(Kind::object)) return {};
  const std::uint32_t last = tape_->nodes[index_].next;
  for (std::uint32_t at = index_ + 1; at < last; at = tape_->nodes[at + 1].next) {
    if (tape_->string(tape_->nodes[at]) == key) return {tape_, at + 1};
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
