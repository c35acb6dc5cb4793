#include <fmt/format.h>

#include <algorithm>

#include "session/connection.h"
#include "wire/codec.h"
#include "wire/error_codes.h"

// Streams and credit.

namespace cocoon::session {
namespace {

/// Credit goes back in pieces of half a window: few frames, and the peer never runs dry while the
/// owner keeps up.
constexpr std::uint32_t kStreamCreditStep = limits::kStreamCreditBytes / 2;
constexpr std::uint32_t kConnectionCreditStep = limits::kConnectionCreditBytes / 2;

/// The code of a reset that only confirms another one.
constexpr std::string_view kResetConfirmed = "stream_reset";

}  // namespace

// --- Which streams there are ---

Connection::Stream* Connection::find_open(StreamId stream) {
  const auto at = streams_.find(stream);
  return at != streams_.end() && is_alive(at->second.state) ? &at->second : nullptr;
}

const Connection::Stream* Connection::find_open(StreamId stream) const {
  const auto at = streams_.find(stream);
  return at != streams_.end() && is_alive(at->second.state) ? &at->second : nullptr;
}

bool Connection::is_open(StreamId stream) const {
  return find_open(stream) != nullptr;
}

bool Connection::peer_owns(StreamId stream) const {
  return (stream % 2 == 1) != (side_ == Side::initiator);
}

bool Connection::was_opened(StreamId stream) const {
  return peer_owns(stream) ? stream <= highest_peer_stream_ : stream < next_stream_;
}

void Connection::leave_queue(Streams::iterator at) {
  if (!at->second.queued) return;
  at->second.queued = false;
  turn_queue_.erase(std::find(turn_queue_.begin(), turn_queue_.end(), at->first));
}

void Connection::drop(Streams::iterator at) {
  const Stream& stream = at->second;
  give_connection(stream.unconsumed - stream.prepaid);
  leave_queue(at);
  --(stream.opened_here ? opened_here_ : opened_by_peer_);
  streams_.erase(at);
}

// --- Frames of the peer ---

std::optional<Event> Connection::on(wire::Open& message) {
  if (!peer_owns(message.stream)) {
    return broken("stream_id_wrong_side",
                  fmt::format("the peer opened stream {}, whose number is of this side's kind.",
                              message.stream));
  }
  if (message.stream <= highest_peer_stream_) {
    return broken("stream_id_reused",
                  fmt::format("the peer opened stream {} after stream {}; numbers must rise.",
                              message.stream, highest_peer_stream_));
  }
  if (opened_by_peer_ >= our_max_streams_) {
    return broken("too_many_streams",
                  fmt::format("the peer opened more than {} streams at once.", our_max_streams_));
  }
  highest_peer_stream_ = message.stream;
  streams_.emplace(message.stream, Stream{});
  ++opened_by_peer_;
  if (we_go_away_) {
    reset(message.stream, Error(ErrorKind::unavailable, "going_away",
                                "this side takes no new streams; use another connection."));
    return std::nullopt;
  }
  return StreamOpened{std::move(message)};
}

/// The stream of a frame that needs one which is not closed, after its transition.
/// An event where the peer broke the protocol.
std::optional<Event> Connection::receive(StreamId id, StreamEvent event, Streams::iterator& at) {
  at = streams_.find(id);
  if (at == streams_.end()) {
    if (!was_opened(id)) {
      return broken("stream_unknown",
                    fmt::format("{} for stream {}, which was never opened.", to_string(event), id));
    }
    return broken("stream_closed",
                  fmt::format("{} for stream {}, which is closed.", to_string(event), id));
  }
  Stream& stream = at->second;
  const bool answers = event == StreamEvent::receive_data || event == StreamEvent::receive_end;
  if (answers && stream.opened_here && !stream.accepted && is_alive(stream.state)) {
    return broken(
        "data_before_accepted",
        fmt::format("{} for stream {}, which the peer has not accepted.", to_string(event), id));
  }
  const std::optional<StreamState> state = next(stream.state, event);
  if (!state) {
    return broken("stream_closed", fmt::format("{} for stream {}, which is {}.", to_string(event),
                                               id, to_string(stream.state)));
  }
  stream.state = *state;
  return std::nullopt;
}

std::optional<Event> Connection::on(wire::Accepted& message) {
  Streams::iterator at;
  if (auto failed = receive(message.stream, StreamEvent::receive_accepted, at)) return failed;
  Stream& stream = at->second;
  if (!stream.opened_here || stream.accepted) {
    return broken("frame_unexpected",
                  fmt::format("an accepted frame for stream {}, which {}.", message.stream,
                              stream.opened_here ? "was accepted already" : "the peer opened"));
  }
  stream.accepted = true;
  if (!is_alive(stream.state)) return std::nullopt;
  return StreamAccepted{message};
}

std::optional<Event> Connection::on(wire::Data& message) {
  Streams::iterator at;
  if (auto failed = receive(message.stream, StreamEvent::receive_data, at)) return failed;
  Stream& stream = at->second;
  const auto size = static_cast<std::uint32_t>(message.payload.size());
  if (size > stream.receive_window || size > receive_window_) {
    return broken("credit_exceeded",
                  fmt::format("the peer sent {} bytes on stream {} with {} of credit there and {} "
                              "on the connection.",
                              size, message.stream, stream.receive_window, receive_window_));
  }
  stream.receive_window -= size;
  receive_window_ -= size;
  if (!is_alive(stream.state)) {
    give_connection(size);
    return std::nullopt;
  }
  stream.unconsumed += size;
  return StreamData{message};
}

std::optional<Event> Connection::on(wire::End& message) {
  const bool crossed = !is_open(message.stream);
  Streams::iterator at;
  if (auto failed = receive(message.stream, StreamEvent::receive_end, at)) return failed;
  // Where it crosses our reset, it still tells who asked for the answer what was charged.
  const bool tell = !crossed || at->second.opened_here;
  if (at->second.state == StreamState::closed) drop(at);
  if (!tell) return std::nullopt;
  return StreamEnded{message};
}

std::optional<Event> Connection::on(wire::Reset& message) {
  const auto at = streams_.find(message.stream);
  if (at == streams_.end()) {
    if (was_opened(message.stream)) return std::nullopt;  // it crossed our end
    return broken("stream_unknown",
                  fmt::format("a reset for stream {}, which was never opened.", message.stream));
  }
  const bool ours_is_out = !is_alive(at->second.state);
  const bool opened_here = at->second.opened_here;
  drop(at);
  if (ours_is_out) {
    const bool confirms = message.code == kResetConfirmed;
    return opened_here && !confirms ? std::optional<Event>(StreamReset{message}) : std::nullopt;
  }
  wire::encode(output_, wire::Reset{.stream = message.stream,
                                    .kind = static_cast<std::uint8_t>(ErrorKind::cancelled),
                                    .code = kResetConfirmed});
  return StreamReset{message};
}

std::optional<Event> Connection::on(wire::Credit& message) {
  const auto overflow = [&](std::uint32_t held) -> std::optional<Event> {
    if (message.bytes <= limits::kMaxCreditBytes - held) return std::nullopt;
    return broken("credit_overflow",
                  fmt::format("{} bytes of credit on top of {} for stream {} exceed {}.",
                              message.bytes, held, message.stream, limits::kMaxCreditBytes));
  };
  if (message.stream == 0) {
    if (auto failed = overflow(send_credit_)) return failed;
    send_credit_ += message.bytes;
    return std::nullopt;
  }
  const auto at = streams_.find(message.stream);
  if (at == streams_.end()) {
    if (was_opened(message.stream)) return std::nullopt;  // it crossed our end or reset
    return broken("stream_unknown",
                  fmt::format("credit for stream {}, which was never opened.", message.stream));
  }
  Stream& stream = at->second;
  if (auto failed = overflow(stream.send_credit)) return failed;
  stream.send_credit += message.bytes;
  if (stream.awaits_credit && may_send(stream) && stream.send_credit >= stream.wanted) {
    stream.awaits_credit = false;
    enqueue(at);
  }
  return std::nullopt;
}

// --- Giving credit ---

void Connection::give_connection(std::size_t bytes) {
  owed_ += static_cast<std::uint32_t>(bytes);
  if (owed_ < kConnectionCreditStep || state_ != ConnectionState::open) return;
  wire::encode(output_, wire::Credit{.stream = 0, .bytes = owed_});
  receive_window_ += owed_;
  owed_ = 0;
}

void Connection::buffered(StreamId id, std::size_t bytes) {
  Stream* stream = find_open(id);
  if (stream == nullptr) return;
  const auto size = static_cast<std::uint32_t>(
      std::min<std::size_t>(bytes, stream->unconsumed - stream->prepaid));
  stream->prepaid += size;
  give_connection(size);
}

void Connection::consumed(StreamId id, std::size_t bytes) {
  Stream* stream = find_open(id);
  if (stream == nullptr) return;
  const auto size = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, stream->unconsumed));
  const std::uint32_t prepaid = std::min(stream->prepaid, size);
  stream->unconsumed -= size;
  stream->prepaid -= prepaid;
  give_connection(size - prepaid);
  stream->owed += size;
  const bool more_may_come = stream->state != StreamState::remote_ended;
  if (stream->owed < kStreamCreditStep || !more_may_come) return;
  wire::encode(output_, wire::Credit{.stream = id, .bytes = stream->owed});
  stream->receive_window += stream->owed;
  stream->owed = 0;
}

// --- Sending ---

Result<StreamId> Connection::open(ByteView header, const std::vector<ByteView>& wraps,
                                  std::uint8_t first_wrap, std::uint32_t time_left_ms) {
  if (state_ != ConnectionState::open) {
    return Error(ErrorKind::unavailable, "connection_closed",
                 "a stream was to be opened on a connection that is not open.");
  }
  if (we_go_away_ || peer_goes_away_) {
    return Error(ErrorKind::unavailable, "going_away",
                 "the connection takes no new streams; use another one.");
  }
  if (opened_here_ >= peer_max_streams_) {
    return Error(ErrorKind::busy, "too_many_streams",
                 fmt::format("{} streams are open, as many as the peer allows.", opened_here_));
  }
  if (next_stream_ > UINT32_MAX - 2) {
    return Error(ErrorKind::unavailable, "stream_ids_exhausted",
                 "the connection has used up its stream numbers; open a new one.");
  }
  const StreamId id = next_stream_;
  next_stream_ += 2;
  Stream stream;
  stream.opened_here = true;
  streams_.emplace(id, stream);
  ++opened_here_;
  wire::encode(output_, wire::Open{.stream = id,
                                   .header = header,
                                   .wraps = wraps,
                                   .first_wrap = first_wrap,
                                   .time_left_ms = time_left_ms});
  return id;
}

bool Connection::send_accepted(StreamId id, std::uint8_t candidate, std::uint64_t prompt_tokens) {
  Stream* stream = find_open(id);
  if (stream == nullptr || stream->opened_here || stream->accepted ||
      !next(stream->state, StreamEvent::send_accepted)) {
    return false;
  }
  stream->accepted = true;
  wire::encode(output_, wire::Accepted{
                            .stream = id, .candidate = candidate, .prompt_tokens = prompt_tokens});
  return true;
}

/// Whether our direction of `stream` takes data.
bool Connection::may_send(const Stream& stream) {
  return (stream.opened_here || stream.accepted) &&
         next(stream.state, StreamEvent::send_data).has_value();
}

void Connection::enqueue(Streams::iterator at) {
  if (at->second.queued) return;
  at->second.queued = true;
  turn_queue_.push_back(at->first);
}

bool Connection::send_data(StreamId id, ByteView payload,
                           const std::optional<wire::UsageMark>& mark) {
  const auto at = streams_.find(id);
  if (at == streams_.end() || !may_send(at->second) || payload.empty() ||
      payload.size() > limits::kMaxDataBytes) {
    return false;
  }
  Stream& stream = at->second;
  const auto size = static_cast<std::uint32_t>(payload.size());
  if (size > stream.send_credit) {
    stream.wanted = size;
    stream.awaits_credit = true;
    return false;
  }
  // Whoever waits for the connection's credit comes first, else small payloads starve large ones.
  if (size > send_credit_ || (!turn_queue_.empty() && size > stream.turn)) {
    stream.wanted = size;
    enqueue(at);
    return false;
  }
  stream.send_credit -= size;
  send_credit_ -= size;
  stream.turn -= std::min(stream.turn, size);
  wire::encode(output_, wire::Data{.stream = id, .payload = payload, .mark = mark});
  return true;
}

std::size_t Connection::sendable(StreamId id) const {
  const Stream* stream = find_open(id);
  if (stream == nullptr || !may_send(*stream)) return 0;
  const std::size_t credit = std::min(
      {std::size_t{stream->send_credit}, std::size_t{send_credit_}, limits::kMaxDataBytes});
  return turn_queue_.empty() ? credit : std::min(credit, std::size_t{stream->turn});
}

std::optional<Event> Connection::next_writable() {
  if (turn_queue_.empty()) return std::nullopt;
  const StreamId id = turn_queue_.front();
  Stream& stream = streams_.find(id)->second;  // drop() and reset() leave the queue
  if (stream.wanted > send_credit_) return std::nullopt;
  turn_queue_.pop_front();
  stream.queued = false;
  stream.turn = stream.wanted;
  return StreamWritable{id};
}

bool Connection::send_end(const wire::End& message) {
  const auto at = streams_.find(message.stream);
  if (at == streams_.end() || !may_send(at->second)) return false;
  const std::optional<StreamState> state = next(at->second.state, StreamEvent::send_end);
  if (!state) return false;
  wire::encode(output_, message);
  at->second.state = *state;
  leave_queue(at);
  if (*state == StreamState::closed) drop(at);
  return true;
}

bool Connection::reset(StreamId id, const Error& error, std::uint32_t retry_after_ms, Nano cost,
                       Nano charged_total) {
  const auto at = streams_.find(id);
  if (at == streams_.end()) return false;
  Stream& stream = at->second;
  const std::optional<StreamState> state = next(stream.state, StreamEvent::send_reset);
  if (!state) return false;
  wire::Reset message = wire::to_reset(id, error);
  message.retry_after_ms = retry_after_ms;
  message.cost = cost;
  message.charged_total = charged_total;
  wire::encode(output_, message);
  stream.state = *state;
  leave_queue(at);
  give_connection(stream.unconsumed - stream.prepaid);
  stream.unconsumed = 0;
  stream.prepaid = 0;
  return true;
}

}  // namespace cocoon::session
