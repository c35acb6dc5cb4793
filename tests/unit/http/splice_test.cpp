#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "codec/json.h"
#include "http/openai_request.h"
#include "unit/http/bodies.h"
#include "unit/http/endpoints.h"

namespace cocoon::http {
namespace {

using test::facts_of;
using test::kChat;
using test::kEmbed;
using test::kResponses;
using test::kText;

std::string spliced(Endpoint endpoint, std::string_view body, const RequestEdits& edits) {
  return splice(body, facts_of(endpoint, body), edits);
}

TEST(Splice, NoEditsLeaveEveryByte) {
  const std::string body =
      " {\n \"model\" : \"m\\u0041\", \"temperature\":1.50e+0, \"x\":[1 ,2],\"stream\":true}\r\n";
  EXPECT_EQ(spliced(kChat, body, {}), body);
}

TEST(Splice, AsksForUsageInStreamsOnly) {
  const RequestEdits edits{.include_usage = true};
  const std::tuple<Endpoint, const char*, const char*> cases[] = {
      {kChat, R"({"model":"m","stream":true})",
       R"({"stream_options":{"include_usage":true},"model":"m","stream":true})"},
      {kText, R"({"model":"m","prompt":"p","stream":true})",
       R"({"stream_options":{"include_usage":true},"model":"m","prompt":"p","stream":true})"},
      {kChat, R"({"model":"m","stream":true,"stream_options":{}})",
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})"},
      {kChat, R"({"model":"m","stream":true,"stream_options": { "x" : 1 } })",
       R"({"model":"m","stream":true,"stream_options": {"include_usage":true, "x" : 1 } })"},
      {kChat, R"({"model":"m","stream":true,"stream_options":null})",
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})"},
      {kChat, R"({"model":"m","stream":true,"stream_options":{"x":1,"include_usage":false}})",
       R"({"model":"m","stream":true,"stream_options":{"x":1,"include_usage":true}})"},
      {kChat, R"({"model":"m","stream":true,"stream_options":{"include_usage": null}})",
       R"({"model":"m","stream":true,"stream_options":{"include_usage": true}})"},
      {kChat, R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})",
       R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})"},
      {kChat, R"({"model":"m","stream":false})", R"({"model":"m","stream":false})"},
      {kResponses, R"({"model":"m","input":"x","stream":true})",
       R"({"model":"m","input":"x","stream":true})"},
  };
  for (const auto& [endpoint, body, expected] : cases)
    EXPECT_EQ(spliced(endpoint, body, edits), expected);
}

TEST(Splice, LimitsOutputUnderTheRightName) {
  const RequestEdits edits{.max_tokens = 100};
  EXPECT_EQ(spliced(kChat, R"({"model":"m"})", edits), R"({"max_tokens":100,"model":"m"})");
  EXPECT_EQ(spliced(kText, R"({"model":"m","prompt":"p"})", edits),
            R"({"max_tokens":100,"model":"m","prompt":"p"})");
  EXPECT_EQ(spliced(kResponses, R"({"model":"m","input":"x"})", edits),
            R"({"max_output_tokens":100,"model":"m","input":"x"})");
  EXPECT_EQ(spliced(kEmbed, R"({"model":"m","input":"x"})", edits), R"({"model":"m","input":"x"})");
}

TEST(Splice, ClampsALimitInItsPlace) {
  const RequestEdits edits{.max_tokens = 100};
  const std::pair<const char*, const char*> cases[] = {
      {R"({"model":"m","max_tokens": 101 })", R"({"model":"m","max_tokens": 100 })"},
      {R"({"model":"m","max_tokens":100})", R"({"model":"m","max_tokens":100})"},
      {R"({"model":"m","max_tokens":18446744073709551615})", R"({"model":"m","max_tokens":100})"},
      {R"({"model":"m","max_tokens":null})", R"({"model":"m","max_tokens":100})"},
      {R"({"max_\u0074okens":200,"model":"m"})", R"({"max_\u0074okens":100,"model":"m"})"}};
  for (const auto& [body, expected] : cases) EXPECT_EQ(spliced(kChat, body, edits), expected);
}

/// An engine passes over names that it does not know, and one that takes two for the same refuses
/// both: it sees one.
TEST(Splice, LimitsUnderOtherNamesBecomeTheOneThatEnginesKnow) {
  const RequestEdits edits{.max_tokens = 100};
  for (const char* alias :
       {"max_completion_tokens", "max_output_tokens", "n_predict", "max_new_tokens"}) {
    for (const Endpoint endpoint : {kChat, kText}) {
      const auto told = [&](const char* value) {
        return spliced(endpoint,
                       fmt::format(R"({{"{}":{},"model":"m","prompt":"p"}})", alias, value), edits);
      };
      EXPECT_EQ(told("1"), R"({"max_tokens":1,"model":"m","prompt":"p"})");
      EXPECT_EQ(told("101"), R"({"max_tokens":100,"model":"m","prompt":"p"})");
      EXPECT_EQ(told("null"), R"({"max_tokens":100,"model":"m","prompt":"p"})");
    }
  }
  EXPECT_EQ(spliced(kResponses, R"({"model":"m","input":"x","max_tokens":7})", edits),
            R"({"max_output_tokens":7,"model":"m","input":"x"})");
}

TEST(Splice, TheLeastOfSeveralLimitsIsLeft) {
  const RequestEdits edits{.max_tokens = 100};
  const std::pair<const char*, const char*> cases[] = {
      {R"({"model":"m","n_predict":20,"max_new_tokens":7})", R"({"max_tokens":7,"model":"m"})"},
      {R"({"model":"m","max_tokens":null,"max_new_tokens":7})", R"({"max_tokens":7,"model":"m"})"},
      {R"({"max_tokens":9,"max_new_tokens":7,"model":"m"})", R"({"max_tokens":7,"model":"m"})"},
      {R"({ "n_predict" : 7 , "max_tokens":9 , "model":"m" , "max_new_tokens" : 8 })",
       R"({"max_tokens":7  , "model":"m" })"},
      {R"({"n_predict":200,"model":"m","max_tokens":300})", R"({"max_tokens":100,"model":"m"})"}};
  for (const auto& [body, expected] : cases) EXPECT_EQ(spliced(kChat, body, edits), expected);
}

TEST(Splice, WhatOnlyScoresItsPromptStaysWithoutOutput) {
  const std::string body = R"({"model":"m","prompt":"p","echo":true,"max_tokens":0})";
  EXPECT_EQ(spliced(kText, body, {.max_tokens = 0}), body);
}

TEST(Splice, SetsTheCacheSalt) {
  const RequestEdits edits{.cache_salt = "s\"1"};
  EXPECT_EQ(spliced(kChat, R"({"model":"m"})", edits), R"({"cache_salt":"s\"1","model":"m"})");
  EXPECT_EQ(spliced(kChat, R"({"model":"m","cache_salt" : "theirs"})", edits),
            R"({"model":"m","cache_salt" : "s\"1"})");
}

TEST(Splice, TurnsStoringOff) {
  const RequestEdits edits{.store_false = true};
  EXPECT_EQ(spliced(kResponses, R"({"model":"m","input":"x"})", edits),
            R"({"store":false,"model":"m","input":"x"})");
  EXPECT_EQ(spliced(kResponses, R"({"model":"m","input":"x","store":null})", edits),
            R"({"model":"m","input":"x","store":false})");
}

TEST(Splice, AllEditsAtOnce) {
  const RequestEdits edits{
      .include_usage = true, .max_tokens = 5, .cache_salt = "s", .store_false = true};
  EXPECT_EQ(
      spliced(kChat, "\t{ \"stream\":true,\"model\":\"m\",\"max_tokens\":9,\"messages\":[ ]} ",
              edits),
      "\t{\"stream_options\":{\"include_usage\":true},\"cache_salt\":\"s\",\"store\":false, "
      "\"stream\":true,\"model\":\"m\",\"max_tokens\":5,\"messages\":[ ]} ");
}

/// A random JSON value; deep ones are rarer.
std::string random_value(std::mt19937& random, int depth) {
  static const char* kScalars[] = {"null",
                                   "true",
                                   "-0",
                                   "1.50",
                                   "1e400",
                                   "\"\"",
                                   "\"a\\u00e9\\n\"",
                                   "\"\xc3\xa9\"",
                                   "12345678901234567890123"};
  const auto kind = random() % (depth > 3 ? 1 : 3);
  if (kind == 0) return kScalars[random() % std::size(kScalars)];
  std::string out = kind == 1 ? "[" : "{";
  for (unsigned i = 0, n = random() % 4; i < n; ++i) {
    if (i != 0) out += " ,";
    if (kind == 2) out += "\"k" + std::to_string(i) + "\":\n";
    out += random_value(random, depth + 1);
  }
  return out + (kind == 1 ? "]" : " }");
}

TEST(SpliceProperty, ResultParsesMeetsTheEditsAndKeepsOtherMembers) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> members = {"\"model\":\"m\"", "\"stream\": true"};
    for (const char* name : {"max_tokens", "max_completion_tokens", "max_new_tokens"}) {
      if (random() % 3 == 0)
        members.push_back(std::string("\"") + name + "\" : " +
                          (random() % 4 == 0 ? "null" : std::to_string(1 + random() % 199)));
    }
    if (random() % 2 == 0)
      members.push_back(random() % 2 == 0 ? R"("stream_options":{"a":1})"
                                          : R"("stream_options": {"include_usage":false})");
    if (random() % 3 == 0) members.push_back(R"("cache_salt":"x")");
    std::vector<std::pair<std::string, std::string>> others;
    for (unsigned i = 0, n = random() % 4; i < n; ++i) {
      others.emplace_back("other" + std::to_string(i), random_value(random, 0));
      members.push_back("\"" + others.back().first + "\":" + others.back().second);
    }
    std::shuffle(members.begin(), members.end(), random);
    std::string body = "{";
    for (std::size_t i = 0; i < members.size(); ++i) body += (i == 0 ? " " : ", ") + members[i];
    body += "}";
    const std::string out =
        spliced(kChat, body, {.include_usage = true, .max_tokens = 100, .cache_salt = "salt"});
    const RequestFacts facts = facts_of(kChat, out);
    ASSERT_TRUE(facts.include_usage) << body;
    ASSERT_TRUE(facts.max_tokens && *facts.max_tokens <= 100) << body;
    const auto document = json::Document::parse(out);
    ASSERT_EQ(document->root().find("cache_salt").as_string(), "salt");
    ASSERT_LE(document->root().find("max_tokens").as_u64().value_or(101), 100u) << body;
    ASSERT_EQ(facts.offsets.token_limits.size(), 1u) << body;
    for (const auto& [name, value] : others) ASSERT_EQ(document->root().find(name).raw(), value);
    // A second time changes nothing.
    ASSERT_EQ(spliced(kChat, out, {.include_usage = true, .max_tokens = 100, .cache_salt = "salt"}),
              out);
  }
}

}  // namespace
}  // namespace cocoon::http
