#include "core/body_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "billing/price.h"
#include "http/openai.h"
#include "session/sealed_request.h"

namespace cocoon::core {
namespace {

/// What engines are told about output: nothing for embeddings, which have none.
std::uint32_t output_limit(const http::RequestFacts& facts, const billing::ModelEntry& model) {
  if (facts.endpoint == Endpoint::embeddings) return 0;
  const std::uint64_t asked = facts.max_tokens.value_or(billing::default_max_tokens(model));
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(asked, model.max_output_tokens));
}

/// OpenAI's own bound of `input`.
constexpr std::uint64_t kMaxEmbeddingInputs = 2048;

/// Among how many of the header's choices the prompts of the body are shared out. Embeddings have
/// no output that would count for each.
std::uint64_t shares(const http::RequestFacts& facts) {
  return facts.endpoint == Endpoint::embeddings ? 1 : facts.prompts;
}

Status check_choices(const http::RequestFacts& facts) {
  if (facts.endpoint == Endpoint::embeddings && facts.prompts > kMaxEmbeddingInputs) {
    return Error(ErrorKind::invalid_argument, "too_many_inputs",
                 fmt::format("`input` lists {} inputs; at most {} are accepted", facts.prompts,
                             kMaxEmbeddingInputs));
  }
  if (facts.n > limits::kMaxChoices || shares(facts) > limits::kMaxChoices ||
      facts.n * shares(facts) > limits::kMaxChoices) {
    return Error(ErrorKind::invalid_argument, "too_many_choices",
                 fmt::format("n times the number of prompts is {}; at most {} are accepted",
                             facts.n * shares(facts), limits::kMaxChoices));
  }
  return ok();
}

/// What a header has to say of the prompt: times its choices that covers a body of `bytes`, `n`
/// times.
std::uint64_t bound_of_share(const http::RequestFacts& facts, std::uint64_t bytes,
                             const billing::ModelEntry& model) {
  const std::uint64_t bound =
      billing::prompt_bound({bytes, facts.prompts, facts.media_parts}, model);
  return bound / shares(facts) + (bound % shares(facts) != 0 ? 1 : 0);
}

}  // namespace

/// The enumerations come from numbers of the host's own where it maps them.
Status check_terms(const InferenceRequest& request) {
  if (request.deadline <= std::chrono::milliseconds(0)) {
    return Error(ErrorKind::invalid_argument, "bad_deadline", "a deadline lies in the future");
  }
  if (request.endpoint < Endpoint::chat_completions || request.endpoint > Endpoint::responses) {
    return Error(ErrorKind::invalid_argument, "bad_endpoint",
                 fmt::format("a request's endpoint is {}; it is one of Endpoint: "
                             "chat_completions (1), completions (2), embeddings (3), responses (4)",
                             static_cast<unsigned>(request.endpoint)));
  }
  if (request.preference > Preference::fastest) {
    return Error(ErrorKind::invalid_argument, "bad_preference",
                 fmt::format("a request's preference is {}; it is one of Preference: balanced (0), "
                             "cheapest (1), fastest (2)",
                             static_cast<unsigned>(request.preference)));
  }
  return ok();
}

Result<RequestPlan> plan_request(Endpoint endpoint, std::string_view body,
                                 const billing::Registry& registry, std::string_view cache_salt,
                                 std::size_t max_request_bytes) {
  if (body.size() > max_request_bytes) {
    return Error(ErrorKind::too_large, "request_too_large",
                 fmt::format("the body has {} bytes; at most {} are accepted", body.size(),
                             max_request_bytes));
  }
  COCOON_TRY(const http::RequestFacts facts, http::inspect_request(endpoint, body));
  COCOON_CHECK(http::check_allowed(facts));
  const billing::ModelEntry* model = registry.find_model(facts.model);
  if (model == nullptr) {
    return Error(
        ErrorKind::not_found, "model_not_found",
        fmt::format("the network serves no model \"{}\"; GET /v1/models lists them", facts.model));
  }
  COCOON_CHECK(check_choices(facts));
  RequestPlan plan;
  plan.endpoint = static_cast<session::Endpoint>(endpoint);
  plan.model = facts.model;
  plan.choices = static_cast<std::uint32_t>(facts.n * shares(facts));
  plan.streams = facts.stream;
  plan.max_output_tokens = output_limit(facts, *model);
  http::RequestEdits edits;
  edits.include_usage = true;
  edits.store_false = true;
  if (endpoint != Endpoint::embeddings) {
    edits.max_tokens = plan.max_output_tokens;
    edits.cache_salt = cache_salt;
  }
  plan.body = http::splice(body, facts, edits);
  // The padded length, so that the proxy learns no more from the bound than from the body's size.
  const std::uint64_t bound =
      bound_of_share(facts, session::padded_body_length(plan.body.size()), *model);
  plan.prompt_bound_tokens = static_cast<std::uint32_t>(std::min<std::uint64_t>(bound, UINT32_MAX));
  return plan;
}

Result<PreparedBody> prepare_body(const session::RequestHeader& header,
                                  const billing::ModelEntry& model, std::string_view body) {
  const auto endpoint = static_cast<Endpoint>(header.endpoint);
  COCOON_TRY(const http::RequestFacts facts, http::inspect_request(endpoint, body));
  COCOON_CHECK(http::check_allowed(facts));
  if (facts.model != header.model) {
    return Error(ErrorKind::invalid_argument, "model_mismatch",
                 "the body names another model than the request's header");
  }
  COCOON_CHECK(check_choices(facts));
  if (facts.n * shares(facts) > header.choices) {
    return Error(ErrorKind::invalid_argument, "choices_over_header",
                 "the body asks for more answers than the request's header pays for");
  }
  if (bound_of_share(facts, body.size(), model) > header.prompt_bound_tokens) {
    return Error(ErrorKind::invalid_argument, "prompt_over_header",
                 "the body is longer than the prompt bound that the request's header pays for");
  }
  if (endpoint != Endpoint::embeddings && header.max_output_tokens == 0 && facts.max_tokens != 0) {
    return Error(ErrorKind::invalid_argument, "no_output_paid",
                 "the request's header pays for no output, and the body asks for some");
  }
  http::RequestEdits edits;
  edits.include_usage = true;
  edits.store_false = true;
  if (endpoint != Endpoint::embeddings) edits.max_tokens = header.max_output_tokens;
  return PreparedBody{http::splice(body, facts, edits), facts.stream, body.size()};
}

}  // namespace cocoon::core
