#pragma once
/// @file One connection of the session protocol: version negotiation, streams, credit, liveness.
/// Sans-I/O: it runs above TLS (or above an in-memory channel in simulations) and has no clock.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "wire/messages.h"

namespace cocoon::session {

using wire::StreamId;

/// The side that opened the transport connection. It takes odd stream ids, the other even ones.
enum class Side : std::uint8_t { initiator, acceptor };

/// The state of a connection. Only `open` carries streams and control messages.
enum class ConnectionState : std::uint8_t { awaiting_hello, open, closed };

// --- What a connection tells its owner. Views live until the next call of feed(). ---

/// The peer's hello was acceptable at the protocol level; the owner still has to check account,
/// epoch and channel. An acceptor must answer with accept_hello() or fail().
struct HelloReceived {
  wire::Hello hello;
};
struct HelloAcked {
  wire::HelloAck ack;
};
struct StreamOpened {
  wire::Open open;
};
struct StreamAccepted {
  wire::Accepted accepted;
};
struct StreamData {
  wire::Data data;
};
struct StreamEnded {
  wire::End end;
};
struct StreamReset {
  wire::Reset reset;
};
/// Credit has come for a stream whose sending was blocked; try again.
struct StreamWritable {
  StreamId stream;
};
/// Any control message of messages.h other than those handled here.
struct Control {
  wire::Message message;
};
struct PeerGoingAway {
  std::string reason;
};
/// The connection is over because the peer broke the protocol, went silent, or said so. Last event.
struct ConnectionFailed {
  Error error;
};

using Event = std::variant<HelloReceived, HelloAcked, StreamOpened, StreamAccepted, StreamData,
                           StreamEnded, StreamReset, StreamWritable, Control, PeerGoingAway,
                           ConnectionFailed>;

}  // namespace cocoon::session
