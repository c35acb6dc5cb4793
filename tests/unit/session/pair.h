#pragma once
/// @file Two connections with a wire between them that a test controls.

#include <gtest/gtest.h>

#include <vector>

#include "session/connection.h"
#include "wire/codec.h"

namespace cocoon::test {

inline MonoTime second(std::int64_t s) {
  return MonoTime(Seconds(s));
}

inline wire::Hello hello() {
  wire::Hello out;
  out.role = wire::Role::client;
  out.software = "test";
  return out;
}

inline wire::HelloAck hello_ack() {
  wire::HelloAck out;
  out.role = wire::Role::proxy;
  return out;
}

/// Gives `bytes` to `connection` and returns all that happened. The views in it die with `bytes`,
/// so callers that look at them keep those.
inline std::vector<session::Event> deliver(session::Connection& connection, const Bytes& bytes,
                                           MonoTime now = second(1)) {
  connection.feed(bytes, now);
  std::vector<session::Event> events;
  while (auto event = connection.next_event()) events.push_back(std::move(*event));
  return events;
}

inline Bytes take_output(session::Connection& connection) {
  return std::exchange(connection.output(), {});
}

/// The error that ended the connection; a failure of the test where there is none.
inline Error failure_of(const std::vector<session::Event>& events) {
  if (!events.empty()) {
    if (const auto* failed = std::get_if<session::ConnectionFailed>(&events.back())) {
      return failed->error;
    }
  }
  ADD_FAILURE() << "the connection did not fail";
  return Error(ErrorKind::internal, "none", "");
}

template <class T>
Bytes frame(const T& message) {
  Bytes out;
  wire::encode(out, message);
  return out;
}

/// The message of the last frame in `bytes`.
inline wire::Message last_message(const Bytes& bytes) {
  wire::FrameSplitter splitter;
  splitter.feed(bytes);
  std::optional<ByteView> last;
  while (true) {
    auto next = splitter.next();
    if (!next || !next->has_value()) break;
    last = *next;
  }
  EXPECT_TRUE(last);
  auto message = wire::decode(last.value_or(ByteView()));
  EXPECT_TRUE(message);
  return message ? std::move(*message) : wire::Message(wire::Extension{});
}

/// An open pair: `left` is the initiator.
struct Pair {
  Pair() : Pair(hello(), hello_ack()) {}
  Pair(const wire::Hello& ours, const wire::HelloAck& theirs)
      : left(session::Side::initiator, second(0)), right(session::Side::acceptor, second(0)) {
    left.start(ours);
    to_right();
    right.accept_hello(theirs);
    to_left();
  }

  /// Carries all that left has to say, and returns what happened at right. The bytes are kept for
  /// the views in the events until the next call.
  std::vector<session::Event> to_right(MonoTime now = second(1)) {
    in_right = take_output(left);
    return deliver(right, in_right, now);
  }
  std::vector<session::Event> to_left(MonoTime now = second(1)) {
    in_left = take_output(right);
    return deliver(left, in_left, now);
  }
  /// Opens a stream from left, which right has accepted.
  session::StreamId accepted_stream() {
    const session::StreamId id = open();
    to_right();
    EXPECT_TRUE(right.send_accepted(id, 0, 0));
    to_left();
    return id;
  }
  session::StreamId open() {
    const ByteView wrap(kBytes);
    auto id = left.open(kBytes, {wrap}, 0, 1000);
    EXPECT_TRUE(id) << id.error().detail();
    return id ? *id : 0;
  }

  static inline const Bytes kBytes = Bytes(100, 1);
  session::Connection left;
  session::Connection right;
  Bytes in_right;
  Bytes in_left;
};

}  // namespace cocoon::test
