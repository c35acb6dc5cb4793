#include "session/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "wire/codec.h"
#include "wire/error_codes.h"

// Opening, dispatch of frames, liveness. Streams and credit are in connection_streams.cpp.

namespace cocoon::session {
namespace {

template <class T, class... Ts>
inline constexpr bool kOneOf = (std::is_same_v<T, Ts> || ...);

/// Messages that the connection deals with itself; all others are the owner's.
template <class T>
inline constexpr bool kOwnMessage =
    kOneOf<T, wire::Hello, wire::HelloAck, wire::Ping, wire::Pong, wire::GoAway, wire::Open,
           wire::Data, wire::End, wire::Reset, wire::Credit, wire::Accepted, wire::Extension>;

}  // namespace

Connection::Connection(Side side, MonoTime now)
    : side_(side), next_stream_(side == Side::initiator ? 1 : 2), opened_at_(now), heard_at_(now) {}

void Connection::start(const wire::Hello& ours) {
  if (side_ != Side::initiator || state_ != ConnectionState::awaiting_hello) return;
  lowest_offered_ = ours.lowest_version;
  highest_offered_ = ours.highest_version;
  our_max_streams_ = ours.max_streams;
  wire::encode(output_, ours);
  state_ = ConnectionState::awaiting_ack;
}

void Connection::accept_hello(wire::HelloAck ours) {
  if (state_ != ConnectionState::awaiting_decision) return;
  ours.version = version_;
  our_max_streams_ = ours.max_streams;
  wire::encode(output_, ours);
  state_ = ConnectionState::open;
}

void Connection::close() {
  state_ = ConnectionState::closed;
  streams_.clear();
  turn_queue_.clear();
}

void Connection::fail(const Error& error) {
  if (state_ == ConnectionState::closed) return;
  wire::encode(output_, wire::GoAway{.reason = error.code(),
                                     .detail = error.detail(),
                                     .fatal = true,
                                     .kind = static_cast<std::uint8_t>(error.kind())});
  close();
}

void Connection::go_away(std::string_view reason, std::string_view detail) {
  if (state_ != ConnectionState::open || we_go_away_) return;
  we_go_away_ = true;
  wire::encode(output_, wire::GoAway{.reason = reason, .detail = detail});
}

void Connection::send(const wire::Message& control) {
  if (state_ != ConnectionState::open) return;
  std::visit(
      [this](const auto& message) {
        if constexpr (!kOwnMessage<std::decay_t<decltype(message)>>) {
          wire::encode(output_, message);
        }
      },
      control);
}

void Connection::feed(ByteView bytes, MonoTime now) {
  if (state_ == ConnectionState::closed || bytes.empty()) return;
  heard_at_ = now;
  pinged_ = false;
  splitter_.feed(bytes);
}

std::optional<Event> Connection::next_event() {
  if (failure_) {
    std::optional<Event> event = std::move(failure_);
    failure_.reset();
    return event;
  }
  while (state_ != ConnectionState::closed) {
    Result<std::optional<ByteView>> frame = splitter_.next();
    if (!frame) return broken(frame.error().code(), frame.error().detail());
    if (!frame->has_value()) return next_writable();
    Result<wire::Message> message = wire::decode(**frame);
    if (!message) return broken(message.error().code(), message.error().detail());
    std::optional<Event> event = on_message(*message);
    if (event) return event;
  }
  return std::nullopt;
}

std::optional<Event> Connection::on_message(wire::Message& message) {
  if (state_ != ConnectionState::open) return before_open(message);
  return std::visit(
      [this, &message](auto& m) -> std::optional<Event> {
        if constexpr (kOwnMessage<std::decay_t<decltype(m)>>) {
          return on(m);
        } else {
          return Control{std::move(message)};
        }
      },
      message);
}

std::optional<Event> Connection::before_open(wire::Message& message) {
  const bool said_hello =
      state_ == ConnectionState::awaiting_ack || state_ == ConnectionState::awaiting_decision;
  if (auto* hello = std::get_if<wire::Hello>(&message)) {
    if (side_ == Side::acceptor && state_ == ConnectionState::awaiting_hello) return on(*hello);
  } else if (auto* ack = std::get_if<wire::HelloAck>(&message)) {
    if (state_ == ConnectionState::awaiting_ack) return on(*ack);
  } else if (auto* goaway = std::get_if<wire::GoAway>(&message)) {
    if (said_hello && goaway->fatal) return on(*goaway);
  } else if (auto* ping = std::get_if<wire::Ping>(&message)) {
    if (said_hello) return on(*ping);
  } else if (auto* pong = std::get_if<wire::Pong>(&message)) {
    if (said_hello) return on(*pong);
  }
  return broken("hello_expected",
                fmt::format("a frame other than {} came before the connection was open.",
                            side_ == Side::acceptor ? "hello" : "hello_ack"));
}

std::optional<Event> Connection::on(wire::Hello& message) {
  if (state_ == ConnectionState::open) {
    return broken("unexpected_hello", "a second hello came on an open connection.");
  }
  const std::uint64_t highest = std::min(message.highest_version, wire::kHighestVersion);
  const std::uint64_t lowest = std::max(message.lowest_version, wire::kLowestVersion);
  if (highest < lowest) {
    return broken("version_unsupported",
                  fmt::format("the peer speaks protocol versions {} to {}, this side {} to {}.",
                              message.lowest_version, message.highest_version, wire::kLowestVersion,
                              wire::kHighestVersion));
  }
  version_ = highest;
  peer_max_streams_ = message.max_streams;
  state_ = ConnectionState::awaiting_decision;
  return HelloReceived{message};
}

std::optional<Event> Connection::on(wire::HelloAck& message) {
  if (state_ == ConnectionState::open) {
    return broken("unexpected_hello", "a hello_ack came on an open connection.");
  }
  if (message.version < lowest_offered_ || message.version > highest_offered_) {
    return broken("version_outside_offer",
                  fmt::format("the peer chose protocol version {}; {} to {} were offered.",
                              message.version, lowest_offered_, highest_offered_));
  }
  version_ = message.version;
  peer_max_streams_ = message.max_streams;
  state_ = ConnectionState::open;
  return HelloAcked{message};
}

std::optional<Event> Connection::on(wire::Ping& message) {
  wire::encode(output_, wire::Pong{message.value});
  return std::nullopt;
}

std::optional<Event> Connection::on(wire::Pong&) {
  return std::nullopt;  // that it came is all that counts
}

std::optional<Event> Connection::on(wire::GoAway& message) {
  if (message.fatal) {
    close();
    return ConnectionFailed{wire::to_error(message)};
  }
  peer_goes_away_ = true;
  return PeerGoingAway{std::string(message.reason), std::string(message.detail)};
}

std::optional<Event> Connection::on(wire::Extension&) {
  return std::nullopt;
}

std::optional<Event> Connection::broken(std::string_view code, std::string detail) {
  const Error error(ErrorKind::protocol, code, std::move(detail));
  fail(error);
  return ConnectionFailed{error};
}

MonoTime Connection::next_deadline() const {
  switch (state_) {
    case ConnectionState::closed: return kNever;
    case ConnectionState::awaiting_hello:
    case ConnectionState::awaiting_ack: return opened_at_ + limits::kHelloDeadline;
    case ConnectionState::awaiting_decision:
    case ConnectionState::open: break;
  }
  return heard_at_ + (pinged_ ? limits::kDeadAfter : limits::kPingAfter);
}

void Connection::on_time(MonoTime now) {
  if (now < next_deadline()) return;
  const auto give_up = [this](std::string_view code, std::string detail) {
    const Error error(ErrorKind::unavailable, code, std::move(detail));
    fail(error);
    failure_ = ConnectionFailed{error};
  };
  if (state_ == ConnectionState::awaiting_hello || state_ == ConnectionState::awaiting_ack) {
    give_up("hello_timeout", fmt::format("the peer did not introduce itself within {} s.",
                                         limits::kHelloDeadline.count()));
  } else if (now >= heard_at_ + limits::kDeadAfter) {
    give_up("peer_silent",
            fmt::format("nothing came from the peer for {} s.", limits::kDeadAfter.count()));
  } else if (!pinged_) {
    // Silent for long: no memory of its busier times is kept. (Where the owner swaps buffers, the
    // second ping frees the other one.)
    if (output_.empty()) output_ = Bytes();
    ping(now);
  }
}

void Connection::ping(MonoTime now) {
  const bool speaks =
      state_ == ConnectionState::open || state_ == ConnectionState::awaiting_decision;
  if (!speaks || pinged_) return;
  pinged_ = true;
  pinged_at_ = now;
  wire::encode(output_, wire::Ping{++last_ping_});
}

}  // namespace cocoon::session
