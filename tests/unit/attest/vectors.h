#pragma once
/// @file Reads the public vectors of tests/vectors/attestation (see MANIFEST.md there).

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "attest/collateral.h"
#include "attest/text.h"
#include "attest/trusted_root.h"
#include "base/bytes.h"
#include "base/time.h"
#include "codec/json.h"

namespace cocoon::attest::test {

inline std::filesystem::path vector_dir() {
  return std::filesystem::path(COCOON_TEST_VECTORS) / "attestation";
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline Bytes read_bytes(const std::filesystem::path& path) {
  return to_bytes(as_bytes(read_text(path)));
}

/// One folder of dcap/ or dcap-synthetic/.
struct Vector {
  std::string id;
  Bytes quote;
  CollateralText collateral;
  TrustedRoot root = TrustedRoot::intel();
  UnixTime now{};
  std::string verdict;  ///< as expected.json has it
  bool strict_accept = false;
};

/// The leading [A-Za-z_]+ of a verdict: its class (attestation.md "Verdict classes").
inline std::string leading_word(const std::string& verdict) {
  std::size_t end = 0;
  while (end < verdict.size() &&
         (std::isalpha(static_cast<unsigned char>(verdict[end])) != 0 || verdict[end] == '_')) {
    ++end;
  }
  return verdict.substr(0, end);
}

/// Reads the folder `name`, for example "dcap/r01-tdx4-uptodate".
inline Vector load_vector(const std::string& name) {
  const std::filesystem::path dir = vector_dir() / name;
  Vector out;
  out.id = dir.filename();
  out.quote = read_bytes(dir / "quote.bin");
  out.collateral = CollateralText::from_json(read_text(dir / "collateral.json")).value();
  const std::string text = read_text(dir / "expected.json");
  const json::Document expected = json::Document::parse(text).value();
  out.now = parse_utc(*expected.root().find("verification_time").as_string()).value();
  out.verdict = *expected.root().find("verdict").as_string();
  out.strict_accept = *expected.root().find("accept_under_default_strict_policy").as_bool();
  const std::string root(*expected.root().find("trusted_root").as_string());
  if (root != "Intel SGX Root CA") {
    out.root = TrustedRoot::stand_in_for_intel(read_text(dir / root)).value();
  }
  return out;
}

/// The names of all folders, sorted.
inline std::vector<std::string> vector_names() {
  std::vector<std::string> out;
  for (const char* group : {"dcap", "dcap-synthetic"}) {
    for (const auto& entry : std::filesystem::directory_iterator(vector_dir() / group)) {
      if (entry.is_directory()) out.push_back(group + ("/" + entry.path().filename().string()));
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// Test names may hold letters, digits and underscores only.
inline std::string test_name(std::string name) {
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

}  // namespace cocoon::attest::test
