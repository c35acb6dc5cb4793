// modules: http
// covers: libcocoon/http/sse.cpp
/// @file However a stream is cut, its events have the same data and together all its bytes, and
/// whoever skips those that are too large sees all others. The first byte of the input is the size
/// of the pieces.

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "fuzz/require.h"
#include "http/sse.h"

namespace {

using cocoon::fuzz::require;
using cocoon::http::OversizedEvent;
using cocoon::http::SseEvent;
using cocoon::http::SseParser;

struct Seen {
  std::string raw;
  std::vector<std::string> data;
  bool failed = false;

  void add(const SseEvent& event) {
    raw += event.raw;
    if (event.has_data) data.emplace_back(event.data);
    require(event.has_data || event.data.empty());
  }
};

Seen read(std::string_view bytes, std::size_t piece, std::size_t limit) {
  SseParser parser(limit);
  Seen seen;
  while (!bytes.empty() && !seen.failed) {
    const std::string part(bytes.substr(0, piece));
    bytes.remove_prefix(part.size());
    parser.push(part);
    while (true) {
      auto event = parser.next();
      seen.failed = !event;
      if (!event || !*event) break;
      require((*event)->raw.size() <= limit);
      seen.add(**event);
    }
  }
  if (const auto rest = parser.finish()) seen.add(*rest);
  return seen;
}

/// The data of each event or, in the place of one longer than `limit`, nothing.
using Taken = std::vector<std::optional<std::string>>;

Taken take(std::string_view bytes, std::size_t piece, std::size_t limit, OversizedEvent oversized) {
  SseParser parser(oversized == OversizedEvent::is_skipped ? limit : bytes.size(), oversized);
  Taken taken;
  const auto add = [&](const SseEvent& event) {
    require(!event.skipped || (event.raw.empty() && event.data.empty() && event.type.empty()));
    const bool small = !event.skipped && event.raw.size() <= limit;
    taken.push_back(small ? std::optional(std::string(event.data)) : std::nullopt);
  };
  while (!bytes.empty()) {
    const std::string part(bytes.substr(0, piece));
    bytes.remove_prefix(part.size());
    parser.push(part);
    while (true) {
      const auto event = parser.next();
      require(bool(event));
      if (!*event) break;
      add(**event);
    }
  }
  if (const auto rest = parser.finish()) add(*rest);
  return taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes = cocoon::as_text({data + 1, size - 1});
  const Seen whole = read(bytes, bytes.size() + 1, bytes.size() + 1);
  const Seen pieces = read(bytes, data[0] % 32 + 1u, bytes.size() + 1);
  require(!whole.failed && !pieces.failed);
  require(whole.raw == bytes && pieces.raw == bytes);
  require(whole.data == pieces.data);
  (void)read(bytes, data[0] % 32 + 1u, 16);
  require(take(bytes, data[0] % 32 + 1u, 16, OversizedEvent::is_skipped) ==
          take(bytes, data[0] % 32 + 1u, 16, OversizedEvent::fails));

  for (const std::string& event : whole.data) {
    std::string written;
    cocoon::http::append_sse_data(written, event);
    const Seen again = read(written, written.size(), written.size());
    // A CR within the data is a line end like any other.
    if (event.find('\r') == std::string::npos) {
      require(again.data == std::vector<std::string>{event});
    }
  }
  return 0;
}
