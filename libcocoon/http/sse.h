#pragma once
/// @file Server-sent events: an incremental parser that keeps the exact bytes, and a writer. The
/// format is section 9.2 of the HTML standard ("Server-sent events").

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "cocoon/result.h"

namespace cocoon::http {

/// One event, or one block without data (comments that keep a connection alive). Views are valid
/// until the parser is used again.
struct SseEvent {
  /// The exact bytes of the stream from the end of the last event to the end of this one. Together
  /// the raw bytes of all events are the stream.
  std::string_view raw;
  /// The `data` lines joined by LF; empty where there were none.
  std::string_view data;
  /// The value of `event`, the type; empty where there was none.
  std::string_view type;
  /// Whether there was a `data` line at all.
  bool has_data = false;
  /// In the place of an event that was too large: nothing of it is here.
  bool skipped = false;
};

/// What becomes of an event that is longer than a parser takes.
enum class OversizedEvent : std::uint8_t { fails, is_skipped };

/// Cuts a stream into events, however it is fragmented. Lines may end in LF, CR or CRLF.
///
///     parser.push(bytes);
///     for (;;) {
///       COCOON_TRY(auto event, parser.next());
///       if (!event) break;
///       …
///     }
///
/// An event that lies within one push is not copied.
class SseParser {
 public:
  explicit SseParser(std::size_t max_event_bytes = limits::kMaxSseEventBytes,
                     OversizedEvent oversized = OversizedEvent::fails)
      : max_event_bytes_(max_event_bytes), oversized_(oversized) {}

  /// Gives the next bytes. They must stay valid until next() has returned nothing.
  /// @pre next() has returned nothing since the last push
  void push(std::string_view bytes);

  /// The next complete event; nothing where more bytes are needed.
  /// Errors: upstream/sse_event_too_large, again and again from then on, where such events fail.
  Result<std::optional<SseEvent>> next();

  /// What the stream ended with, as if a blank line had followed: some servers leave it out.
  /// Nothing where the last event was complete, or has failed.
  std::optional<SseEvent> finish();

 private:
  SseEvent parse(std::string_view raw);
  std::optional<SseEvent> skip(std::size_t bytes, bool complete);

  std::size_t max_event_bytes_;
  OversizedEvent oversized_;
  std::string_view input_;
  std::string held_;            // the beginning of an event whose end has not come
  bool held_returned_ = false;  // held_ was the last event's raw bytes
  std::string joined_;          // the data of an event with several data lines
  bool line_empty_ = true;      // nothing but its end is missing from the present line
  bool after_cr_ = false;       // the last byte was a CR: an LF belongs to it
  bool lines_ = false;          // the present event has a line that is not empty
  bool first_ = true;           // the first event may begin with a byte order mark
  bool too_large_ = false;      // the present event; where that fails, for good
};

/// Appends `data: …` for each line of `data` and the blank line that ends the event.
void append_sse_data(std::string& out, std::string_view data);

}  // namespace cocoon::http
