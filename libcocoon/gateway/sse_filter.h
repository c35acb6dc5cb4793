#pragma once
/// @file An engine's event stream as the caller asked for it: without the usage chunk that only
/// accounting asked for.

#include <string>
#include <string_view>

#include "cocoon/request.h"
#include "cocoon/result.h"
#include "http/sse.h"

namespace cocoon::gateway {

/// Passes whole events on, byte for byte, as soon as their last byte has come. Only whole ones, so
/// that an error event can follow at any time.
class SseFilter {
 public:
  /// @param hide_usage drop the chunk of chats and completions that has no choices but usage
  SseFilter(Endpoint endpoint, bool hide_usage);

  /// Appends to `out` what is complete and to be seen.
  /// Errors: upstream/sse_event_too_large; the stream cannot go on.
  Status push(std::string_view bytes, std::string& out);
  /// The stream has ended: appends a last event whose blank line is missing.
  void finish(std::string& out);

 private:
  bool hidden(const http::SseEvent& event) const;

  http::SseParser parser_;
  Endpoint endpoint_;
  bool hide_usage_;
};

}  // namespace cocoon::gateway
