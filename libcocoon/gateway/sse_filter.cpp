#include "gateway/sse_filter.h"

#include "http/openai.h"

namespace cocoon::gateway {

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
  // Most chunks say nothing of usage: they are not parsed.
  if (!hide_usage_ || event.data.find("\"usage\"") == std::string_view::npos) return false;
  const auto facts = http::inspect_answer(endpoint_, event.data);
  return facts && facts->usage_only;
}

}  // namespace cocoon::gateway
