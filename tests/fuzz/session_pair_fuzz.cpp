// modules: session
// covers: libcocoon/session/connection.cpp libcocoon/session/connection_streams.cpp
// libcocoon/session/stream_state.cpp
/// @file Two connections that do what the input says, over a wire that cuts as the input says. As
/// long as no byte of the input itself gets onto the wire, neither side may find fault with the
/// other, whatever they do; once it does, the connection that got it fails cleanly or goes on.

#include <map>

#include "fuzz/require.h"
#include "session/connection.h"

namespace {

using namespace cocoon;
using fuzz::require;
using session::Connection;
using session::ConnectionState;
using wire::StreamId;

const Bytes kPayload(limits::kMaxDataBytes, 1);

struct End {
  explicit End(session::Side side) : connection(side, MonoTime{}) {}

  Connection connection;
  Bytes line;       // on its way to this end
  Bytes delivered;  // what the last events point into
  std::map<StreamId, std::size_t> held;
  StreamId stream = 1;  // the one that operations are about
};

class Game {
 public:
  Game(const std::uint8_t* data, std::size_t size) : in_(ByteView(data, size)) {
    left_.connection.start({.role = wire::Role::client});
    append(right_.line, std::exchange(left_.connection.output(), {}));
  }

  void play() {
    for (int steps = 0; in_.remaining() != 0 && steps < 4000; ++steps) {
      const std::uint8_t op = in_.u8();
      End& self = op & 0x80 ? right_ : left_;
      End& peer = op & 0x80 ? left_ : right_;
      act(op & 0x7f, self, peer);
      append(peer.line, std::exchange(self.connection.output(), {}));
    }
    check(left_);
    check(right_);
  }

 private:
  void check(const End& end) const {
    if (tainted_ || timed_out_) return;
    require(end.connection.state() != ConnectionState::closed);
  }

  void act(std::uint8_t op, End& self, End& peer) {
    Connection& c = self.connection;
    switch (op % 16) {
      case 0:
      case 1:
      case 2: return deliver(self, in_.u8() * 64u + 1);
      case 3: {
        const auto id =
            c.open(ByteView(kPayload).first(100), {ByteView(kPayload).first(112)}, 0, 1000);
        if (id) self.stream = *id;
        return;
      }
      case 4: self.stream = in_.u8(); return;
      case 5: c.send_accepted(self.stream, 1, 9); return;
      case 6:
      case 7: {
        const std::size_t size = 1 + in_.u8() * 64u;
        const bool fits = c.sendable(self.stream) >= size;
        const bool sent = c.send_data(self.stream, ByteView(kPayload).first(size));
        require(sent || !fits);
        return;
      }
      case 8: c.send_end({.stream = self.stream, .cost = Nano{5}}); return;
      case 9: c.reset(self.stream, Error(ErrorKind::cancelled, "cancelled", "fuzzed.")); return;
      case 10: {
        std::size_t& held = self.held[self.stream];
        const std::size_t size = std::min<std::size_t>(held, in_.u8() * 1024u);
        c.consumed(self.stream, size);
        held -= size;
        return;
      }
      case 11: c.buffered(self.stream, in_.u8() * 1024u); return;
      case 12: c.send(wire::ModelsRequest{in_.u8()}); return;
      case 13: c.go_away("shutting_down", "fuzzed."); return;
      case 14: {
        now_ += Seconds(in_.u8() % 20);
        c.on_time(now_);
        timed_out_ = timed_out_ || c.state() == ConnectionState::closed;
        return drain(self);
      }
      default: {
        const std::size_t length = in_.u8();
        const ByteView raw = in_.take(std::min(length, in_.remaining()));
        if (raw.empty()) return;
        append(peer.line, raw);
        tainted_ = true;
        return;
      }
    }
  }

  void deliver(End& end, std::size_t most) {
    const std::size_t size = std::min(most, end.line.size());
    end.delivered.assign(end.line.begin(), end.line.begin() + static_cast<std::ptrdiff_t>(size));
    end.line.erase(end.line.begin(), end.line.begin() + static_cast<std::ptrdiff_t>(size));
    end.connection.feed(end.delivered, now_);
    drain(end);
  }

  void drain(End& end) {
    while (const auto event = end.connection.next_event()) {
      require(!failed_last_);
      if (std::holds_alternative<session::HelloReceived>(*event)) {
        end.connection.accept_hello({.role = wire::Role::proxy});
      } else if (const auto* data = std::get_if<session::StreamData>(&*event)) {
        end.held[data->data.stream] += data->data.payload.size();
        require(end.held[data->data.stream] <= limits::kStreamCreditBytes);
        require(end.connection.is_open(data->data.stream));
      } else if (const auto* opened = std::get_if<session::StreamOpened>(&*event)) {
        end.stream = opened->open.stream;
      } else if (const auto* writable = std::get_if<session::StreamWritable>(&*event)) {
        require(end.connection.sendable(writable->stream) > 0);
      } else if (std::holds_alternative<session::ConnectionFailed>(*event)) {
        failed_last_ = true;
        require(end.connection.state() == ConnectionState::closed);
        require(tainted_ || timed_out_);
      }
    }
    failed_last_ = false;
    require(end.connection.stream_count() <= 2 * limits::kMaxStreamsPerConnection);
  }

  ByteReader in_;
  End left_{session::Side::initiator};
  End right_{session::Side::acceptor};
  MonoTime now_{};
  bool tainted_ = false;
  bool timed_out_ = false;
  bool failed_last_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Game(data, size).play();
  return 0;
}
