#pragma once
/// @file One connection of the session protocol: version negotiation, streams, credit, liveness.
/// Sans-I/O: it runs above TLS (or above an in-memory channel in simulations) and has no clock.
///
/// Use: feed() what arrived, call next_event() until it returns nothing, send what is in output().
/// The owner reads no more from the transport while wants_input() is false.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "session/stream_state.h"
#include "wire/frame_splitter.h"
#include "wire/messages.h"

namespace cocoon::session {

using wire::StreamId;

/// The side that opened the transport connection. It takes odd stream ids, the other even ones.
enum class Side : std::uint8_t { initiator, acceptor };

/// The state of a connection. Only `open` carries streams and control messages.
enum class ConnectionState : std::uint8_t {
  awaiting_hello,     ///< acceptor: nothing came yet. Initiator: start() was not called yet
  awaiting_decision,  ///< acceptor: the owner has the hello, and owes accept_hello() or fail()
  awaiting_ack,       ///< initiator: hello was sent
  open,
  closed
};

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
/// Credit has come for a stream whose send_data() was refused: now the same payload goes through.
struct StreamWritable {
  StreamId stream;
};
/// Any control message of messages.h other than those handled here.
struct Control {
  wire::Message message;
};
/// The peer takes no new streams; those that run finish.
struct PeerGoingAway {
  std::string reason;
  std::string detail;
};
/// The connection is over because the peer broke the protocol, went silent, or said so. Last event.
/// There may still be output to send: the frame that tells the peer why.
struct ConnectionFailed {
  Error error;
};

using Event =
    std::variant<HelloReceived, HelloAcked, StreamOpened, StreamAccepted, StreamData, StreamEnded,
                 StreamReset, StreamWritable, Control, PeerGoingAway, ConnectionFailed>;

/// See the file comment. Stream functions on a stream that is not (or no longer) open do nothing
/// and return false: a reset by the peer may always have come first.
class Connection {
 public:
  /// @param now start of the clock for silence and for the peer's hello.
  Connection(Side side, MonoTime now);

  // --- Opening ---

  /// Initiator: sends our hello. Call once, first.
  void start(const wire::Hello& ours);
  /// Acceptor: answers the peer's hello; `version` is filled in with the negotiated one.
  void accept_hello(wire::HelloAck ours);
  /// The negotiated version; 0 before that.
  std::uint64_t version() const { return version_; }
  ConnectionState state() const { return state_; }

  // --- Receiving ---

  /// Takes bytes that arrived. They stay in place until next_event() has returned nothing.
  void feed(ByteView bytes, MonoTime now);
  /// The next thing that happened; nothing: all of the input is used up. Frames are parsed one at
  /// a time, so what the owner does about one event counts for the next frame.
  std::optional<Event> next_event();
  /// The owner is done with `bytes` of data payload: both windows get them back, in batches.
  void consumed(StreamId stream, std::size_t bytes);
  /// The owner keeps `bytes` of data payload within a bound of its own (say, a body that waits for
  /// a worker): the connection's window gets them back now, the stream's on consumed(). So a few
  /// waiting streams do not stop the others.
  void buffered(StreamId stream, std::size_t bytes);

  // --- Sending. All of it appends to output(). ---

  /// Opens a stream. Views need to live during the call only.
  /// Errors: unavailable/connection_closed, unavailable/going_away (either side is),
  /// busy/too_many_streams (the peer's max_streams), unavailable/stream_ids_exhausted.
  Result<StreamId> open(ByteView header, const std::vector<ByteView>& wraps,
                        std::uint8_t first_wrap, std::uint32_t time_left_ms);
  /// The acceptor of a stream: the engine has started. Required before its data and end.
  bool send_accepted(StreamId stream, std::uint8_t candidate, std::uint64_t prompt_tokens);
  /// Sends 1 to limits::kMaxDataBytes bytes if credit allows. False: nothing was sent, and
  /// StreamWritable follows when this payload would go through. Streams that wait for the
  /// connection's credit get it in turn.
  bool send_data(StreamId stream, ByteView payload,
                 const std::optional<wire::UsageMark>& mark = std::nullopt);
  /// How many bytes send_data() would take now, 0 to limits::kMaxDataBytes.
  std::size_t sendable(StreamId stream) const;
  /// Ends our direction; `message.stream` names the stream.
  bool send_end(const wire::End& message);
  /// Ends the stream, both directions, unless it is over already. A reset counts as sent even
  /// where the peer has yet to confirm it. Of what crosses it, the opener of the stream is told an
  /// end or a reset, which say what the request cost; nothing else is reported of the stream.
  bool reset(StreamId stream, const Error& error, std::uint32_t retry_after_ms = 0, Nano cost = {},
             Nano charged_total = {});
  /// Sends a control message (those that Control carries). Ignored unless the connection is open.
  void send(const wire::Message& control);
  /// We take no new streams: later opens of the peer are answered by a reset. Running ones finish.
  void go_away(std::string_view reason, std::string_view detail);
  /// Ends the connection and tells the peer why. No event follows.
  void fail(const Error& error);

  /// Bytes to send. The owner takes them from here (by swap, or from the front).
  Bytes& output() { return output_; }
  std::size_t pending_output_bytes() const { return output_.size(); }
  /// False while output() holds more than limits::kMaxPendingOutputBytes.
  bool wants_input() const { return output_.size() <= limits::kMaxPendingOutputBytes; }

  // --- Streams ---

  /// Whether the stream is open in any direction.
  bool is_open(StreamId stream) const;
  /// Streams that are not over, those that wait for the peer's confirmation of a reset included.
  std::size_t stream_count() const { return streams_.size(); }

  // --- Liveness ---

  /// When on_time() is due next; kNever once closed.
  MonoTime next_deadline() const;
  /// Pings a silent peer after limits::kPingAfter and gives it up after limits::kDeadAfter (before
  /// hello and hello_ack: limits::kHelloDeadline). Events may follow.
  void on_time(MonoTime now);
  /// Asks for a sign of life now, unless one has been asked for since the peer was heard.
  void ping(MonoTime now);
  MonoTime heard_at() const { return heard_at_; }
  /// Since when a ping waits for any sign of life; kNever: none does.
  MonoTime pinged_at() const { return pinged_ ? pinged_at_ : kNever; }

 private:
  struct Stream {
    StreamState state = StreamState::open;
    bool opened_here = false;
    bool accepted = false;
    bool awaits_credit = false;  // send_data() was refused for want of the stream's credit
    bool queued = false;         // in turn_queue_, for want of the connection's credit
    std::uint32_t wanted = 0;    // the payload that was refused
    std::uint32_t turn = 0;      // bytes that may be sent past the queue, once
    std::uint32_t send_credit = limits::kStreamCreditBytes;
    std::uint32_t receive_window = limits::kStreamCreditBytes;  // what the peer may still send
    std::uint32_t unconsumed = 0;                               // received, not consumed() yet
    std::uint32_t prepaid = 0;  // part of `unconsumed` given back to the connection already
    std::uint32_t owed = 0;     // consumed, not yet given back to the stream
  };
  using Streams = std::unordered_map<StreamId, Stream>;

  std::optional<Event> on_message(wire::Message& message);
  std::optional<Event> before_open(wire::Message& message);
  std::optional<Event> on(wire::Hello& message);
  std::optional<Event> on(wire::HelloAck& message);
  std::optional<Event> on(wire::Ping& message);
  std::optional<Event> on(wire::Pong& message);
  std::optional<Event> on(wire::GoAway& message);
  std::optional<Event> on(wire::Open& message);
  std::optional<Event> on(wire::Accepted& message);
  std::optional<Event> on(wire::Data& message);
  std::optional<Event> on(wire::End& message);
  std::optional<Event> on(wire::Reset& message);
  std::optional<Event> on(wire::Credit& message);
  std::optional<Event> on(wire::Extension& message);

  std::optional<Event> broken(std::string_view code, std::string detail);
  std::optional<Event> receive(StreamId id, StreamEvent event, Streams::iterator& at);
  std::optional<Event> next_writable();
  Stream* find_open(StreamId stream);
  const Stream* find_open(StreamId stream) const;
  static bool may_send(const Stream& stream);
  bool was_opened(StreamId stream) const;
  bool peer_owns(StreamId stream) const;
  void enqueue(Streams::iterator at);
  void leave_queue(Streams::iterator at);
  void drop(Streams::iterator at);
  void give_connection(std::size_t bytes);
  void close();

  Side side_;
  ConnectionState state_ = ConnectionState::awaiting_hello;
  std::uint64_t version_ = 0;
  std::uint64_t lowest_offered_ = 0;  // initiator: the range of our hello
  std::uint64_t highest_offered_ = 0;

  wire::FrameSplitter splitter_;
  Bytes output_;
  std::optional<Event> failure_;  // found outside next_event(), to be told by it

  Streams streams_;
  StreamId next_stream_;  // the next one that we open
  StreamId highest_peer_stream_ = 0;
  std::uint32_t our_max_streams_ = limits::kMaxStreamsPerConnection;  // what we let the peer open
  std::uint32_t peer_max_streams_ = 0;                                // what the peer lets us open
  std::uint32_t opened_here_ = 0;  // of streams_, by who opened them
  std::uint32_t opened_by_peer_ = 0;
  bool we_go_away_ = false;
  bool peer_goes_away_ = false;

  std::uint32_t send_credit_ = limits::kConnectionCreditBytes;
  std::uint32_t receive_window_ = limits::kConnectionCreditBytes;
  std::uint32_t owed_ = 0;
  std::deque<StreamId> turn_queue_;  // blocked on the connection's credit, first come first served

  MonoTime opened_at_;
  MonoTime heard_at_;
  bool pinged_ = false;  // since heard_at_
  MonoTime pinged_at_{};
  std::uint64_t last_ping_ = 0;
};

}  // namespace cocoon::session
