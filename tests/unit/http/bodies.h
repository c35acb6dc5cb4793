#pragma once
/// @file Request bodies, and what is read of them.

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "http/openai_request.h"
#include "unit/http/endpoints.h"

namespace cocoon::http::test {

/// The code of the error that refuses `body`, or "allowed".
inline std::string code_of(Endpoint endpoint, std::string_view body) {
  const auto facts = inspect_request(endpoint, body);
  if (!facts) {
    EXPECT_EQ(facts.error().kind(), ErrorKind::invalid_argument) << body;
    return std::string(facts.error().code());
  }
  const Status allowed = check_allowed(facts.value());
  return allowed ? "allowed" : std::string(allowed.error().code());
}

inline RequestFacts facts_of(Endpoint endpoint, std::string_view body) {
  auto facts = inspect_request(endpoint, body);
  EXPECT_TRUE(facts) << body << (facts ? "" : facts.error().detail());
  return facts ? std::move(facts).value() : RequestFacts{};
}

/// A chat request with further members.
inline std::string chat(std::string_view members) {
  return R"({"model":"m","messages":[{"role":"user","content":"hi"}])" +
         std::string(members.empty() ? "" : ",") + std::string(members) + "}";
}
/// A chat request with one content part.
inline std::string chat_part(std::string_view part) {
  return R"({"model":"m","messages":[{"role":"user","content":[)" + std::string(part) + "]}]}";
}
/// A Responses request with one input item.
inline std::string response_item(std::string_view item) {
  return R"({"model":"m","input":[)" + std::string(item) + "]}";
}

}  // namespace cocoon::http::test
