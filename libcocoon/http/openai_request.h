#pragma once
/// @file What accounting and safety need to know of a request body, and how it is changed.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cocoon/request.h"
#include "cocoon/result.h"

namespace cocoon::http {

/// "/v1/chat/completions", …
std::string_view path_of(Endpoint endpoint);
/// The endpoint of exactly that path (no query).
std::optional<Endpoint> endpoint_of(std::string_view path);

/// Bytes [begin, end) of a body.
struct SourceRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool empty() const { return begin == end; }
  std::size_t size() const { return end - begin; }
};

/// Where splice() cuts. Ranges are those of values; an empty range means that there is no member.
struct RequestOffsets {
  /// Behind the opening brace of the body: where new members go.
  std::size_t members = 0;
  /// Every limit on output tokens, and what it says now; nothing where it is null.
  struct TokenLimit {
    std::string_view name;  ///< a constant
    SourceRange value;
    SourceRange member;  ///< with its name, and with the comma before it unless it is the first
    bool first = false;  ///< of all members of the body
    std::optional<std::uint64_t> tokens;
  };
  std::vector<TokenLimit> token_limits;
  SourceRange stream_options;
  bool stream_options_is_object = false;  ///< else null
  bool stream_options_has_members = false;
  SourceRange include_usage;
  SourceRange cache_salt;
  SourceRange store;
};

/// A request body as far as the product reads it. Owns what it holds.
struct RequestFacts {
  Endpoint endpoint{};
  std::string model;
  bool stream = false;  ///< never of embeddings, whatever the body says
  /// `stream_options.include_usage` is true: the caller wants the usage chunk.
  bool include_usage = false;
  /// Answers to each prompt: the most that `n` or one of its other names says. 1 to
  /// limits::kMaxChoices.
  std::uint64_t n = 1;
  /// 1, or how many prompts `prompt` or `input` lists.
  std::uint64_t prompts = 1;
  /// The least output limit given under any of its names; nothing where none is.
  std::optional<std::uint64_t> max_tokens;
  /// Images, audio, files and embeddings, and parts of a kind unknown here: their tokens cannot be
  /// bounded by their bytes.
  std::uint64_t media_parts = 0;
  /// Media that an engine would fetch: any reference but a `data:` URL.
  bool has_remote_media = false;
  /// The engine would keep the exchange: `store` or `background` is not false.
  bool stores = false;
  bool background = false;
  /// The engine would need state of its own: previous_response_id, conversation, a stored prompt,
  /// a file or audio id.
  bool refers_to_state = false;
  /// Tools that an engine runs itself, with access to other machines (`web_search`, `mcp`, …).
  bool has_hosted_tools = false;
  RequestOffsets offsets;
};

/// Reads `body`. A field that accounting depends on must have exactly its documented type, because
/// engines differ in what else they take ("10", 10.0 and 1e1 for 10, say).
/// Errors, all invalid_argument: those of json::Document::parse; "body_not_object";
/// "bad_member_name" where a member that is read here is there in other letters; "model_missing",
/// "model_too_long"; "bad_stream", "bad_stream_options", "bad_n", "bad_max_tokens",
/// "bad_encoding_format" for a field of another type or out of range; "prompt_missing" where an
/// embedding or completion has none.
Result<RequestFacts> inspect_request(Endpoint endpoint, std::string_view body);

/// What no worker runs (protocol.md "Sealed requests" 6). Client and worker both ask.
/// Errors, all invalid_argument: "remote_media", "store_not_allowed", "background_not_allowed",
/// "stored_state_not_allowed", "hosted_tools_not_allowed".
Status check_allowed(const RequestFacts& facts);

/// Changes to a body. What is not set stays as it is.
struct RequestEdits {
  /// Ask for usage in a stream: stream_options.include_usage becomes true. Without effect where the
  /// request does not stream, or is for an endpoint whose streams always end with usage.
  bool include_usage = false;
  /// The body states one limit on output tokens, under the name that the endpoint's engines all
  /// know: the least of those that were given under any name, or this. Without effect on
  /// embeddings.
  std::optional<std::uint64_t> max_tokens;
  /// vLLM's `cache_salt`: prefixes are shared only between requests with the same salt. Replaces
  /// the caller's.
  std::optional<std::string_view> cache_salt;
  /// For the Responses API, where a missing `store` means true: says false.
  bool store_false = false;
};

/// `body` with `edits`; every other byte stays as it is and where it is relative to its neighbours.
/// @pre `facts` is inspect_request() of the same body
std::string splice(std::string_view body, const RequestFacts& facts, const RequestEdits& edits);

}  // namespace cocoon::http
