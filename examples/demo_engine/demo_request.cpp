#include "demo_engine/demo_request.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/json.h"

namespace cocoon::demo {
namespace {

// Bounds of what one request may ask this engine for.
constexpr std::uint64_t kMaxChunks = 1'000'000;
constexpr std::uint64_t kMaxChunkBytes = 1024 * 1024;
constexpr std::uint64_t kMaxDelayMs = 600'000;
constexpr std::uint64_t kMaxDimensions = 4096;
constexpr std::size_t kMaxIdBytes = 200;

constexpr std::pair<std::string_view, Fault> kFaults[] = {
    {"none", Fault::none},
    {"stall", Fault::stall},
    {"truncate", Fault::truncate},
    {"error500", Fault::error500},
    {"error400", Fault::error400},
    {"error404", Fault::error404},
    {"error429", Fault::error429},
    {"error_in_200", Fault::error_in_200},
    {"no_done", Fault::no_done},
    {"short_length", Fault::short_length},
    {"close_before_head", Fault::close_before_head},
    {"wrong_length", Fault::wrong_length},
    {"no_usage", Fault::no_usage},
    {"huge_line", Fault::huge_line},
    {"not_a_stream", Fault::not_a_stream},
};

Error bad_demo(std::string_view what) {
  return Error(ErrorKind::invalid_argument, "bad_demo_options",
               fmt::format("demo.{}: see examples/demo_engine/README.md", what));
}

Status take_number(json::Value demo, std::string_view name, std::uint64_t most,
                   std::uint64_t& out) {
  const json::Value value = demo.find(name);
  if (!value) return ok();
  const auto number = value.as_u64();
  if (!number || *number > most) {
    return bad_demo(fmt::format("{} must be an integer of at most {}", name, most));
  }
  out = *number;
  return ok();
}

Status take_delay(json::Value demo, std::string_view name, Millis& out) {
  auto ms = static_cast<std::uint64_t>(out.count());
  COCOON_CHECK(take_number(demo, name, kMaxDelayMs, ms));
  out = Millis(static_cast<std::int64_t>(ms));
  return ok();
}

Result<Shape> read_shape(json::Value demo, const Shape& defaults) {
  Shape out = defaults;
  if (!demo) return out;
  COCOON_CHECK(take_number(demo, "chunks", kMaxChunks, out.chunks));
  COCOON_CHECK(take_number(demo, "chunk_bytes", kMaxChunkBytes, out.chunk_bytes));
  COCOON_CHECK(take_delay(demo, "delay_ms", out.delay));
  COCOON_CHECK(take_delay(demo, "first_delay_ms", out.first_delay));
  COCOON_CHECK(take_number(demo, "cached_tokens", UINT32_MAX, out.cached_tokens));
  COCOON_CHECK(take_number(demo, "reasoning_tokens", UINT32_MAX, out.reasoning_tokens));
  out.stamp = demo.find("stamp").as_bool().value_or(false);
  if (const auto confirm = demo.find("confirm").as_string()) {
    if (confirm->size() > kMaxIdBytes) return bad_demo("confirm is too long");
    out.confirm = *confirm;
  }
  if (const json::Value fault = demo.find("fault")) {
    const auto found = fault_named(fault.as_string().value_or(""));
    if (!found) return bad_demo("fault is none that I know");
    out.fault = *found;
  }
  return out;
}

/// The text of a message's content, which is a string or a list of parts.
std::string text_of(json::Value content) {
  if (const auto text = content.as_string()) return std::string(*text);
  std::string out;
  for (const json::Value part : content.elements()) {
    if (const auto text = part.find("text").as_string()) out += *text;
  }
  return out;
}

/// The conversation: how long it is, what the user said last, whether a tool spoke last.
void read_messages(json::Value messages, Request& out, bool& tool_spoke_last) {
  for (const json::Value message : messages.elements()) {
    const std::string text = text_of(message.find("content"));
    out.prompt_bytes += text.size();
    const auto role = message.find("role").as_string().value_or("");
    const auto type = message.find("type").as_string().value_or("");
    tool_spoke_last = role == "tool" || type == "function_call_output";
    if (role == "user") out.last_user_text = text;
  }
}

void read_prompt(Endpoint endpoint, json::Value root, Request& out, bool& tool_spoke_last) {
  if (endpoint == Endpoint::chat_completions) {
    return read_messages(root.find("messages"), out, tool_spoke_last);
  }
  const json::Value prompt = root.find(endpoint == Endpoint::completions ? "prompt" : "input");
  if (const auto text = prompt.as_string()) {
    out.last_user_text = *text;
    out.prompt_bytes = text->size();
  } else if (endpoint == Endpoint::responses) {
    read_messages(prompt, out, tool_spoke_last);
  } else {
    out.prompt_bytes = prompt.raw().size();
    if (prompt.size() > 0) out.last_user_text = text_of(*prompt.elements().begin());
  }
}

std::optional<ToolChoice> read_tool(json::Value root) {
  const json::Value choice = root.find("tool_choice");
  if (choice.as_string().value_or("auto") == "none") return std::nullopt;
  const auto name_of = [](json::Value tool) {
    // Chat nests the function, Responses does not.
    const json::Value function = tool.find("function");
    return (function ? function : tool).find("name").as_string();
  };
  if (const auto forced = name_of(choice)) return ToolChoice{std::string(*forced)};
  for (const json::Value tool : root.find("tools").elements()) {
    if (const auto name = name_of(tool)) return ToolChoice{std::string(*name)};
  }
  return std::nullopt;
}

/// As most engines it knows only the names of the API and passes over those of other engines.
std::optional<std::uint64_t> read_limit(Endpoint endpoint, json::Value root) {
  if (endpoint == Endpoint::responses) return root.find("max_output_tokens").as_u64();
  const auto limit = root.find("max_tokens").as_u64();
  const auto newer = root.find("max_completion_tokens").as_u64();
  return endpoint == Endpoint::chat_completions && newer ? newer : limit;
}

std::string read_id(json::Value root, std::string_view x_request_id) {
  std::string_view id = "anonymous";
  if (!x_request_id.empty()) id = x_request_id;
  if (const auto of_metadata = root.find("metadata").find("request_id").as_string()) {
    id = *of_metadata;
  }
  if (const auto user = root.find("user").as_string()) id = *user;
  return std::string(id.substr(0, kMaxIdBytes));
}

void read_inputs(json::Value input, std::vector<std::string>& out) {
  const bool several = input.is(json::Kind::array) && input.size() > 0 &&
                       !(*input.elements().begin()).is(json::Kind::number);
  if (!several) {
    out.emplace_back(input.raw());
    return;
  }
  for (const json::Value one : input.elements()) out.emplace_back(one.raw());
}

}  // namespace

std::optional<Fault> fault_named(std::string_view name) {
  const auto* found = std::find_if(std::begin(kFaults), std::end(kFaults),
                                   [&](const auto& f) { return f.first == name; });
  return found == std::end(kFaults) ? std::nullopt : std::optional(found->second);
}

std::string fault_names() {
  std::string out;
  for (const auto& [name, fault] : kFaults) {
    out += (out.empty() ? "" : ", ") + std::string(name);
  }
  return out;
}

Result<Request> read_request(Endpoint endpoint, std::string_view body,
                             std::string_view x_request_id, const Shape& defaults) {
  Request out;
  COCOON_TRY(out.facts, http::inspect_request(endpoint, body));
  COCOON_TRY(const json::Document document, json::Document::parse(body));
  const json::Value root = document.root();
  COCOON_TRY(out.shape, read_shape(root.find("demo"), defaults));
  out.id = read_id(root, x_request_id);
  out.seed = root.find("seed").raw();
  out.most_tokens = read_limit(endpoint, root);
  bool tool_spoke_last = false;
  read_prompt(endpoint, root, out, tool_spoke_last);
  if (!tool_spoke_last) out.tool = read_tool(root);
  if (endpoint == Endpoint::embeddings) {
    read_inputs(root.find("input"), out.inputs);
    out.base64_embeddings = root.find("encoding_format").as_string() == "base64";
    out.dimensions =
        std::clamp<std::uint64_t>(root.find("dimensions").as_u64().value_or(8), 1, kMaxDimensions);
  }
  return out;
}

}  // namespace cocoon::demo
