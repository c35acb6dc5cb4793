/// What an engine's answer says of its own success.

#include "core/usage_counter.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace cocoon::core::test {
namespace {

constexpr auto kChat = session::Endpoint::chat_completions;
constexpr auto kResponses = session::Endpoint::responses;

UsageCounter counted(session::Endpoint endpoint, bool streams, std::string_view answer) {
  UsageCounter counter(endpoint, streams, 100);
  counter.add(as_bytes(answer));
  counter.finish();
  return counter;
}

TEST(UsageCounter, AnAnswerThatIsNoJsonObjectHasFailed) {
  for (const std::string_view answer : {"", "<html></html>", R"({"choices":[{"message":{"con)",
                                        "[]", R"({"error":{"message":"x"}})"}) {
    EXPECT_TRUE(counted(kChat, false, answer).failed()) << answer;
  }
}

TEST(UsageCounter, AnAnswerWithoutAnErrorHasNotFailed) {
  for (const std::string_view answer :
       {R"({"choices":[{"message":{"content":"hello"}}]})", R"({"error":null,"output":[]})"}) {
    EXPECT_FALSE(counted(kChat, false, answer).failed()) << answer;
    EXPECT_FALSE(counted(kResponses, false, answer).failed()) << answer;
  }
}

TEST(UsageCounter, AnErrorInAStreamIsAFailure) {
  constexpr std::string_view kAnswer =
      "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
      "data: {\"error\":{\"message\":\"x\"}}\n\ndata: [DONE]\n\n";
  EXPECT_TRUE(counted(kChat, true, kAnswer).failed());
  EXPECT_TRUE(counted(kResponses, true, "data: {\"type\":\"response.failed\",\"response\":{}}\n\n")
                  .failed());
}

std::string error_event(std::string_view error) {
  return "data: {\"error\":{\"message\":\"x\"," + std::string(error) + "}}\n\n";
}

TEST(UsageCounter, AnErrorThatIsTheRequestsOwnIsARefusal) {
  for (const std::string_view error :
       {R"("code":400)", R"("code":"413")", R"("code":404)", R"("code":422)",
        R"("code":null,"type":"BadRequestError")", R"("type":"invalid_request_error")",
        R"("type":"exceed_context_size_error","code":1)"}) {
    EXPECT_TRUE(counted(kChat, true, error_event(error) + "data: [DONE]\n\n").refused()) << error;
  }
  EXPECT_TRUE(
      counted(kChat, true, "data: {\"object\":\"error\",\"message\":\"x\",\"code\":400}\n\n")
          .refused());
}

TEST(UsageCounter, AnErrorOfTheEngineOrBesideTextIsNoRefusal) {
  for (const std::string_view error :
       {R"("code":500)", R"("code":"x")", R"("code":4e2)", R"("code":429)", R"("code":401)",
        R"("type":"server_error")", R"("type":null)"}) {
    EXPECT_FALSE(counted(kChat, true, error_event(error)).refused()) << error;
  }
  const std::string text = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
  EXPECT_FALSE(counted(kChat, true, text + error_event(R"("code":400)")).refused());
  EXPECT_FALSE(counted(kChat, true, error_event(R"("code":400)") + text).refused());
  EXPECT_FALSE(
      counted(kChat, true, error_event(R"("code":500)") + error_event(R"("code":400)")).refused());
}

/// What a request costs that its caller cuts.
TEST(UsageCounter, WhileItRunsTheMostCounts) {
  UsageCounter counter(kChat, true, 100);
  const auto chunk = [](std::size_t text, std::string_view usage) {
    return "data: {\"choices\":[{\"delta\":{\"content\":\"" + std::string(text, 'x') + "\"}}]" +
           std::string(usage) + "}\n\n";
  };
  const auto after = [&](const std::string& event) {
    counter.add(as_bytes(event));
    return counter.running();
  };
  EXPECT_EQ(after(chunk(1, "")).completion, 1u) << "a delta is a token";
  EXPECT_EQ(after(chunk(799, "")).completion, 100u) << "eight bytes are";
  const auto said = after(
      chunk(1, R"(,"usage":{"prompt_tokens":50,"completion_tokens":150,"completion_tokens_details")"
               R"(:{"reasoning_tokens":30}})"));
  EXPECT_EQ(said.completion, 150u) << "the engine has said so";
  EXPECT_EQ(said.prompt, 50u);
  const auto less = after(chunk(1, R"(,"usage":{"prompt_tokens":5,"completion_tokens":15})"));
  EXPECT_EQ(less.completion, 150u) << "it only grows";
  EXPECT_EQ(less.prompt, 50u);
}

TEST(UsageCounter, AStreamEndsWithItsLastEventOnly) {
  constexpr std::string_view kText = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
  EXPECT_FALSE(counted(kChat, true, "").ended());
  EXPECT_FALSE(counted(kChat, true, kText).ended());
  EXPECT_TRUE(counted(kChat, true, std::string(kText) + "data: [DONE]\n\n").ended());
  EXPECT_TRUE(counted(kChat, true, std::string(kText) + "data: [DONE]").ended());
}

TEST(UsageCounter, AResponseEndsWithAnEventOfItsOwn) {
  constexpr std::string_view kText =
      "data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n";
  EXPECT_FALSE(counted(kResponses, true, kText).ended());
  for (const std::string_view type : {"response.completed", "response.incomplete"}) {
    const auto counter = counted(
        kResponses, true,
        std::string(kText) + "data: {\"type\":\"" + std::string(type) + "\",\"response\":{}}\n\n");
    EXPECT_TRUE(counter.ended()) << type;
    EXPECT_FALSE(counter.failed()) << type;
  }
}

// gateway.md: eight bytes of text are a token, and what is left over costs nothing.

TEST(UsageCounter, WithoutUsageTheTextOfAWholeAnswerIsCounted) {
  const auto tokens =
      counted(kChat, false, R"({"choices":[{"message":{"content":"0123456789abcdef-"}}]})").final();
  EXPECT_EQ(tokens.prompt, 100u / 8);
  EXPECT_EQ(tokens.completion, 2u);
  EXPECT_EQ(tokens.cached, 0u);
  EXPECT_EQ(tokens.reasoning, 0u);
}

TEST(UsageCounter, WithoutUsageTheTextOfAStreamIsCounted) {
  std::string answer;
  for (int i = 0; i < 6; ++i)
    answer += "data: {\"choices\":[{\"delta\":{\"content\":\"four\"}}]}\n\n";
  const auto tokens = counted(kChat, true, answer + "data: [DONE]\n\n").final();
  EXPECT_EQ(tokens.prompt, 100u / 8);
  EXPECT_EQ(tokens.completion, 6u * 4 / 8);
}

TEST(UsageCounter, AnAnswerThatIsTooLargeForATreeIsCountedByItsUsage) {
  std::string answer = R"({"data":[{"embedding":[0.5)";
  for (std::size_t i = 0; i < limits::kMaxJsonNodes; ++i) answer += ",0.5";
  answer += R"(]}],"usage":{"prompt_tokens":5,"total_tokens":5}})";
  const UsageCounter counter = counted(session::Endpoint::embeddings, false, answer);
  EXPECT_FALSE(counter.failed());
  EXPECT_EQ(counter.final().prompt, 5u);
}

/// A stream whose first event has `bytes` of text, as an echoed prompt with its log probabilities
/// has, and then two chunks of text; `rest` ends it.
UsageCounter counted_with_large_event(std::size_t bytes, std::string_view rest) {
  constexpr std::string_view kText = "data: {\"choices\":[{\"text\":\"four\"}]}\n\n";
  std::string answer = "data: {\"choices\":[{\"text\":\"" + std::string(bytes, 'x') + "\"}]}\n\n";
  for (int i = 0; i < 2; ++i) answer += kText;
  answer += rest;
  UsageCounter counter(session::Endpoint::completions, true, 100);
  constexpr std::size_t kPiece = 60'000;
  for (std::size_t at = 0; at < answer.size(); at += kPiece) {
    counter.add(as_bytes(std::string_view(answer).substr(at, kPiece)));
  }
  counter.finish();
  return counter;
}

constexpr std::size_t kMoreThanTheGatewayTakes = limits::kMaxSseEventBytes + 8;
constexpr std::size_t kMoreThanIsHeld = limits::kHighestMaxRequestBytes + 1;

TEST(UsageCounter, WhatComesAfterALargeEventCounts) {
  for (const std::size_t bytes : {kMoreThanTheGatewayTakes, kMoreThanIsHeld}) {
    const auto counter =
        counted_with_large_event(bytes,
                                 "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,"
                                 "\"completion_tokens\":9}}\n\ndata: [DONE]\n\n");
    EXPECT_FALSE(counter.failed());
    EXPECT_TRUE(counter.ended());
    EXPECT_GE(counter.output_tokens(), 2u);
    EXPECT_EQ(counter.final().prompt, 5u);
    EXPECT_EQ(counter.final().completion, 9u);
  }
}

TEST(UsageCounter, WithoutUsageTheTextOfALargeEventCountsUnlessItIsSkipped) {
  EXPECT_EQ(counted_with_large_event(kMoreThanTheGatewayTakes, "").final().completion,
            (kMoreThanTheGatewayTakes + 8) / 8);
  EXPECT_EQ(counted_with_large_event(kMoreThanIsHeld, "").final().completion, 1u);
}

TEST(UsageCounter, AStreamMayBreakOffAfterALargeEvent) {
  EXPECT_FALSE(counted_with_large_event(kMoreThanIsHeld, "").ended());
}

TEST(UsageCounter, TheLastEventOfAResponseHasNoBound) {
  for (const std::size_t bytes : {kMoreThanTheGatewayTakes, kMoreThanIsHeld}) {
    const auto counter = counted(
        kResponses, true,
        R"(data: {"type":"response.completed","response":{"text":")" + std::string(bytes, 'x') +
            R"(","usage":{"input_tokens":5,"output_tokens":9}}})" + "\n\n");
    EXPECT_TRUE(counter.ended());
    const std::uint64_t expected = bytes == kMoreThanIsHeld ? 0 : 9;
    EXPECT_EQ(counter.final().completion, expected);
  }
}

TEST(UsageCounter, AnEnginesUsageCountsWhateverItsText) {
  const auto tokens = counted(kChat, false,
                              R"({"choices":[{"message":{"content":"0123456789abcdef"}}],)"
                              R"("usage":{"prompt_tokens":5,"completion_tokens":9}})")
                          .final();
  EXPECT_EQ(tokens.prompt, 5u);
  EXPECT_EQ(tokens.completion, 9u);
}

}  // namespace
}  // namespace cocoon::core::test
