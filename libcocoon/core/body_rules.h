#pragma once
/// @file The rules that tie an OpenAI body to the sealed header that pays for it. The client plans
/// by them, the worker enforces them: it is the one who sees the body.

#include <cstdint>
#include <string>
#include <string_view>

#include "billing/registry.h"
#include "cocoon/request.h"
#include "cocoon/result.h"
#include "session/sealed_header.h"

namespace cocoon::core {

/// What a client puts into header and sealed body. The candidates, cap and dates come later.
struct RequestPlan {
  session::Endpoint endpoint{};
  std::string model;
  std::uint32_t max_output_tokens = 0;    ///< per choice
  std::uint32_t prompt_bound_tokens = 0;  ///< per choice
  std::uint32_t choices = 1;
  bool streams = false;
  std::string body;  ///< with limits, include_usage and cache salt spliced in
};

/// What a caller asks for beside the body lies within bounds.
/// Errors: invalid_argument/bad_deadline, bad_endpoint, bad_preference.
Status check_terms(const InferenceRequest& request);

/// @param cache_salt of the client: engines share cached prefixes only under the same salt
/// Errors: those of http::inspect_request and http::check_allowed; not_found/model_not_found;
/// too_large/request_too_large; invalid_argument/too_many_choices, too_many_inputs.
Result<RequestPlan> plan_request(Endpoint endpoint, std::string_view body,
                                 const billing::Registry& registry, std::string_view cache_salt,
                                 std::size_t max_request_bytes);

/// A body that the engine may run.
struct PreparedBody {
  std::string text;
  bool streams = false;
  std::uint64_t prompt_text_bytes = 0;
};

/// The body, if it stays within what `header` declares; limits are spliced in, so that the engine
/// stops where the reservation ends.
/// Errors: invalid_argument/model_mismatch, choices_over_header, prompt_over_header,
/// too_many_choices, too_many_inputs; those of
/// http::inspect_request and http::check_allowed.
Result<PreparedBody> prepare_body(const session::RequestHeader& header,
                                  const billing::ModelEntry& model, std::string_view body);

}  // namespace cocoon::core
