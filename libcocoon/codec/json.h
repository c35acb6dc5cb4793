#pragma once
/// @file JSON with source offsets: a strict parser into a flat tape, and a small writer.
///
/// A request body is forwarded byte for byte and only spliced, so every value remembers which bytes
/// of the text it came from. RFC 8259, stricter where that is safer: duplicate keys, invalid UTF-8,
/// lone surrogates, a byte order mark and anything after the value are refused.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "cocoon/result.h"

namespace cocoon::json {

/// What a value is. `absent` is the answer to a lookup that found nothing.
enum class Kind : std::uint8_t { absent, null, boolean, number, string, array, object };

/// Bounds of one parse, so that a small text cannot make a large tree.
struct Limits {
  /// Arrays and objects inside one another; the outermost counts 1.
  std::size_t max_depth = limits::kMaxJsonDepth;
  /// Values and keys together.
  std::size_t max_nodes = limits::kMaxJsonNodes;
};

class Value;
class Elements;
class Members;
struct Member;
struct Tape;

/// One parsed text. It refers to the text and does not copy it: the text must outlive the document
/// and every Value and view from it. Moving a document leaves its values valid.
class Document {
 public:
  /// Parses exactly one value with optional white space around it.
  /// Errors are of kind invalid_argument and name a byte offset, never content: "json_invalid",
  /// "json_invalid_unicode", "json_duplicate_key", "json_too_deep", "json_too_many_values",
  /// "json_too_large" (4 GiB).
  static Result<Document> parse(std::string_view text, Limits limits = {});

  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  Value root() const;
  std::string_view text() const;

 private:
  explicit Document(std::unique_ptr<Tape> tape);

  std::unique_ptr<Tape> tape_;
};

/// A handle to one value of a Document: two words, copied freely, valid as long as the document.
/// Reading a value as something it is not gives nothing; no accessor fails otherwise.
class Value {
 public:
  /// An absent value.
  Value() = default;

  Kind kind() const;
  bool is(Kind kind) const { return this->kind() == kind; }
  /// Whether there is a value at all (it may be null).
  explicit operator bool() const { return tape_ != nullptr; }

  /// The member of this object with that (unescaped) key; absent where there is none, or where this
  /// is no object, so that lookups chain. Linear in the number of members.
  Value find(std::string_view key) const;
  /// Elements of an array, members of an object, else 0.
  std::size_t size() const;
  /// Range over an array's elements; empty for anything else.
  Elements elements() const;
  /// Range over an object's members in source order; empty for anything else.
  Members members() const;

  /// The text of a string, unescaped. A view of the source, or of the document where the source had
  /// escapes.
  std::optional<std::string_view> as_string() const;
  /// A number written as an integer (no fraction, no exponent) that fits.
  std::optional<std::uint64_t> as_u64() const;
  std::optional<std::int64_t> as_i64() const;
  /// Any number in the range of double.
  std::optional<double> as_double() const;
  std::optional<bool> as_bool() const;

  /// The exact source bytes of this value, quotes or brackets included, without surrounding space.
  std::string_view raw() const;
  /// Where `raw()` begins in the text; 0 where absent.
  std::size_t offset() const;
  /// Where `raw()` ends in the text.
  std::size_t end_offset() const { return offset() + raw().size(); }

 private:
  friend class Document;
  friend class Elements;
  friend class Members;
  Value(const Tape* tape, std::uint32_t index) : tape_(tape), index_(index) {}

  const Tape* tape_ = nullptr;
  std::uint32_t index_ = 0;
};

/// One `"key": value` of an object.
struct Member {
  Value key_value;       ///< the key as a string value, for its offsets
  std::string_view key;  ///< unescaped
  Value value;
};

/// The elements of an array, for range-for.
class Elements {
 public:
  class Iterator {
   public:
    Value operator*() const { return {tape_, index_}; }
    Iterator& operator++();
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.index_ == b.index_; }

   private:
    friend class Elements;
    Iterator(const Tape* tape, std::uint32_t index) : tape_(tape), index_(index) {}
    const Tape* tape_;
    std::uint32_t index_;
  };

  Iterator begin() const { return {tape_, first_}; }
  Iterator end() const { return {tape_, last_}; }

 private:
  friend class Value;
  const Tape* tape_ = nullptr;
  std::uint32_t first_ = 0;
  std::uint32_t last_ = 0;
};

/// The members of an object, for range-for.
class Members {
 public:
  class Iterator {
   public:
    Member operator*() const;
    Iterator& operator++();
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.index_ == b.index_; }

   private:
    friend class Members;
    Iterator(const Tape* tape, std::uint32_t index) : tape_(tape), index_(index) {}
    const Tape* tape_;
    std::uint32_t index_;
  };

  Iterator begin() const { return {tape_, first_}; }
  Iterator end() const { return {tape_, last_}; }

 private:
  friend class Value;
  const Tape* tape_ = nullptr;
  std::uint32_t first_ = 0;
  std::uint32_t last_ = 0;
};

/// Appends `text` to `out` as a quoted JSON string. Bytes that are not UTF-8 become U+FFFD, so the
/// output is valid whatever comes in.
void append_quoted(std::string& out, std::string_view text);

/// `text` as a quoted JSON string; see append_quoted.
std::string escape(std::string_view text);

/// Builds one JSON text from front to back, placing commas. It does not check that calls are in a
/// sensible order: `w.begin_object().key("n").u64(1).end_object().take()`.
class Writer {
 public:
  Writer& begin_object() { return open('{'); }
  Writer& end_object() { return close('}'); }
  Writer& begin_array() { return open('['); }
  Writer& end_array() { return close(']'); }
  Writer& key(std::string_view name);
  Writer& string(std::string_view text);
  Writer& u64(std::uint64_t number);
  Writer& i64(std::int64_t number);
  Writer& boolean(bool value) { return raw(value ? "true" : "false"); }
  Writer& null() { return raw("null"); }
  /// Inserts `json`, which must be one complete JSON value, as it is.
  Writer& raw(std::string_view json);

  const std::string& text() const { return out_; }
  /// The finished text; the writer is empty afterwards.
  std::string take();

 private:
  Writer& open(char bracket);
  Writer& close(char bracket);
  void separate();

  std::string out_;
  bool comma_due_ = false;
};

}  // namespace cocoon::json
