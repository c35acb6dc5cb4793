#pragma once
/// @file What accounting needs to know of an engine's answer: usage, and text where usage is
/// missing.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cocoon/request.h"
#include "cocoon/result.h"
#include "codec/json.h"

namespace cocoon::http {

/// Tokens by class. The classes are disjoint: OpenAI's usage object nests them, this takes them
/// apart.
struct TokenUsage {
  std::uint64_t prompt = 0;  ///< without cached
  std::uint64_t cached = 0;
  std::uint64_t completion = 0;  ///< without reasoning
  std::uint64_t reasoning = 0;
  friend bool operator==(const TokenUsage&, const TokenUsage&) = default;
};

/// Reads a usage object of any endpoint (prompt_tokens/completion_tokens or input_tokens/
/// output_tokens, with their details). Nothing where `usage` is absent, null or no object, or where
/// a total is missing, no integer, negative or above limits::kMaxReportedTokens: the caller then
/// counts bytes. A detail that is not a valid count is 0; one above its total counts as the total,
/// which for cached tokens is in the payer's favour.
std::optional<TokenUsage> parse_usage(json::Value usage);

/// One answer body, or the data of one event of a streamed answer.
struct AnswerFacts {
  /// Usage so far; in streams usually on the last chunk only.
  std::optional<TokenUsage> usage;
  /// A chunk whose `choices` is empty and that brings usage: what include_usage adds, and what is
  /// hidden from a caller who did not ask.
  bool usage_only = false;
  /// Bytes of text that this answer or chunk brings: content, reasoning, refusals, tool arguments.
  std::uint64_t text_bytes = 0;
  /// Choices or items for which this chunk brings text: each is at least one token.
  std::uint64_t deltas = 0;
  /// It is an error object.
  bool is_error = false;
  /// It is an error that says that the request is at fault, as an HTTP status of 400 to 499 would.
  bool refuses = false;
  /// A Responses event after which no other comes (`response.completed`, `.incomplete`, `.failed`).
  bool is_last_event = false;
  friend bool operator==(const AnswerFacts&, const AnswerFacts&) = default;
};

/// Reads a JSON answer of `endpoint`, whole or one event's data. Of one that is too large for the
/// parser (json::Limits) only what stands outside of its arrays is read: usage and errors, but no
/// text of choices. That takes a copy of the text without its arrays, and one tree.
/// Errors: upstream/engine_answer_malformed, where it is no JSON object.
Result<AnswerFacts> inspect_answer(Endpoint endpoint, std::string_view text);

/// inspect_answer() for the events of one stream. Nearly every event differs from the one before it
/// in one piece of text only. So the bytes around that are remembered: where an event has the same
/// ones around another text without escapes, it is the same JSON but for that text, and need not be
/// parsed.
class StreamInspector {
 public:
  StreamInspector() = default;
  explicit StreamInspector(Endpoint endpoint) : endpoint_(endpoint) {}

  /// What inspect_answer() says of `event_data`, errors included.
  Result<AnswerFacts> inspect(std::string_view event_data);

 private:
  /// The length of the text where only that differs; nothing where anything else does.
  std::optional<std::size_t> same_but_text(std::string_view event_data) const;
  void remember(std::string_view event_data, json::Value root, const AnswerFacts& facts);

  /// What is kept of an event around its text, for each running stream: 250 to 600 bytes with the
  /// engines that are known.
  static constexpr std::size_t kMaxRememberedBytes = 4096;

  Endpoint endpoint_ = Endpoint::chat_completions;
  std::string before_;  ///< up to the text, its quote included
  std::string after_;   ///< from its closing quote; empty: nothing is remembered
};

/// Whether an event's data is the `[DONE]` that ends a stream of chat or text completions.
bool is_done(std::string_view event_data);

}  // namespace cocoon::http
