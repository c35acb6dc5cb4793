#pragma once
/// @file What the demo engine answers, before it is put into an endpoint's JSON.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "demo_engine/demo_request.h"

namespace cocoon::demo {

/// Says in every answer what this is.
inline constexpr std::string_view kFingerprint = "cocoon-demo-engine: not a model";
/// Bytes of text that count as one token, here and in no real engine.
inline constexpr std::uint64_t kBytesPerToken = 4;

struct Counts {
  std::uint64_t prompt = 0;  ///< with cached
  std::uint64_t cached = 0;
  std::uint64_t completion = 0;  ///< with reasoning
  std::uint64_t reasoning = 0;
};

struct Reply {
  std::uint64_t number = 0;  ///< of the request, since the engine started
  std::uint64_t created = 0;
  std::string model;
  std::string seed;  ///< raw JSON, or empty
  /// The text, or the arguments of the tool call, cut into chunks at character boundaries.
  std::string text;
  std::vector<std::size_t> cuts;  ///< where each chunk ends in `text`
  std::optional<ToolChoice> tool;
  std::string_view finish_reason;  ///< "stop", "length" or "tool_calls"
  std::uint64_t choices = 1;       ///< prompts times n
  Counts counts;
  bool show_usage = true;

  std::size_t pieces() const { return cuts.size(); }
  std::string_view piece(std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : cuts[i - 1];
    return std::string_view(text).substr(begin, cuts[i] - begin);
  }
};

Reply make_reply(const Request& request, std::uint64_t number, UnixTime now);

}  // namespace cocoon::demo
