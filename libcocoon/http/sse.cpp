#include "http/sse.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cocoon::http {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// Bytes before the first CR or LF; all where there is none. (Two searches for one byte are several
/// times faster than find_first_of. In windows, since each search goes on to the end where its byte
/// does not come: a text of many lines that all end in CR would take the square of its size.)
std::size_t line_length(std::string_view text) {
  constexpr std::size_t kWindow = 256;
  for (std::size_t at = 0; at < text.size(); at += kWindow) {
    const std::string_view window = text.substr(at, kWindow);
    const std::size_t lf = std::min(window.find('\n'), window.size());
    const std::size_t end = std::min(window.substr(0, lf).find('\r'), lf);
    if (end < window.size()) return at + end;
  }
  return text.size();
}

/// Cuts the first line off `text`, whatever ends it.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = line_length(text);
  const std::string_view line = text.substr(0, end);
  const std::string_view rest = text.substr(end);
  text = rest.substr(rest.substr(0, 2) == "\r\n" ? 2 : std::min<std::size_t>(1, rest.size()));
  return line;
}

}  // namespace

void SseParser::push(std::string_view bytes) {
  if (held_returned_) {
    held_.clear();
    held_returned_ = false;
  }
  input_ = bytes;
}

Result<std::optional<SseEvent>> SseParser::next() {
  if (held_returned_) {
    held_.clear();
    held_returned_ = false;
  }
  std::size_t at = 0;
  bool complete = false;
  while (at < input_.size() && !complete) {
    if (std::exchange(after_cr_, false) && input_[at] == '\n') {
      ++at;
      continue;
    }
    const std::size_t length = line_length(input_.substr(at));
    if (length != 0) {
      line_empty_ = false;
      lines_ = true;
    }
    at += length;
    if (at == input_.size()) break;
    after_cr_ = input_[at] == '\r';
    ++at;
    complete = line_empty_ && lines_;
    line_empty_ = true;
  }
  // Do not wait for the LF of a CRLF, but take it along where it is there.
  if (complete && after_cr_ && at < input_.size() && input_[at] == '\n') {
    ++at;
    after_cr_ = false;
  }
  too_large_ = too_large_ || held_.size() + at > max_event_bytes_;
  if (too_large_ && oversized_ == OversizedEvent::is_skipped) return skip(at, complete);
  if (too_large_) {
    input_ = {};
    return Error(ErrorKind::upstream, "sse_event_too_large",
                 fmt::format("A server-sent event is longer than {} bytes.", max_event_bytes_));
  }
  std::string_view raw = input_.substr(0, at);
  input_.remove_prefix(at);
  if (!complete) {
    held_ += raw;
    return std::optional<SseEvent>();
  }
  if (!held_.empty()) {
    held_ += raw;
    held_returned_ = true;
    raw = held_;
  }
  lines_ = false;
  return std::optional<SseEvent>(parse(raw));
}

/// Drops the next bytes of the present event.
std::optional<SseEvent> SseParser::skip(std::size_t bytes, bool complete) {
  held_ = {};
  input_.remove_prefix(bytes);
  if (!complete) return std::nullopt;
  too_large_ = false;
  lines_ = false;
  line_empty_ = true;
  first_ = false;
  return SseEvent{.skipped = true};
}

std::optional<SseEvent> SseParser::finish() {
  if (held_returned_) held_.clear();
  if (too_large_ && oversized_ == OversizedEvent::is_skipped) return skip(0, true);
  if (held_.empty() || too_large_) return std::nullopt;
  held_returned_ = true;
  lines_ = false;
  line_empty_ = true;
  return parse(held_);
}

SseEvent SseParser::parse(std::string_view raw) {
  SseEvent event;
  event.raw = raw;
  if (first_ && raw.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    raw.remove_prefix(kByteOrderMark.size());
  }
  first_ = false;
  bool joining = false;
  while (!raw.empty()) {
    const std::string_view line = take_line(raw);
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    std::string_view value;
    if (colon != std::string_view::npos) value = line.substr(colon + 1);
    if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    if (name == "event") {
      event.type = value;
    } else if (name == "data" && !event.has_data) {
      event.has_data = true;
      event.data = value;
    } else if (name == "data") {
      if (!joining) joined_ = event.data;
      joining = true;
      joined_ += '\n';
      joined_ += value;
      event.data = joined_;
    }
  }
  return event;
}

void append_sse_data(std::string& out, std::string_view data) {
  bool more = true;
  while (more) {
    more = line_length(data) != data.size();
    out += "data: ";
    out += take_line(data);
    out += '\n';
  }
  out += '\n';
}

}  // namespace cocoon::http
