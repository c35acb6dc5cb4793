#include "http/openai_error.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace cocoon::http {
namespace {

json::Document parsed(const std::string& text) {
  auto document = json::Document::parse(text);
  EXPECT_TRUE(document) << text;
  return std::move(document).value();
}

TEST(HttpStatus, OfEveryKind) {
  const std::pair<ErrorKind, int> expected[] = {
      {ErrorKind::invalid_argument, 400}, {ErrorKind::unauthorized, 401},
      {ErrorKind::payment, 402},          {ErrorKind::not_found, 404},
      {ErrorKind::too_large, 413},        {ErrorKind::busy, 429},
      {ErrorKind::upstream, 502},         {ErrorKind::attestation, 502},
      {ErrorKind::protocol, 502},         {ErrorKind::unavailable, 503},
      {ErrorKind::timeout, 504},          {ErrorKind::io, 500},
      {ErrorKind::internal, 500},         {ErrorKind::cancelled, 499}};
  for (const auto& [kind, status] : expected)
    EXPECT_EQ(http_status(kind, "x"), status) << to_string(kind);
}

TEST(HttpStatus, CallersOwnSlownessIs408) {
  EXPECT_EQ(http_status(ErrorKind::timeout, "request_body_too_slow"), 408);
}

TEST(ErrorBody, HasOpenAisShape) {
  EXPECT_EQ(
      error_body(Error(ErrorKind::busy, "no_capacity", "All workers are busy.")),
      R"({"error":{"message":"All workers are busy.","type":"rate_limit_error","param":null,"code":"no_capacity"}})");
}

TEST(ErrorBody, NamesTheFieldAtFault) {
  const Error error(ErrorKind::invalid_argument, "bad_max_tokens", "x");
  const std::string known = error_body(error);
  EXPECT_EQ(parsed(known).root().find("error").find("param").as_string(), "max_tokens");
  const std::string given = error_body(error, "max_output_tokens");
  EXPECT_EQ(parsed(given).root().find("error").find("param").as_string(), "max_output_tokens");
}

TEST(ErrorBody, AnyDetailIsValidJson) {
  const std::string body = error_body(Error(ErrorKind::upstream, "x", "a\"\\\n\x01\xff"));
  EXPECT_EQ(parsed(body).root().find("error").find("message").as_string(),
            "a\"\\\n\x01\xef\xbf\xbd");
}

TEST(RetryAdvice, OnlyForWhatMayPass) {
  EXPECT_EQ(retry_advice(Error(ErrorKind::busy, "x", ""), false, 0).retry_after_s, 1u);
  EXPECT_EQ(retry_advice(Error(ErrorKind::busy, "x", ""), false, 9).retry_after_s, 9u);
  EXPECT_EQ(retry_advice(Error(ErrorKind::unavailable, "x", ""), false, 0).retry_after_s, 5u);
  EXPECT_EQ(retry_advice(Error(ErrorKind::upstream, "x", ""), false, 9).retry_after_s, 0u);
}

TEST(RetryAdvice, NeverWhereItWouldPayAgain) {
  EXPECT_TRUE(retry_advice(Error(ErrorKind::upstream, "x", ""), true, 0).forbid_retry);
  EXPECT_FALSE(retry_advice(Error(ErrorKind::upstream, "x", ""), false, 0).forbid_retry);
}

TEST(ErrorEvent, IsOneServerSentEvent) {
  const Error error(ErrorKind::upstream, "engine_failed", "a\nb");
  EXPECT_EQ(error_event(error), "data: " + error_body(error) + "\n\n");
}

}  // namespace
}  // namespace cocoon::http
