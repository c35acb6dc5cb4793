#pragma once
/// @file Connections under test, their raw peers, and what happened to both.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/tcp.h"
#include "unit/io/test_loop.h"

namespace cocoon::io::test {

inline Address loopback(std::uint16_t port = 0) {
  return {.host = "127.0.0.1", .port = port};
}

/// A blocking socket of the test's own, as the peer that does what ours never would.
class RawPeer {
 public:
  explicit RawPeer(const Address& to) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(to.port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  }
  ~RawPeer() { close(); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void end() { ::shutdown(fd_, SHUT_WR); }
  void send(std::string_view text) {
    EXPECT_EQ(::send(fd_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  /// What is there now; nothing where nothing is.
  std::string read_some() {
    char buffer[65536];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
  }
  /// The other side has ended its bytes, and all of them have been read.
  bool at_end() {
    char byte;
    return ::recv(fd_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
  }

 private:
  int fd_;
};

/// A connection and what happened to it.
struct Recorded {
  Connection connection;
  std::string bytes;
  std::vector<bool> pressure;
  bool ended = false;
  std::optional<Error> closed;

  void start(bool watch_end = false) {
    ConnectionEvents events;
    events.on_bytes = [this](ByteView b) { bytes += as_text(b); };
    if (watch_end) events.on_end = [this] { ended = true; };
    events.on_pressure = [this](bool on) { pressure.push_back(on); };
    events.on_closed = [this](Error e) { closed = std::move(e); };
    connection.start(std::move(events));
  }
};

class TcpTest : public LoopTest {
 protected:
  /// Listens, and keeps what connects.
  void listen() {
    auto opened = Listener::open(context(), loopback(), {}, [this](Connection c) {
      accepted_.push_back(std::make_unique<Recorded>());
      accepted_.back()->connection = std::move(c);
    });
    ASSERT_TRUE(opened) << opened.error().detail();
    listener_.emplace(std::move(opened).value());
  }
  const Address& address() const { return listener_->address(); }

  Recorded& wait_accepted() {
    const std::size_t before = accepted_.size();
    run_until([&] { return accepted_.size() > before; });
    return *accepted_.back();
  }

  /// One of ours connected to a raw peer.
  Recorded& accept_from(std::unique_ptr<RawPeer>& peer, bool watch_end = false) {
    peer = std::make_unique<RawPeer>(address());
    Recorded& out = wait_accepted();
    out.start(watch_end);
    return out;
  }

  Result<Connection> connect(const Address& to, Millis deadline = Millis(30000)) {
    std::optional<Result<Connection>> result;
    const Connector connector(context(), to, deadline,
                              [&](Result<Connection> r) { result.emplace(std::move(r)); });
    EXPECT_FALSE(result.has_value()) << "never inside the call";
    run_until([&] { return result.has_value(); });
    return std::move(*result);
  }

  void TearDown() override {
    accepted_.clear();
    listener_.reset();
  }

  std::optional<Listener> listener_;
  std::vector<std::unique_ptr<Recorded>> accepted_;
};

}  // namespace cocoon::io::test
