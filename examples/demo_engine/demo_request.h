#pragma once
/// @file A request to the demo engine, as far as it acts on it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "http/openai.h"

namespace cocoon::demo {

/// What goes wrong on purpose.
enum class Fault : std::uint8_t {
  none,
  stall,              ///< half of the answer, then silence
  truncate,           ///< half of the answer, then the connection ends without the proper end
  error500,           ///< status 500 with an OpenAI error
  error400,           ///< status 400 with an OpenAI error
  error404,           ///< likewise 404
  error429,           ///< likewise 429
  error_in_200,       ///< an OpenAI error under status 200; in a stream an event after half of it
  no_done,            ///< a stream ends properly, but without the event that says so
  short_length,       ///< a Content-Length of half of the body
  close_before_head,  ///< the connection ends without an answer
  wrong_length,       ///< a Content-Length that promises more than comes before the connection ends
  no_usage,           ///< no usage, even where it was asked for
  huge_line,          ///< one event of kHugeLineBytes
  not_a_stream        ///< application/json in answer to a request for a stream
};

/// The fault of that name; nothing where there is none.
std::optional<Fault> fault_named(std::string_view name);
/// Their names, with commas between them.
std::string fault_names();

inline constexpr std::size_t kHugeLineBytes = 8 * 1024 * 1024;

/// How an answer is made; from the command line, and per request from the JSON member "demo".
struct Shape {
  std::uint64_t chunks = 8;
  std::uint64_t chunk_bytes = 32;  ///< of text per chunk
  Millis delay{};                  ///< before every chunk but the first
  Millis first_delay{};            ///< before the answer begins
  Fault fault = Fault::none;
  /// Where not empty: every chunk but the first waits for POST /demo/confirm?token=CONFIRM.
  std::string confirm;
  /// Whether each chunk says in a comment, `: sent N`, when it was sent: nanoseconds of the steady
  /// clock, which all processes of a machine share.
  bool stamp = false;
  std::uint64_t cached_tokens = 0;     ///< reported as part of the prompt
  std::uint64_t reasoning_tokens = 0;  ///< reported as part of the completion
};

/// A tool that the answer is to call.
struct ToolChoice {
  std::string name;
};

struct Request {
  http::RequestFacts facts;
  Shape shape;
  /// What executions are counted by: the member "user"; else "request_id" of "metadata"; else the
  /// header X-Request-Id; else "anonymous".
  std::string id;
  std::string seed;  ///< raw JSON; empty where the request has none
  std::string last_user_text;
  std::uint64_t prompt_bytes = 0;  ///< of text in messages, prompt or input
  std::optional<ToolChoice> tool;
  std::optional<std::uint64_t> most_tokens;  ///< under a name that it knows
  std::vector<std::string> inputs;           ///< embeddings: the source text of each
  bool base64_embeddings = false;
  std::uint64_t dimensions = 8;
};

/// Reads `body`. Errors: `invalid_argument`, as http::inspect_request, and "bad_demo_options".
Result<Request> read_request(Endpoint endpoint, std::string_view body,
                             std::string_view x_request_id, const Shape& defaults);

}  // namespace cocoon::demo
