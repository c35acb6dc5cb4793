#pragma once
/// @file The JSON files under tests/vectors/protocol: written readably, read strictly.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "base/bytes.h"
#include "codec/hex.h"
#include "codec/json.h"

namespace cocoon::test {

/// Builds indented JSON in which the test says the order.
class VectorWriter {
 public:
  VectorWriter& object(std::string_view key = {}) { return begin(key, '{'); }
  VectorWriter& array(std::string_view key = {}) { return begin(key, '['); }
  VectorWriter& end() {
    const char bracket = open_.back() == '{' ? '}' : ']';
    open_.pop_back();
    text_ += "\n" + std::string(2 * open_.size(), ' ') + bracket;
    first_ = false;
    return *this;
  }
  VectorWriter& hex(std::string_view key, ByteView bytes) { return text(key, to_hex(bytes)); }
  VectorWriter& text(std::string_view key, std::string_view value) {
    json::Writer quoted;
    quoted.string(value);
    return raw(key, quoted.take());
  }
  VectorWriter& number(std::string_view key, std::uint64_t value) {
    return raw(key, std::to_string(value));
  }
  VectorWriter& raw(std::string_view key, std::string_view json) {
    next(key);
    text_ += json;
    return *this;
  }
  std::string take() { return std::move(text_) + "\n"; }

 private:
  VectorWriter& begin(std::string_view key, char bracket) {
    next(key);
    text_ += bracket;
    open_ += bracket;
    first_ = true;
    return *this;
  }
  void next(std::string_view key) {
    if (!open_.empty()) {
      text_ += first_ ? "\n" : ",\n";
      text_ += std::string(2 * open_.size(), ' ');
    }
    first_ = false;
    if (!key.empty()) text_ += "\"" + std::string(key) + "\": ";
  }

  std::string text_;
  std::string open_;
  bool first_ = true;
};

inline std::string vector_path(std::string_view name) {
  return std::string(COCOON_TEST_VECTORS) + "/protocol/" + std::string(name);
}

inline std::string read_vectors(std::string_view name) {
  std::ifstream in(vector_path(name), std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Compares `made` with the checked-in file, or writes it where COCOON_WRITE_VECTORS is set.
inline void expect_checked_in(std::string_view name, const std::string& made) {
  if (std::getenv("COCOON_WRITE_VECTORS") != nullptr) {
    std::ofstream(vector_path(name), std::ios::binary) << made;
  }
  EXPECT_EQ(read_vectors(name), made) << vector_path(name);
}

/// A parsed vector file. A missing or wrong member is a failure of the test.
class VectorReader {
 public:
  explicit VectorReader(std::string_view name)
      : text_(read_vectors(name)), document_(json::Document::parse(text_).value()) {}
  json::Value root() const { return document_.root(); }

 private:
  std::string text_;
  json::Document document_;
};

inline Bytes hex_of(json::Value object, std::string_view key) {
  const auto text = object.find(key).as_string();
  EXPECT_TRUE(text) << key;
  return from_hex(text.value_or("")).value();
}
template <std::size_t N>
ByteArray<N> array_of(json::Value object, std::string_view key) {
  const auto out = to_array<N>(hex_of(object, key));
  EXPECT_TRUE(out) << key;
  return out.value_or(ByteArray<N>{});
}
inline std::string text_of(json::Value object, std::string_view key) {
  const auto text = object.find(key).as_string();
  EXPECT_TRUE(text) << key;
  return std::string(text.value_or(""));
}
inline std::uint64_t number_of(json::Value object, std::string_view key) {
  const auto number = object.find(key).as_u64();
  EXPECT_TRUE(number) << key;
  return number.value_or(0);
}

}  // namespace cocoon::test
