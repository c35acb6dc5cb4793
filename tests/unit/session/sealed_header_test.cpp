#include "session/sealed_header.h"

#include <gtest/gtest.h>

#include "unit/session/fixtures.h"

namespace cocoon {
namespace {

using namespace session;
using test::Network;

RequestHeader random_header() {
  Network network;
  RequestHeader out = network.header();
  out.request_id = network.random.array<16>();
  for (const auto& worker : network.workers) out.candidates.push_back(worker.keys.id());
  out.padded_body_length = padded_body_length(5000);
  return out;
}

Bytes encoded(const RequestHeader& h) {
  return encode_request_header(h).value();
}

TEST(RequestHeader, EveryPrefixAndAnyTailIsRefused) {
  Bytes bytes = encoded(random_header());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(decode_request_header(ByteView(bytes).first(n))) << n;
  }
  bytes.push_back(0);
  const auto longer = decode_request_header(bytes);
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code(), "bad_request_header");
}

template <class Change>
void expect_refused(std::string_view field, Change change) {
  RequestHeader h = random_header();
  change(h);
  const auto bytes = encode_request_header(h);
  ASSERT_FALSE(bytes) << field;
  EXPECT_EQ(bytes.error().kind(), ErrorKind::invalid_argument);
  EXPECT_NE(bytes.error().detail().find(field), std::string::npos) << bytes.error().detail();
}

TEST(RequestHeader, WhatNoHeaderMayHoldIsNotEncoded) {
  expect_refused("endpoint", [](auto& h) { h.endpoint = static_cast<Endpoint>(9); });
  expect_refused("choices", [](auto& h) { h.choices = 0; });
  expect_refused("choices", [](auto& h) { h.choices = limits::kMaxChoices + 1; });
  expect_refused("not_after",
                 [](auto& h) { h.not_after = unix_seconds(limits::kMaxUnixSeconds + 1); });
  expect_refused("padded_body_length", [](auto& h) { h.padded_body_length = 5004; });
  expect_refused("padded_body_length", [](auto& h) { h.padded_body_length = 0; });
  expect_refused("padded_body_length",
                 [](auto& h) { h.padded_body_length = std::uint64_t{1} << 26; });
  expect_refused("candidates", [](auto& h) { h.candidates.clear(); });
  expect_refused("candidates", [](auto& h) { h.candidates.push_back({}); });
  expect_refused("candidates", [](auto& h) { h.candidates[2] = h.candidates[0]; });
  expect_refused("model", [](auto& h) { h.model.clear(); });
  expect_refused("model", [](auto& h) { h.model.assign(257, 'm'); });
  expect_refused("model", [](auto& h) { h.model = "a\nb"; });
}

TEST(RequestHeader, AnotherVersionOrSuiteIsRefused) {
  Bytes bytes = encoded(random_header());
  ++bytes[0];
  EXPECT_EQ(decode_request_header(bytes).error().code(), "bad_request_header");
  --bytes[0];
  ++bytes[1];
  EXPECT_EQ(decode_request_header(bytes).error().code(), "unsupported_suite");
}

TEST(RequestHeader, WhatIsAcceptedAfterAFlippedBitEncodesToTheSameBytes) {
  const Bytes bytes = encoded(random_header());
  for (std::size_t i = 0; i < 8 * bytes.size(); ++i) {
    Bytes changed = bytes;
    changed[i / 8] ^= static_cast<std::uint8_t>(1u << (i % 8));
    const auto decoded = decode_request_header(changed);
    if (!decoded) continue;
    EXPECT_EQ(encoded(*decoded), changed) << "bit " << i;
    EXPECT_NE(*decoded, random_header()) << "bit " << i;
  }
}

TEST(RequestHeader, ComesBackAsItWas) {
  const auto decoded = decode_request_header(encoded(random_header()));
  ASSERT_TRUE(decoded) << decoded.error().detail();
  EXPECT_EQ(*decoded, random_header());
}

TEST(RequestHeader, TheLargestOneFitsItsBound) {
  RequestHeader h = random_header();
  h.model.assign(limits::kMaxModelIdBytes, 'm');
  EXPECT_LE(encoded(h).size(), limits::kMaxSealedHeaderBytes);
}

TEST(Endpoints, HaveOnePathEach) {
  for (const auto endpoint : {Endpoint::chat_completions, Endpoint::completions,
                              Endpoint::embeddings, Endpoint::responses}) {
    EXPECT_EQ(endpoint_of(path_of(endpoint)), endpoint);
  }
  EXPECT_FALSE(endpoint_of("/v1/chat/completions/"));
  EXPECT_FALSE(endpoint_of("/v1/files"));
}

}  // namespace
}  // namespace cocoon
