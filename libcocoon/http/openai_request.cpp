#include "http/openai_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/limits.h"
#include "codec/json.h"
#include "http/member_names.h"
#include "http/openai_parts.h"

namespace cocoon::http {
namespace {

using json::Kind;
using json::Value;

struct EndpointPath {
  Endpoint endpoint;
  std::string_view path;
};
constexpr EndpointPath kPaths[] = {{Endpoint::chat_completions, "/v1/chat/completions"},
                                   {Endpoint::completions, "/v1/completions"},
                                   {Endpoint::embeddings, "/v1/embeddings"},
                                   {Endpoint::responses, "/v1/responses"}};

/// Every name under which an engine takes the limit on output tokens: OpenAI's three, llama.cpp's
/// `n_predict` (which there wins over max_tokens) and SGLang's and TGI's `max_new_tokens`.
constexpr std::string_view kTokenLimitNames[] = {
    "max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict", "max_new_tokens"};

/// The one of them that every engine of that endpoint knows, and under which it is told the limit.
/// (llama.cpp and Ollama, say, took `max_completion_tokens` in a chat for nothing; mistral.rs takes
/// it for the same member, and refuses a body with both.)
std::string_view token_limit_name(Endpoint endpoint) {
  return endpoint == Endpoint::responses ? "max_output_tokens" : "max_tokens";
}

/// Names under which engines take the number of answers: OpenAI's two and llama.cpp's own, which
/// there wins over `n`.
constexpr std::string_view kChoiceNames[] = {"n", "best_of", "n_cmpl"};

/// Every member of a body that is read here.
constexpr std::string_view kMemberNames[] = {"model",
                                             "stream",
                                             "stream_options",
                                             "n",
                                             "best_of",
                                             "n_cmpl",
                                             "max_tokens",
                                             "max_completion_tokens",
                                             "max_output_tokens",
                                             "n_predict",
                                             "max_new_tokens",
                                             "prompt",
                                             "input",
                                             "messages",
                                             "prompt_embeds",
                                             "store",
                                             "background",
                                             "cache_salt",
                                             "previous_response_id",
                                             "conversation",
                                             "tools",
                                             "web_search_options",
                                             "encoding_format",
                                             "echo"};
constexpr std::string_view kStreamOptionNames[] = {"include_usage"};
constexpr std::string_view kToolNames[] = {"type"};

Error bad(std::string_view code, std::string detail) {
  return Error(ErrorKind::invalid_argument, code, std::move(detail));
}

SourceRange range_of(Value value) {
  return {value.offset(), value.end_offset()};
}

/// A member counts as given where it is there and not null.
bool given(Value value) {
  return value && !value.is(Kind::null);
}

/// Whether an engine could take `value` for true.
bool maybe_true(Value value) {
  return given(value) && value.as_bool() != false;
}

/// `value` as true or false, false where it is not given.
Result<bool> read_flag(Value value, std::string_view name, std::string_view code) {
  if (!given(value)) return false;
  if (const auto flag = value.as_bool()) return *flag;
  return bad(code, fmt::format("`{}` must be true or false.", name));
}

Error misspelt(std::string_view name) {
  return bad("bad_member_name",
             fmt::format("The body has a member `{}`, which some engines take for another of its "
                         "members and others do not: write it in small letters.",
                         name));
}

/// What an engine reads that is not looked at here must not be one of these under another name.
Status check_names(Value root) {
  if (const auto name = misspelt_member(root, kMemberNames)) return misspelt(*name);
  const Value options = root.find("stream_options");
  if (const auto name = misspelt_member(options, kStreamOptionNames)) return misspelt(*name);
  for (const Value tool : root.find("tools").elements()) {
    if (const auto name = misspelt_member(tool, kToolNames)) return misspelt(*name);
  }
  return ok();
}

Status read_model(Value root, RequestFacts& facts) {
  const auto model = root.find("model").as_string();
  if (!model || model->empty()) {
    return bad("model_missing", "`model` must name a model; GET /v1/models lists them.");
  }
  if (model->size() > limits::kMaxModelIdBytes) {
    return bad("model_too_long",
               fmt::format("`model` may be at most {} bytes long.", limits::kMaxModelIdBytes));
  }
  facts.model = *model;
  return ok();
}

Status read_stream(Value root, RequestFacts& facts) {
  // Embeddings come as one JSON object: engines pass over the member there.
  if (facts.endpoint == Endpoint::embeddings) return ok();
  COCOON_TRY(facts.stream, read_flag(root.find("stream"), "stream", "bad_stream"));
  const Value options = root.find("stream_options");
  facts.offsets.stream_options = range_of(options);
  if (!given(options)) return ok();
  if (!options.is(Kind::object)) {
    return bad("bad_stream_options", "`stream_options` must be an object.");
  }
  facts.offsets.stream_options_is_object = true;
  facts.offsets.stream_options_has_members = options.size() != 0;
  const Value include = options.find("include_usage");
  facts.offsets.include_usage = range_of(include);
  COCOON_TRY(facts.include_usage,
             read_flag(include, "stream_options.include_usage", "bad_stream_options"));
  return ok();
}

Status read_choices(Value root, RequestFacts& facts) {
  for (const std::string_view name : kChoiceNames) {
    const Value value = root.find(name);
    if (!given(value)) continue;
    const auto count = value.as_u64();
    if (!count || *count < 1 || *count > limits::kMaxChoices) {
      return bad("bad_n",
                 fmt::format("`{}` must be an integer from 1 to {}.", name, limits::kMaxChoices));
    }
    facts.n = std::max(facts.n, *count);
  }
  return ok();
}

/// Whether the request asks for no answer but for its prompt with log probabilities: the one case
/// in which engines take a limit of 0 for what it says, and not for none.
bool only_scores(Value root, const RequestFacts& facts) {
  return facts.endpoint == Endpoint::completions && maybe_true(root.find("echo")) && !facts.stream;
}

Status read_token_limits(Value root, RequestFacts& facts) {
  const std::uint64_t least = only_scores(root, facts) ? 0 : 1;
  // A member is taken out together with the comma before it.
  std::size_t before = 0;
  for (const json::Member& member : root.members()) {
    const std::size_t begin = before == 0 ? member.key_value.offset() : before;
    const bool first = before == 0;
    before = member.value.end_offset();
    const auto name =
        std::find(std::begin(kTokenLimitNames), std::end(kTokenLimitNames), member.key);
    if (name == std::end(kTokenLimitNames)) continue;
    const auto tokens = member.value.as_u64();
    if (given(member.value) && (!tokens || *tokens < least)) {
      return bad("bad_max_tokens",
                 fmt::format("`{}` must be an integer of at least 1 (or 0 where a completion with "
                             "`echo` and without `stream` only scores its prompt).",
                             *name));
    }
    facts.offsets.token_limits.push_back(
        {*name, range_of(member.value), {begin, before}, first, tokens});
    if (tokens) facts.max_tokens = std::min(facts.max_tokens.value_or(*tokens), *tokens);
  }
  return ok();
}

/// Any other format (vLLM has `bytes`) comes as something else than JSON, so that nobody could see
/// what it cost.
Status read_encoding(Value root, const RequestFacts& facts) {
  const Value format = root.find("encoding_format");
  if (facts.endpoint != Endpoint::embeddings || !given(format)) return ok();
  const auto name = format.as_string();
  if (name == "float" || name == "base64") return ok();
  return bad("bad_encoding_format", "`encoding_format` must be `float` or `base64`.");
}

/// One prompt is a string or a list of token ids; anything else in a list is a prompt of its own.
Status read_prompt_list(Value root, std::string_view name, RequestFacts& facts) {
  const Value value = root.find(name);
  if (value.is(Kind::string)) return ok();
  std::uint64_t prompts = 0;
  bool token_ids = false;
  for (const Value element : value.elements()) {
    token_ids = token_ids || element.is(Kind::number);
    const bool text = element.is(Kind::string) || element.is(Kind::array);
    if (!element.is(Kind::number) && !text) ++facts.media_parts;
    if (!element.is(Kind::number)) ++prompts;
  }
  if (prompts == 0 && !token_ids) {
    return bad(name == "input" ? "input_missing" : "prompt_missing",
               fmt::format("`{}` must be a string, a list of strings or a list of token ids, and "
                           "not empty.",
                           name));
  }
  facts.prompts = std::max<std::uint64_t>(prompts, 1);
  return ok();
}

Status read_prompts(Value root, RequestFacts& facts) {
  facts.media_parts += count_media(root.find("prompt_embeds"));
  if (facts.endpoint == Endpoint::completions) return read_prompt_list(root, "prompt", facts);
  // vLLM also embeds a conversation, given as `messages`.
  if (facts.endpoint == Endpoint::embeddings && !given(root.find("messages"))) {
    return read_prompt_list(root, "input", facts);
  }
  return ok();
}

void read_state(Value root, RequestFacts& facts) {
  facts.offsets.store = range_of(root.find("store"));
  facts.offsets.cache_salt = range_of(root.find("cache_salt"));
  facts.stores = maybe_true(root.find("store"));
  facts.background = maybe_true(root.find("background"));
  facts.refers_to_state = facts.refers_to_state || given(root.find("previous_response_id")) ||
                          given(root.find("conversation")) ||
                          (facts.endpoint == Endpoint::responses && given(root.find("prompt")));
}

/// Tools of type `function` and `custom` only describe what the caller will do.
void read_tools(Value root, RequestFacts& facts) {
  for (const Value tool : root.find("tools").elements()) {
    const auto type = tool.find("type").as_string();
    if (type && *type != "function" && *type != "custom") facts.has_hosted_tools = true;
  }
  if (given(root.find("web_search_options"))) facts.has_hosted_tools = true;
}

Status read_media(Value root, RequestFacts& facts) {
  PartFacts parts;
  inspect_parts(root.find("messages"), parts);
  if (facts.endpoint == Endpoint::responses) inspect_parts(root.find("input"), parts);
  facts.media_parts += parts.media;
  facts.has_remote_media = parts.remote;
  facts.refers_to_state = facts.refers_to_state || parts.refers_to_state;
  return parts.misspelt.empty() ? ok() : misspelt(parts.misspelt);
}

}  // namespace

std::string_view path_of(Endpoint endpoint) {
  for (const EndpointPath& known : kPaths) {
    if (known.endpoint == endpoint) return known.path;
  }
  return {};
}

std::optional<Endpoint> endpoint_of(std::string_view path) {
  for (const EndpointPath& known : kPaths) {
    if (known.path == path) return known.endpoint;
  }
  return std::nullopt;
}

Result<RequestFacts> inspect_request(Endpoint endpoint, std::string_view body) {
  COCOON_TRY(const json::Document document, json::Document::parse(body));
  const Value root = document.root();
  if (!root.is(Kind::object)) {
    return bad("body_not_object", "The request body must be a JSON object.");
  }
  RequestFacts facts;
  facts.endpoint = endpoint;
  facts.offsets.members = root.offset() + 1;
  COCOON_CHECK(check_names(root));
  COCOON_CHECK(read_model(root, facts));
  COCOON_CHECK(read_stream(root, facts));
  COCOON_CHECK(read_choices(root, facts));
  COCOON_CHECK(read_token_limits(root, facts));
  COCOON_CHECK(read_encoding(root, facts));
  COCOON_CHECK(read_prompts(root, facts));
  COCOON_CHECK(read_media(root, facts));
  read_state(root, facts);
  read_tools(root, facts);
  return facts;
}

Status check_allowed(const RequestFacts& facts) {
  if (facts.has_remote_media) {
    return bad("remote_media",
               "Images, audio and files must be sent inside the request as data: URLs: a worker "
               "fetches nothing, because that would show others what is asked.");
  }
  if (facts.stores) {
    return bad("store_not_allowed", "`store` must be false or left out: nothing is kept.");
  }
  if (facts.background) {
    return bad(
        "background_not_allowed",
        "`background` must be false or left out: an answer is given while its caller waits.");
  }
  if (facts.refers_to_state) {
    return bad("stored_state_not_allowed",
               "The request refers to stored state (previous_response_id, conversation, prompt, "
               "file or audio id). Nothing is kept: send the whole conversation.");
  }
  if (facts.has_hosted_tools) {
    return bad("hosted_tools_not_allowed",
               "Only tools of type `function` and `custom` are possible: a worker reaches no other "
               "machine.");
  }
  return ok();
}

namespace {

/// One replacement of the bytes of `range`; an empty range inserts.
struct Edit {
  SourceRange range;
  std::string text;
};

void edit_usage(const RequestFacts& facts, std::vector<Edit>& edits, std::string& members) {
  const bool asks =
      facts.endpoint == Endpoint::chat_completions || facts.endpoint == Endpoint::completions;
  if (!asks || !facts.stream || facts.include_usage) return;
  const RequestOffsets& at = facts.offsets;
  if (!at.include_usage.empty()) {
    edits.push_back({at.include_usage, "true"});
  } else if (at.stream_options_is_object) {
    const std::size_t inside = at.stream_options.begin + 1;
    edits.push_back(
        {{inside, inside},
         at.stream_options_has_members ? R"("include_usage":true,)" : R"("include_usage":true)"});
  } else if (!at.stream_options.empty()) {
    edits.push_back({at.stream_options, R"({"include_usage":true})"});
  } else {
    members += R"("stream_options":{"include_usage":true},)";
  }
}

/// Leaves one limit in the body. A single one under the right name stays in its place; else all go,
/// and their least is put among `members`. True where the body's first member has gone.
bool edit_token_limits(const RequestFacts& facts, std::uint64_t highest, std::vector<Edit>& edits,
                       std::string& members) {
  if (facts.endpoint == Endpoint::embeddings) return false;
  const auto& stated = facts.offsets.token_limits;
  std::uint64_t lowest = highest;
  for (const auto& limit : stated) lowest = std::min(lowest, limit.tokens.value_or(highest));
  const std::string_view known = token_limit_name(facts.endpoint);
  if (stated.size() == 1 && stated.front().name == known) {
    if (stated.front().tokens != lowest) {
      edits.push_back({stated.front().value, std::to_string(lowest)});
    }
    return false;
  }
  for (const auto& limit : stated) edits.push_back({limit.member, {}});
  members += fmt::format(R"("{}":{},)", known, lowest);
  return !stated.empty() && stated.front().first;
}

/// Sets a member of the body itself.
void edit_member(std::string_view name, const SourceRange& value, std::string text,
                 std::vector<Edit>& edits, std::string& members) {
  if (value.empty()) {
    members += fmt::format(R"("{}":{},)", name, text);
  } else {
    edits.push_back({value, std::move(text)});
  }
}

std::string apply(std::string_view body, std::vector<Edit>& edits) {
  // What is put where a member goes is put there first.
  std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
    return std::pair(a.range.begin, a.range.end) < std::pair(b.range.begin, b.range.end);
  });
  std::size_t size = body.size();
  for (const Edit& edit : edits) size += edit.text.size() - edit.range.size();
  std::string out;
  out.reserve(size);
  std::size_t at = 0;
  for (const Edit& edit : edits) {
    out += body.substr(at, edit.range.begin - at);
    out += edit.text;
    at = edit.range.end;
  }
  out += body.substr(at);
  return out;
}

}  // namespace

std::string splice(std::string_view body, const RequestFacts& facts, const RequestEdits& wanted) {
  std::vector<Edit> edits;
  // Each new member brings its comma: the body has a member that it goes before.
  std::string members;
  bool first_gone = false;
  if (wanted.include_usage) edit_usage(facts, edits, members);
  if (wanted.max_tokens) first_gone = edit_token_limits(facts, *wanted.max_tokens, edits, members);
  if (wanted.cache_salt) {
    edit_member("cache_salt", facts.offsets.cache_salt, json::escape(*wanted.cache_salt), edits,
                members);
  }
  if (wanted.store_false) edit_member("store", facts.offsets.store, "false", edits, members);
  if (first_gone) members.pop_back();  // the comma behind the one that has gone is still there
  if (!members.empty()) {
    edits.push_back({{facts.offsets.members, facts.offsets.members}, std::move(members)});
  }
  return apply(body, edits);
}

}  // namespace cocoon::http
