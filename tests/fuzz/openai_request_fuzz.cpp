// modules: http
// covers: libcocoon/http/openai_request.cpp libcocoon/http/openai_parts.cpp
// libcocoon/http/member_names.cpp libcocoon/http/openai_answer.cpp
/// @file A spliced body is read as the edits demand and keeps what they do not concern; answers of
/// any shape are read without harm, and in a stream as they are alone. The first byte of the input
/// chooses endpoint and edits.

#include <string>

#include "base/bytes.h"
#include "base/limits.h"
#include "codec/json.h"
#include "fuzz/require.h"
#include "http/openai.h"

namespace {

using namespace cocoon::http;
using cocoon::Endpoint;
using cocoon::fuzz::require;

void check_answer(Endpoint endpoint, std::string_view text) {
  const auto facts = inspect_answer(endpoint, text);
  if (!facts) return;
  require(facts->text_bytes <= text.size() && facts->deltas <= facts->text_bytes);
  require(!facts->usage_only || facts->usage);
  if (!facts->usage) return;
  require(facts->usage->prompt + facts->usage->cached <= cocoon::limits::kMaxReportedTokens);
  require(facts->usage->completion + facts->usage->reasoning <= cocoon::limits::kMaxReportedTokens);
}

/// Each line as an event: what is remembered of those before it changes nothing.
void check_stream(Endpoint endpoint, std::string_view text) {
  StreamInspector inspector(endpoint);
  while (!text.empty()) {
    const std::string_view event = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), event.size() + 1));
    const auto alone = inspect_answer(endpoint, event);
    const auto in_stream = inspector.inspect(event);
    require(alone.has_value() == in_stream.has_value());
    require(!alone || *alone == *in_stream);
    require(!is_done(event) || !alone);
  }
}

/// Members other than those that splice() edits are the same bytes in the same order.
std::string other_members(std::string_view body) {
  const auto document = cocoon::json::Document::parse(body);
  require(document.has_value());
  std::string out;
  for (const auto& member : document->root().members()) {
    const bool edited = member.key == "stream_options" || member.key == "cache_salt" ||
                        member.key == "store" || member.key.substr(0, 4) == "max_" ||
                        member.key == "n_predict";
    if (!edited) out.append(member.key_value.raw()).append(member.value.raw());
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto endpoint = static_cast<Endpoint>(data[0] % 4 + 1);
  const std::string_view body = cocoon::as_text({data + 1, size - 1});
  require(endpoint_of(path_of(endpoint)) == endpoint);
  check_answer(endpoint, body);
  check_stream(endpoint, body);
  const auto facts = inspect_request(endpoint, body);
  if (!facts) return 0;
  (void)check_allowed(facts.value());
  require(facts->n >= 1 && facts->prompts >= 1);

  RequestEdits edits;
  edits.include_usage = (data[0] & 4) != 0;
  if ((data[0] & 8) != 0) edits.max_tokens = 100;
  if ((data[0] & 16) != 0) edits.cache_salt = "sa\"lt";
  edits.store_false = (data[0] & 32) != 0;
  const std::string out = splice(body, facts.value(), edits);
  const auto after = inspect_request(endpoint, out);
  require(after.has_value());
  require(after->model == facts->model && after->stream == facts->stream);
  require(other_members(out) == other_members(body));
  const bool has_limit = endpoint != Endpoint::embeddings && edits.max_tokens;
  require(!has_limit || (after->max_tokens && *after->max_tokens <= 100));
  require(!has_limit || after->offsets.token_limits.size() == 1);
  const bool asks = endpoint == Endpoint::chat_completions || endpoint == Endpoint::completions;
  require(!edits.include_usage || !asks || !facts->stream || after->include_usage);
  require(!edits.store_false || !after->stores);
  require(splice(out, after.value(), edits) == out);
  return 0;
}
