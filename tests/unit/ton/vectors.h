#pragma once
/// @file Reads the vectors of tests/vectors/ton (see MANIFEST.md there).

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/bytes.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "support/seeded_random.h"
#include "ton/address.h"
#include "ton/boc.h"

namespace cocoon::ton::test {

inline std::string read_text(const std::string& name) {
  const auto path = std::filesystem::path(COCOON_TEST_VECTORS) / "ton" / name;
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
inline Bytes read_bytes(const std::string& name) {
  return to_bytes(as_bytes(read_text(name)));
}

/// One of the files that are a list of cases.
class VectorFile {
 public:
  explicit VectorFile(const std::string& name)
      : text_(read_text(name)),
        document_(json::Document::parse(text_, {.max_depth = 16, .max_nodes = 100'000}).value()) {
    EXPECT_GT(document_.root().size(), 0u) << name;
  }
  json::Elements cases() const { return document_.root().elements(); }

 private:
  std::string text_;
  json::Document document_;
};

inline std::string text(json::Value object, std::string_view key) {
  const auto value = object.find(key).as_string();
  EXPECT_TRUE(value) << key;
  return std::string(value.value_or(""));
}
/// A number, or one written as a string of decimal digits.
inline std::uint64_t number(json::Value value) {
  if (const auto direct = value.as_u64()) return *direct;
  const auto digits = value.as_string();
  EXPECT_TRUE(digits);
  return digits ? std::stoull(std::string(*digits)) : 0;
}
inline std::uint64_t number(json::Value object, std::string_view key) {
  return number(object.find(key));
}
inline Bytes hex(json::Value object, std::string_view key) {
  return from_hex(text(object, key)).value();
}
inline Hash hash(json::Value object, std::string_view key) {
  return array_from_hex<32>(text(object, key)).value();
}
inline Bytes base64(json::Value object, std::string_view key) {
  return from_base64(text(object, key)).value();
}
/// The only root of a bag in base64.
inline CellRef cell(json::Value object, std::string_view key) {
  return parse_boc_root(base64(object, key)).value();
}
inline Address address(json::Value object, std::string_view key) {
  return parse_address(text(object, key)).value().address;
}

using SeededRandom = cocoon::test::SplitMix;

/// `size` random bits.
inline BitString random_bits(Random& random, unsigned size) {
  BitString out;
  for (unsigned i = 0; i < size; ++i) EXPECT_TRUE(out.append(random.below(2), 1));
  return out;
}

}  // namespace cocoon::ton::test
