#include "http/openai_answer.h"

#include <gtest/gtest.h>

#include <random>

#include "unit/http/endpoints.h"

namespace cocoon::http {
namespace {

using test::kChat;
using test::kEmbed;
using test::kResponses;
using test::kText;

std::optional<TokenUsage> usage_of(std::string_view text) {
  const auto document = json::Document::parse(text);
  EXPECT_TRUE(document) << text;
  return parse_usage(document->root());
}

AnswerFacts answer_facts(Endpoint endpoint, std::string_view text) {
  const auto facts = inspect_answer(endpoint, text);
  EXPECT_TRUE(facts) << text;
  return facts ? facts.value() : AnswerFacts{};
}

TEST(ParseUsage, GarbageIsNoUsage) {
  for (const char* text : {"null", "[]", "1", "\"x\"", "{}", R"({"completion_tokens":1})",
                           R"({"prompt_tokens":-1,"completion_tokens":1})",
                           R"({"prompt_tokens":1,"completion_tokens":-1})",
                           R"({"prompt_tokens":1.5,"completion_tokens":1})",
                           R"({"prompt_tokens":"1","completion_tokens":1})",
                           R"({"prompt_tokens":null,"completion_tokens":1})",
                           R"({"prompt_tokens":1e3,"completion_tokens":1})",
                           R"({"prompt_tokens":1099511627777,"completion_tokens":1})",
                           R"({"prompt_tokens":1,"completion_tokens":18446744073709551615})",
                           R"({"prompt_tokens":1,"completion_tokens":99999999999999999999999})",
                           R"({"prompt_tokens":[1],"completion_tokens":1})"}) {
    EXPECT_EQ(usage_of(text), std::nullopt) << text;
  }
}

TEST(ParseUsage, HostileDetailsAreClampedForThePayer) {
  const std::pair<const char*, TokenUsage> cases[] = {
      {R"({"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":11}})",
       {0, 10, 5, 0}},
      {R"({"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":18446744073709551615}})",
       {0, 10, 5, 0}},
      {R"({"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":-3}})",
       {10, 0, 5, 0}},
      {R"({"prompt_tokens":10,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":6}})",
       {10, 0, 0, 5}},
      {R"({"prompt_tokens":10,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":"4"}})",
       {10, 0, 5, 0}},
      {R"({"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":[],"completion_tokens_details":7})",
       {10, 0, 5, 0}},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(usage_of(text), expected) << text;
}

TEST(ParseUsage, ClassesAreDisjoint) {
  EXPECT_EQ(usage_of(R"({"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
                        "prompt_tokens_details":{"cached_tokens":60,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":20}})"),
            (TokenUsage{40, 60, 30, 20}));
  EXPECT_EQ(
      usage_of(
          R"({"input_tokens":100,"input_tokens_details":{"cached_tokens":60},"output_tokens":50,
                        "output_tokens_details":{"reasoning_tokens":20},"total_tokens":150})"),
      (TokenUsage{40, 60, 30, 20}));
}

TEST(ParseUsage, NullDetailsAndMissingCompletionAreZero) {
  EXPECT_EQ(usage_of(R"({"prompt_tokens":7,"total_tokens":7})"), (TokenUsage{7, 0, 0, 0}));
  EXPECT_EQ(
      usage_of(R"({"prompt_tokens":7,"completion_tokens":null,"prompt_tokens_details":null})"),
      (TokenUsage{7, 0, 0, 0}));
  EXPECT_EQ(
      usage_of(
          R"({"prompt_tokens":7,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":null}})"),
      (TokenUsage{7, 0, 1, 0}));
}

TEST(InspectAnswer, RefusesWhatIsNoJsonObject) {
  for (const char* text : {"", "x", "[]", "1", "{\"a\":1,\"a\":2}", "[DONE]"}) {
    const auto facts = inspect_answer(kChat, text);
    ASSERT_FALSE(facts) << text;
    EXPECT_EQ(facts.error().code(), "engine_answer_malformed");
    EXPECT_EQ(facts.error().kind(), ErrorKind::upstream);
  }
}

TEST(InspectAnswer, WrongShapesAreEmptyFacts) {
  for (const char* text :
       {"{}", R"({"choices":1})", R"({"choices":[1,null,"x"]})", R"({"choices":[{"delta":[]}]})",
        R"({"choices":{},"usage":[]})", R"({"output":[3],"type":7})"}) {
    for (const Endpoint endpoint : {kChat, kText, kEmbed, kResponses}) {
      const AnswerFacts facts = answer_facts(endpoint, text);
      EXPECT_EQ(facts.usage, std::nullopt) << text;
      EXPECT_EQ(facts.text_bytes, 0u) << text;
      EXPECT_EQ(facts.deltas, 0u) << text;
      EXPECT_FALSE(facts.usage_only) << text;
      EXPECT_FALSE(facts.is_error) << text;
    }
  }
}

/// More values than a tree may have, brackets in a string among them, and then `rest`.
std::string beyond_limits(std::string_view rest) {
  std::string text = R"({"data":[{"s":"]\\\"]","embedding":[1)";
  for (std::size_t i = 0; i < limits::kMaxJsonNodes; ++i) text += ",1";
  return text + "]}]" + std::string(rest) + "}";
}

TEST(InspectAnswer, UsageIsFoundInWhatIsTooLargeForATree) {
  const AnswerFacts facts =
      answer_facts(kEmbed, beyond_limits(R"(,"usage":{"prompt_tokens":7,"total_tokens":7})"));
  EXPECT_EQ(facts.usage, (TokenUsage{7, 0, 0, 0}));
  EXPECT_FALSE(facts.is_error);
  StreamInspector inspector(kResponses);
  const auto event =
      inspector.inspect(R"({"type":"response.completed","response":)" +
                        beyond_limits(R"(,"usage":{"input_tokens":3,"output_tokens":2})") + "}");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->usage, (TokenUsage{3, 0, 2, 0}));
  EXPECT_TRUE(event->is_last_event);
}

TEST(InspectAnswer, AnErrorIsFoundInWhatIsTooLargeForATree) {
  EXPECT_TRUE(answer_facts(kEmbed, beyond_limits(R"(,"error":{"message":"x"})")).is_error);
}

TEST(InspectAnswer, AChunkThatIsTooLargeForATreeBringsMoreThanUsage) {
  std::string text = beyond_limits(R"(,"usage":{"prompt_tokens":7})");
  text.replace(2, 4, "choices");
  const AnswerFacts facts = answer_facts(kChat, text);
  EXPECT_TRUE(facts.usage);
  EXPECT_FALSE(facts.usage_only);
}

TEST(InspectAnswer, WhatIsTooDeepIsRead) {
  const std::string deep(limits::kMaxJsonDepth, '[');
  const std::string text =
      R"({"data":)" + deep + std::string(deep.size(), ']') + R"(,"usage":{"prompt_tokens":7}})";
  EXPECT_EQ(answer_facts(kEmbed, text).usage, (TokenUsage{7, 0, 0, 0}));
}

TEST(InspectAnswer, WhatIsTooLargeEvenWithoutItsArraysHasNoFacts) {
  std::string text = R"({"usage":{"prompt_tokens":7},"a":)";
  for (std::size_t i = 0; i < limits::kMaxJsonDepth; ++i) text += R"({"a":)";
  text += "1" + std::string(limits::kMaxJsonDepth + 1, '}');
  EXPECT_EQ(answer_facts(kChat, text), AnswerFacts{});
}

TEST(InspectAnswer, RefusesWhatIsTooLargeAndNoJsonObjectEither) {
  const std::string whole = beyond_limits("");
  for (const std::string& text :
       {whole.substr(0, whole.size() - 1), whole.substr(0, whole.size() - 3), whole + "x",
        "[" + whole + "]"}) {
    const auto facts = inspect_answer(kEmbed, text);
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().code(), "engine_answer_malformed");
  }
}

TEST(InspectAnswer, WholeChat) {
  const AnswerFacts facts = answer_facts(
      kChat,
      R"({"choices":[{"message":{"role":"assistant","content":"h\u00e9","reasoning_content":"abc"}},{"message":{"content":null,"tool_calls":[
        {"function":{"name":"f","arguments":"{}"}}]}}],"usage":{"prompt_tokens":1,"completion_tokens":2}})");
  EXPECT_EQ(facts.usage, (TokenUsage{1, 0, 2, 0}));
  EXPECT_EQ(facts.text_bytes, 3u + 3 + 1 + 2);
  EXPECT_EQ(facts.deltas, 2u);
  EXPECT_FALSE(facts.usage_only);
}

TEST(InspectAnswer, ChatChunks) {
  const AnswerFacts first = answer_facts(
      kChat, R"({"choices":[{"delta":{"role":"assistant","content":""}}],"usage":null})");
  EXPECT_EQ(first.deltas, 0u);
  EXPECT_EQ(first.usage, std::nullopt);
  const AnswerFacts second = answer_facts(kChat, R"({"choices":[{"delta":{"content":"abc"}}]})");
  EXPECT_EQ(second.deltas, 1u);
  EXPECT_EQ(second.text_bytes, 3u);
  const AnswerFacts running = answer_facts(
      kChat,
      R"({"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}})");
  EXPECT_EQ(running.usage, (TokenUsage{5, 0, 1, 0}));
  EXPECT_FALSE(running.usage_only);
}

TEST(InspectAnswer, UsageOnlyChunk) {
  EXPECT_TRUE(
      answer_facts(kChat,
                   R"({"id":"x","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1}})")
          .usage_only);
  EXPECT_TRUE(
      answer_facts(kText, R"({"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1}})")
          .usage_only);
  EXPECT_FALSE(answer_facts(kChat, R"({"choices":[],"usage":null})").usage_only);
  EXPECT_FALSE(answer_facts(kChat, R"({"choices":[],"prompt_filter_results":[]})").usage_only);
  EXPECT_FALSE(
      answer_facts(
          kChat,
          R"({"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":1}})")
          .usage_only);
}

TEST(InspectAnswer, TextCompletions) {
  const AnswerFacts facts =
      answer_facts(kText, R"({"choices":[{"text":"ab"},{"text":""},{"text":"c"}]})");
  EXPECT_EQ(facts.text_bytes, 3u);
  EXPECT_EQ(facts.deltas, 2u);
}

TEST(InspectAnswer, Embeddings) {
  const AnswerFacts facts = answer_facts(
      kEmbed,
      R"({"data":[{"embedding":[0.1,1e-400]}],"usage":{"prompt_tokens":8,"total_tokens":8}})");
  EXPECT_EQ(facts.usage, (TokenUsage{8, 0, 0, 0}));
}

TEST(InspectAnswer, ResponsesEventsCountDeltasOnly) {
  const AnswerFacts delta =
      answer_facts(kResponses, R"({"type":"response.output_text.delta","delta":"abc"})");
  EXPECT_EQ(delta.text_bytes, 3u);
  EXPECT_EQ(delta.deltas, 1u);
  EXPECT_FALSE(delta.is_last_event);
  EXPECT_EQ(
      answer_facts(kResponses, R"({"type":"response.output_text.done","text":"abc"})").text_bytes,
      0u);
  const AnswerFacts last = answer_facts(
      kResponses,
      R"({"type":"response.completed","response":{"output":[{"content":[{"text":"abc"}]}],"usage":{"input_tokens":9,"output_tokens":4,"input_tokens_details":{"cached_tokens":2}}}})");
  EXPECT_EQ(last.text_bytes, 0u);
  EXPECT_TRUE(last.is_last_event);
  EXPECT_EQ(last.usage, (TokenUsage{7, 2, 4, 0}));
  EXPECT_EQ(
      answer_facts(kResponses, R"({"type":"response.created","response":{"usage":null}})").usage,
      std::nullopt);
}

TEST(InspectAnswer, WholeResponses) {
  const AnswerFacts facts = answer_facts(
      kResponses,
      R"({"object":"response","output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"ab"}]},
        {"type":"message","content":[{"type":"output_text","text":"cde"}]},{"type":"function_call","name":"f","arguments":"{}"}],
        "usage":{"input_tokens":3,"output_tokens":5},"error":null})");
  EXPECT_EQ(facts.text_bytes, 2u + 3 + 3);
  EXPECT_EQ(facts.deltas, 3u);
  EXPECT_EQ(facts.usage, (TokenUsage{3, 0, 5, 0}));
  EXPECT_FALSE(facts.is_error);
}

TEST(InspectAnswer, Errors) {
  EXPECT_TRUE(answer_facts(kChat, R"({"error":{"message":"x"}})").is_error);
  EXPECT_TRUE(answer_facts(kResponses, R"({"type":"error","message":"x"})").is_error);
  EXPECT_TRUE(answer_facts(kResponses, R"({"type":"response.failed","response":{}})").is_error);
  EXPECT_TRUE(
      answer_facts(kResponses, R"({"type":"response.failed","response":{}})").is_last_event);
}

// --- StreamInspector: says what inspect_answer() says, whatever came before ---

void expect_same(StreamInspector& inspector, Endpoint endpoint, const std::string& event) {
  const auto expected = inspect_answer(endpoint, event);
  const auto got = inspector.inspect(event);
  ASSERT_EQ(got.has_value(), expected.has_value()) << event;
  if (got) {
    EXPECT_TRUE(*got == *expected) << event;
  }
}

std::string chunk_with(std::string_view text, std::string_view more = "") {
  return R"({"id":"c1","choices":[{"index":0,"delta":{"content":")" + std::string(text) + "\"" +
         std::string(more) + R"(},"finish_reason":null}],"usage":null})";
}

TEST(StreamInspector, CountsTheTextOfEachChunk) {
  StreamInspector inspector(kChat);
  for (const char* text : {"a", "bcd", "", "ef", "\xc3\xa9", "g"}) {
    const auto facts = inspector.inspect(chunk_with(text));
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->text_bytes, std::string_view(text).size());
    EXPECT_EQ(facts->deltas, *text == '\0' ? 0u : 1u);
  }
}

TEST(StreamInspector, SeesWhatHidesBehindARememberedBeginning) {
  for (const std::string& hostile :
       {chunk_with("b\\n"), chunk_with("b\\"), chunk_with("b\nc"), chunk_with("\xff"),
        chunk_with(R"(b","content":"c)"), chunk_with(R"(b","reasoning":"long)"),
        chunk_with("b") + "}", chunk_with("b").substr(0, 60),
        chunk_with(
            R"(b"}}],"usage":{"prompt_tokens":1,"completion_tokens":9},"x":[{"y":{"z":")")}) {
    StreamInspector inspector(kChat);
    expect_same(inspector, kChat, chunk_with("a"));
    expect_same(inspector, kChat, hostile);
    expect_same(inspector, kChat, chunk_with("c"));
  }
}

TEST(StreamInspector, RemembersNoEventThatSaysMoreThanItsText) {
  for (const std::string_view more :
       {R"(,"reasoning":"deep")", R"(,"tool_calls":[{"function":{"arguments":"{}"}}])"}) {
    StreamInspector inspector(kChat);
    expect_same(inspector, kChat, chunk_with("a", more));
    expect_same(inspector, kChat, chunk_with("bc", more));
  }
  StreamInspector usage(kText);
  for (const char* text : {"a", "bc"}) {
    expect_same(usage, kText,
                R"({"choices":[{"text":")" + std::string(text) +
                    R"("}],"usage":{"prompt_tokens":1,"completion_tokens":2}})");
  }
  // A Responses event that looks like a chat's chunk, too.
  StreamInspector responses(kResponses);
  for (const char* text : {"a", "bc"}) {
    expect_same(responses, kResponses,
                R"({"type":"x.delta","delta":"d","choices":[{"delta":{"content":")" +
                    std::string(text) + R"("}}]})");
  }
}

TEST(StreamInspector, AgreesWithTheParserOnDamagedStreams) {
  const auto seed = static_cast<unsigned>(std::random_device()());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  StreamInspector inspector(kChat);
  for (int i = 0; i < 5000 && !testing::Test::HasFailure(); ++i) {
    std::string event = chunk_with(std::string(random() % 20, 'x'));
    if (random() % 2 == 0) event[random() % event.size()] = "\"\\{},:a\x80\n"[random() % 9];
    if (random() % 4 == 0) event.erase(random() % event.size(), random() % 3);
    expect_same(inspector, kChat, event);
  }
}

TEST(IsDone, OnlyTheMark) {
  for (const char* data : {"[DONE]", " [DONE] "}) EXPECT_TRUE(is_done(data));
  for (const char* data : {"", " ", "[done]", "[DONE]x", "\"[DONE]\"", "DONE"})
    EXPECT_FALSE(is_done(data)) << data;
}

}  // namespace
}  // namespace cocoon::http
