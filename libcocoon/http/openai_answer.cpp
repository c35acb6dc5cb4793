#include "http/openai_answer.h"

#include <algorithm>

#include "base/limits.h"
#include "codec/json_tokens.h"

namespace cocoon::http {
namespace {

using json::Kind;
using json::Value;

/// A count that an engine reports, under either API's name.
std::optional<std::uint64_t> read_count(Value value) {
  const auto count = value.as_u64();
  return count && *count <= limits::kMaxReportedTokens ? count : std::nullopt;
}

Value either(Value object, std::string_view name, std::string_view other) {
  const Value value = object.find(name);
  return value && !value.is(Kind::null) ? value : object.find(other);
}

std::uint64_t text_size(Value value) {
  return value.as_string().value_or("").size();
}

/// Bytes of text in a chat message or in the delta of one.
std::uint64_t message_bytes(Value message) {
  std::uint64_t bytes = 0;
  // vLLM calls it reasoning_content, later versions and others reasoning.
  for (const std::string_view name : {"content", "reasoning_content", "reasoning", "refusal"}) {
    bytes += text_size(message.find(name));
  }
  for (const Value call : message.find("tool_calls").elements()) {
    const Value function = call.find("function");
    bytes += text_size(function.find("name")) + text_size(function.find("arguments"));
    bytes += text_size(call.find("custom").find("input"));
  }
  return bytes;
}

void count_text(AnswerFacts& facts, std::uint64_t bytes) {
  facts.text_bytes += bytes;
  if (bytes != 0) ++facts.deltas;
}

void count_choices(Value choices, AnswerFacts& facts) {
  for (const Value choice : choices.elements()) {
    count_text(facts, text_size(choice.find("text")) + message_bytes(choice.find("message")) +
                          message_bytes(choice.find("delta")));
  }
}

/// The items of a whole Responses answer.
void count_output(Value output, AnswerFacts& facts) {
  for (const Value item : output.elements()) {
    std::uint64_t bytes = text_size(item.find("name")) + text_size(item.find("arguments")) +
                          text_size(item.find("input"));
    for (const std::string_view list : {"content", "summary"}) {
      for (const Value part : item.find(list).elements()) {
        bytes += text_size(part.find("text")) + text_size(part.find("refusal"));
      }
    }
    count_text(facts, bytes);
  }
}

/// The events of a Responses stream repeat finished text, so only deltas count.
void inspect_response_event(Value root, std::string_view type, AnswerFacts& facts) {
  constexpr std::string_view kDelta = ".delta";
  if (type.size() >= kDelta.size() && type.substr(type.size() - kDelta.size()) == kDelta) {
    count_text(facts, text_size(root.find("delta")));
  }
  facts.usage = parse_usage(root.find("response").find("usage"));
  facts.is_last_event =
      type == "response.completed" || type == "response.incomplete" || type == "response.failed";
  facts.is_error = type == "error" || type == "response.failed";
}

}  // namespace

std::optional<TokenUsage> parse_usage(Value usage) {
  if (!usage.is(Kind::object)) return std::nullopt;
  const auto prompt = read_count(either(usage, "prompt_tokens", "input_tokens"));
  if (!prompt) return std::nullopt;
  const Value output = either(usage, "completion_tokens", "output_tokens");
  // Embeddings produce no tokens, and some engines leave their count out.
  const auto completion = output && !output.is(Kind::null) ? read_count(output) : 0;
  if (!completion) return std::nullopt;
  const Value prompt_details = either(usage, "prompt_tokens_details", "input_tokens_details");
  const Value output_details = either(usage, "completion_tokens_details", "output_tokens_details");
  TokenUsage tokens;
  tokens.cached = std::min(*prompt, prompt_details.find("cached_tokens").as_u64().value_or(0));
  tokens.prompt = *prompt - tokens.cached;
  tokens.reasoning =
      std::min(*completion, output_details.find("reasoning_tokens").as_u64().value_or(0));
  tokens.completion = *completion - tokens.reasoning;
  return tokens;
}

namespace {

Error malformed(std::string detail) {
  return Error(ErrorKind::upstream, "engine_answer_malformed", std::move(detail));
}

/// Whether an error object is about the request: by its `code`, where engines put the status that
/// they would have answered with, or by its `type`. (SGLang says so of a prompt that is too long,
/// under status 200.)
bool blames_request(Value error) {
  constexpr std::string_view kCodes[] = {"400", "404", "413", "422"};
  constexpr std::string_view kTypes[] = {"BadRequestError", "invalid_request_error",
                                         "exceed_context_size_error"};
  const Value code = error.find("code");
  const std::string_view said = code.is(Kind::number) ? code.raw() : code.as_string().value_or("");
  const std::string_view type = error.find("type").as_string().value_or("");
  return std::find(std::begin(kCodes), std::end(kCodes), said) != std::end(kCodes) ||
         std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

Result<AnswerFacts> facts_of(Endpoint endpoint, Value root) {
  if (!root.is(Kind::object)) return malformed("The engine's answer is no JSON object.");
  AnswerFacts facts;
  // Older engines say it without a member of its own.
  const bool flat = root.find("object").as_string() == "error";
  const Value error = flat ? root : root.find("error");
  facts.is_error = error && !error.is(Kind::null);
  facts.refuses = facts.is_error && blames_request(error);
  const auto type = root.find("type").as_string();
  if (endpoint == Endpoint::responses && type) {
    inspect_response_event(root, *type, facts);
    return facts;
  }
  facts.usage = parse_usage(root.find("usage"));
  if (endpoint == Endpoint::responses) {
    count_output(root.find("output"), facts);
    return facts;
  }
  const Value choices = root.find("choices");
  count_choices(choices, facts);
  facts.usage_only = choices.is(Kind::array) && choices.size() == 0 && facts.usage.has_value();
  return facts;
}

/// Whether a text is refused for its size or shape, and may be JSON all the same.
bool is_beyond_limits(const Error& error) {
  return error.code() == "json_too_many_values" || error.code() == "json_too_deep" ||
         error.code() == "json_too_large";
}

/// Where the string that begins at `begin` ends, its quotes included.
std::size_t end_of_string(std::string_view text, std::size_t begin) {
  std::size_t at = begin + 1;
  while (at < text.size()) {
    at += json::plain_length(text.substr(at));
    if (at < text.size() && text[at] == '"') return at + 1;
    at += text.substr(at, 1) == "\\" ? 2 : 1;
  }
  return text.size();
}

/// The text with all of its arrays emptied: what makes answers large is in arrays (vectors, log
/// probabilities), and what accounting needs of them is not. Other faults of the text stay in it.
std::string without_arrays(std::string_view text) {
  std::string out;
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const std::size_t end = c == '"' ? end_of_string(text, at) : at + 1;
    if (c == ']' && depth > 0) --depth;
    if (depth == 0) out.append(text.substr(at, end - at));
    if (c == '[') ++depth;
    at = end;
  }
  return out;
}

/// The facts of a text that could not be parsed because of `why`: what stands outside of its arrays
/// where it only is too large for a tree; nothing where that, too, is too large.
Result<AnswerFacts> facts_without_tree(Endpoint endpoint, std::string_view text, const Error& why) {
  const auto not_json = [](const Error& e) {
    return malformed("The engine's answer is not JSON: " + e.detail());
  };
  if (!is_beyond_limits(why)) return not_json(why);
  const std::string outline = without_arrays(text);
  const auto document = json::Document::parse(outline);
  if (!document) {
    return is_beyond_limits(document.error()) ? Result<AnswerFacts>(AnswerFacts{})
                                              : not_json(document.error());
  }
  COCOON_TRY(AnswerFacts facts, facts_of(endpoint, document->root()));
  facts.usage_only = false;  // its choices were left out
  return facts;
}

/// The text that a chunk with one choice usually brings; absent where it is elsewhere.
Value usual_text(Endpoint endpoint, Value root) {
  const Value choices = root.find("choices");
  if (choices.size() != 1) return {};
  const Value choice = *choices.elements().begin();
  if (endpoint == Endpoint::completions) return choice.find("text");
  if (endpoint == Endpoint::chat_completions) return choice.find("delta").find("content");
  return {};
}

}  // namespace

Result<AnswerFacts> inspect_answer(Endpoint endpoint, std::string_view text) {
  const auto document = json::Document::parse(text);
  if (!document) return facts_without_tree(endpoint, text, document.error());
  return facts_of(endpoint, document->root());
}

Result<AnswerFacts> StreamInspector::inspect(std::string_view event_data) {
  if (const auto length = same_but_text(event_data)) {
    AnswerFacts facts;
    count_text(facts, *length);
    return facts;
  }
  const auto document = json::Document::parse(event_data);
  if (!document) return facts_without_tree(endpoint_, event_data, document.error());
  COCOON_TRY(const AnswerFacts facts, facts_of(endpoint_, document->root()));
  remember(event_data, document->root(), facts);
  return facts;
}

std::optional<std::size_t> StreamInspector::same_but_text(std::string_view event_data) const {
  if (after_.empty() || !event_data.starts_with(before_)) return std::nullopt;
  event_data.remove_prefix(before_.size());
  const std::size_t length = json::plain_length(event_data);
  if (event_data.substr(length) != after_) return std::nullopt;
  return length;
}

void StreamInspector::remember(std::string_view event_data, Value root, const AnswerFacts& facts) {
  after_.clear();
  const Value text = usual_text(endpoint_, root);
  const auto unescaped = text.as_string();
  if (!unescaped || unescaped->size() + 2 != text.raw().size()) return;  // none, or with escapes
  // What else an event says has to be looked at each time.
  AnswerFacts only_text;
  count_text(only_text, unescaped->size());
  if (facts != only_text) return;
  if (event_data.size() - unescaped->size() > kMaxRememberedBytes) return;
  before_ = event_data.substr(0, text.offset() + 1);
  after_ = event_data.substr(text.end_offset() - 1);
}

bool is_done(std::string_view event_data) {
  const std::size_t begin = event_data.find_first_not_of(' ');
  const std::size_t end = event_data.find_last_not_of(' ');
  if (begin == std::string_view::npos) return false;
  return event_data.substr(begin, end - begin + 1) == "[DONE]";
}

}  // namespace cocoon::http
