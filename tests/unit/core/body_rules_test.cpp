/// How header and body are tied together where a request brings several prompts.

#include "core/body_rules.h"

#include "billing/price.h"
#include "unit/core/small_registry.h"

namespace cocoon::core::test {
namespace {

class BodyRules : public ::testing::Test {
 protected:
  /// `count` texts of `bytes` as the member `name`, and `more` members.
  static std::string body(std::string_view name, std::size_t count, std::size_t bytes,
                          const std::string& more = {}) {
    std::string out = R"({"model":"m",)" + more + '"' + std::string(name) + R"(":[)";
    for (std::size_t i = 0; i < count; ++i) {
      out += (i == 0 ? "\"" : ",\"") + std::string(bytes, 'a') + '"';
    }
    return out + "]}";
  }
  Result<RequestPlan> plan(Endpoint endpoint, const std::string& body) {
    return plan_request(endpoint, body, registry, "salt", 8 * 1024 * 1024);
  }
  /// The most prompt tokens that a request is reserved for.
  std::uint64_t prompt_of(Endpoint endpoint, const std::string& body) {
    const auto made = plan(endpoint, body);
    EXPECT_TRUE(made) << made.error().detail();
    return std::uint64_t{made->prompt_bound_tokens} * made->choices;
  }
  std::string code_of(Endpoint endpoint, const std::string& body) {
    const auto made = plan(endpoint, body);
    return made ? "planned" : std::string(made.error().code());
  }
  static session::RequestHeader header_of(const RequestPlan& plan) {
    session::RequestHeader header;
    header.endpoint = plan.endpoint;
    header.model = plan.model;
    header.max_output_tokens = plan.max_output_tokens;
    header.prompt_bound_tokens = plan.prompt_bound_tokens;
    header.choices = plan.choices;
    return header;
  }

  billing::Registry registry = small_registry(NetworkId{});
};

TEST_F(BodyRules, ManyInputsAreReservedForAsTheirTextIs) {
  const std::uint64_t one = prompt_of(Endpoint::embeddings, body("input", 1, 100'000));
  EXPECT_LT(prompt_of(Endpoint::embeddings, body("input", 100, 1'000)), 2 * one);
  EXPECT_LT(prompt_of(Endpoint::completions, body("prompt", 100, 1'000)), 2 * one);
}

TEST_F(BodyRules, AnswersToOnePromptEachReserveIt) {
  const std::uint64_t one = prompt_of(Endpoint::completions, body("prompt", 10, 100));
  EXPECT_GE(prompt_of(Endpoint::completions, body("prompt", 10, 100, R"("n":3,)")), 3 * one);
}

TEST_F(BodyRules, PromptsOfCompletionsStillCountAsChoices) {
  EXPECT_EQ(plan(Endpoint::completions, body("prompt", 10, 5, R"("n":3,)"))->choices, 30u);
  EXPECT_EQ(plan(Endpoint::embeddings, body("input", 10, 5))->choices, 1u);
}

TEST_F(BodyRules, InputsAreBoundedByThemselves) {
  EXPECT_EQ(code_of(Endpoint::embeddings, body("input", 2048, 5)), "planned");
  EXPECT_EQ(code_of(Endpoint::embeddings, body("input", 2049, 5)), "too_many_inputs");
  EXPECT_EQ(code_of(Endpoint::completions, body("prompt", 129, 5)), "too_many_choices");
}

TEST_F(BodyRules, PartsThatAreNotTextAreReservedForAndHeldToIt) {
  const auto with = [](int images) {
    std::string body = R"({"model":"m","messages":[{"role":"user","content":[)";
    for (int i = 0; i < images; ++i) {
      body += R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},)";
    }
    return body + R"({"type":"text","text":"what is it?"}]}]})";
  };
  const std::uint64_t none = prompt_of(Endpoint::chat_completions, with(0));
  EXPECT_EQ(prompt_of(Endpoint::chat_completions, with(1)), none + 16'384);
  EXPECT_EQ(prompt_of(Endpoint::chat_completions, with(3)), none + 3 * 16'384);

  const auto made = plan(Endpoint::chat_completions, with(3));
  ASSERT_TRUE(made);
  session::RequestHeader header = header_of(*made);
  EXPECT_TRUE(prepare_body(header, registry.models[0], made->body));
  header.prompt_bound_tokens =
      static_cast<std::uint32_t>(made->body.size() + 64 + 3 * billing::kMediaPartTokens - 1);
  const auto refused = prepare_body(header, registry.models[0], made->body);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "prompt_over_header");
}

TEST_F(BodyRules, EmbeddingsAreNoStreamForEitherSide) {
  const auto made = plan(Endpoint::embeddings, body("input", 1, 5, R"("stream":true,)"));
  ASSERT_TRUE(made);
  EXPECT_FALSE(made->streams);
  EXPECT_NE(made->body.find(R"("stream":true)"), std::string::npos) << "it is passed on";
  const auto prepared = prepare_body(header_of(*made), registry.models[0], made->body);
  ASSERT_TRUE(prepared);
  EXPECT_FALSE(prepared->streams);
}

TEST_F(BodyRules, AWorkerHoldsTheBodyToExactlyThatBound) {
  for (const bool embeds : {true, false}) {
    const Endpoint endpoint = embeds ? Endpoint::embeddings : Endpoint::completions;
    const auto made = plan(endpoint, body(embeds ? "input" : "prompt", 7, 301));
    ASSERT_TRUE(made);
    session::RequestHeader header = header_of(*made);
    EXPECT_TRUE(prepare_body(header, registry.models[0], made->body));
    // 7 prompts, each with the template's 64 tokens.
    const std::uint64_t whole = made->body.size() + 7 * 64;
    header.prompt_bound_tokens = static_cast<std::uint32_t>((whole - 1) / header.choices);
    const auto refused = prepare_body(header, registry.models[0], made->body);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), "prompt_over_header");
  }
}

}  // namespace
}  // namespace cocoon::core::test
