#include "demo_engine/demo_reply.h"

#include <algorithm>

#include "codec/json.h"

namespace cocoon::demo {
namespace {

constexpr std::size_t kQuotedBytes = 200;

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

/// The last character boundary of `text` at or before `at`.
std::size_t boundary_before(std::string_view text, std::size_t at) {
  if (at >= text.size()) return text.size();
  while (at > 0 && is_continuation(text[at])) --at;
  return at;
}

/// `bytes` of text, or a little less where a character would be cut.
std::string make_text(std::string_view user_text, std::size_t bytes) {
  std::string out = "This is the demo engine of libcocoon, not a model. You said: \"";
  out += user_text.substr(0, boundary_before(user_text, kQuotedBytes));
  out += "\".";
  constexpr std::string_view kFiller = " It answers with as many bytes as it was asked for.";
  out.reserve(bytes + kFiller.size());
  while (out.size() < bytes) out += kFiller;
  out.resize(boundary_before(out, bytes));
  return out;
}

std::string make_arguments(std::string_view user_text) {
  json::Writer w;
  w.begin_object().key("echo").string(user_text).end_object();
  return w.take();
}

/// Cuts at most `chunks` pieces of about `chunk_bytes` each; the last takes what is left.
std::vector<std::size_t> cut(std::string_view text, std::uint64_t chunks,
                             std::uint64_t chunk_bytes) {
  std::vector<std::size_t> out;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = boundary_before(text, at + std::max<std::size_t>(chunk_bytes, 1));
    // A character longer than a chunk goes out whole.
    while (end <= at || (end < text.size() && is_continuation(text[end]))) ++end;
    if (out.size() + 1 == chunks) end = text.size();
    out.push_back(end);
    at = end;
  }
  return out;
}

std::uint64_t tokens_of(std::uint64_t bytes) {
  return (bytes + kBytesPerToken - 1) / kBytesPerToken;
}

}  // namespace

Reply make_reply(const Request& request, std::uint64_t number, UnixTime now) {
  const Shape& shape = request.shape;
  Reply out;
  out.number = number;
  out.created = to_unix_seconds(now);
  out.model = request.facts.model;
  out.seed = request.seed;
  out.choices = request.facts.n * request.facts.prompts;
  out.tool = request.tool;
  out.finish_reason = out.tool ? "tool_calls" : "stop";
  std::uint64_t bytes = shape.chunks * shape.chunk_bytes;
  out.text =
      out.tool ? make_arguments(request.last_user_text) : make_text(request.last_user_text, bytes);
  if (const auto limit = request.most_tokens; limit && tokens_of(out.text.size()) > *limit) {
    out.text.resize(boundary_before(out.text, *limit * kBytesPerToken));
    out.finish_reason = "length";
  }
  out.cuts = cut(out.text, shape.chunks, shape.chunk_bytes);
  const std::uint64_t of_one = tokens_of(out.text.size());
  out.counts.prompt = std::max<std::uint64_t>(1, tokens_of(request.prompt_bytes));
  out.counts.cached = std::min(shape.cached_tokens, out.counts.prompt);
  out.counts.completion = of_one * out.choices;
  out.counts.reasoning = std::min(shape.reasoning_tokens, out.counts.completion);
  out.show_usage = shape.fault != Fault::no_usage;
  return out;
}

}  // namespace cocoon::demo
