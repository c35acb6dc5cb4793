#include "gateway/sse_filter.h"

#include <algorithm>

#include "http/openai.h"

namespace cocoon::gateway {
namespace {

/// Whether a member named `usage` has a value other than null. It looks at the text only: of the
/// like within a string it says yes, too.
bool brings_usage(std::string_view json) {
  // Without its first quote: searching for what is rare in JSON is several times faster.
  constexpr std::string_view kKey = "usage\"";
  constexpr std::string_view kSpace = " \t\r\n";
  std::size_t at = 0;
  while ((at = json.find(kKey, at)) != std::string_view::npos) {
    at = std::min(json.find_first_not_of(kSpace, at + kKey.size()), json.size());
    if (json.substr(at, 1) != ":") continue;
    at = std::min(json.find_first_not_of(kSpace, at + 1), json.size());
    if (json.substr(at, 4) != "null") return true;
  }
  return false;
}

}  // namespace

SseFilter::SseFilter(Endpoint endpoint, bool hide_usage)
    : endpoint_(endpoint),
      hide_usage_(hide_usage &&
                  (endpoint == Endpoint::chat_completions || endpoint == Endpoint::completions)) {}

Status SseFilter::push(std::string_view bytes, std::string& out) {
  parser_.push(bytes);
  for (;;) {
    COCOON_TRY(const auto event, parser_.next());
    if (!event) return ok();
    if (!hidden(*event)) out += event->raw;
  }
}

void SseFilter::finish(std::string& out) {
  const auto event = parser_.finish();
  if (event && !hidden(*event)) out += event->raw;
}

bool SseFilter::hidden(const http::SseEvent& event) const {
  // Most chunks say nothing of usage, or that it is null: they are not parsed.
  if (!hide_usage_ || !brings_usage(event.data)) return false;
  const auto facts = http::inspect_answer(endpoint_, event.data);
  return facts && facts->usage_only;
}

}  // namespace cocoon::gateway
