#include "session/stream_state.h"

namespace cocoon::session {

std::optional<StreamState> next(StreamState state, StreamEvent event) {
  using S = StreamState;
  const bool we_may_send = state == S::open || state == S::remote_ended;
  const bool peer_may_send = state == S::open || state == S::local_ended;
  const bool resetting = state == S::resetting || state == S::resetting_ended;
  switch (event) {
    case StreamEvent::send_accepted:
    case StreamEvent::send_data:
      if (we_may_send) return state;
      break;
    case StreamEvent::send_end:
      if (state == S::open) return S::local_ended;
      if (state == S::remote_ended) return S::closed;
      break;
    case StreamEvent::send_reset:
      if (we_may_send) return S::resetting;
      if (state == S::local_ended) return S::resetting_ended;
      break;
    case StreamEvent::receive_accepted:
    case StreamEvent::receive_data:
      if (peer_may_send || resetting) return state;
      break;
    case StreamEvent::receive_end:
      if (state == S::open) return S::remote_ended;
      // After both ends the peer has closed the stream, and will not answer a reset.
      if (state == S::local_ended || state == S::resetting_ended) return S::closed;
      if (state == S::resetting) return S::resetting;
      break;
    case StreamEvent::receive_reset:
      if (state != S::closed) return S::closed;
      break;
  }
  return std::nullopt;
}

std::string_view to_string(StreamState state) {
  switch (state) {
    case StreamState::open: return "open";
    case StreamState::local_ended: return "local_ended";
    case StreamState::remote_ended: return "remote_ended";
    case StreamState::resetting: return "resetting";
    case StreamState::resetting_ended: return "resetting_ended";
    case StreamState::closed: return "closed";
  }
  return "unknown";
}

std::string_view to_string(StreamEvent event) {
  switch (event) {
    case StreamEvent::send_accepted: return "send_accepted";
    case StreamEvent::send_data: return "send_data";
    case StreamEvent::send_end: return "send_end";
    case StreamEvent::send_reset: return "send_reset";
    case StreamEvent::receive_accepted: return "receive_accepted";
    case StreamEvent::receive_data: return "receive_data";
    case StreamEvent::receive_end: return "receive_end";
    case StreamEvent::receive_reset: return "receive_reset";
  }
  return "unknown";
}

}  // namespace cocoon::session
