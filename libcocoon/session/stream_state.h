#pragma once
/// @file The life of one stream, as one transition function (docs/protocol.md "Streams").

#include <cstdint>
#include <optional>
#include <string_view>

namespace cocoon::session {

/// Both directions run from the start. A reset ends both; the side that got it confirms it by a
/// reset of its own, so that each side knows when no frame of the stream can come any more.
enum class StreamState : std::uint8_t {
  open,             ///< both directions run
  local_ended,      ///< we sent end; the peer may go on
  remote_ended,     ///< the peer sent end; we may go on
  resetting,        ///< we sent reset; what crosses it is ignored until the peer's reset
  resetting_ended,  ///< the same after our end: the peer's end, crossing the reset, is the last too
  closed
};

enum class StreamEvent : std::uint8_t {
  send_accepted,
  send_data,
  send_end,
  send_reset,
  receive_accepted,
  receive_data,
  receive_end,
  receive_reset,
};

/// The state after `event`, or nothing where the event must not happen in `state`: for receive_…
/// the peer broke the protocol, for send_… nothing may be sent.
std::optional<StreamState> next(StreamState state, StreamEvent event);

/// Whether frames of the stream still reach the owner.
constexpr bool is_alive(StreamState state) {
  return state == StreamState::open || state == StreamState::local_ended ||
         state == StreamState::remote_ended;
}

std::string_view to_string(StreamState state);
std::string_view to_string(StreamEvent event);

}  // namespace cocoon::session
