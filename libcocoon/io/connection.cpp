#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "io/descriptor.h"
#include "io/poll.h"
#include "io/slot.h"
#include "io/tcp.h"
#include "io/timer.h"
#include "io/turn.h"
#include "io/write_queue.h"

namespace cocoon::io {
namespace {

/// Idle time after which the kernel probes the peer, so that a host that vanished is noticed even
/// where no protocol above sends pings (an HTTP caller that waits for a slow answer).
constexpr int kKeepaliveSeconds = 60;

void set_tcp_options(int fd) {
  // They fail on unix sockets, which need neither.
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  (void)::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepaliveSeconds, sizeof kKeepaliveSeconds);
}

Error lost(const std::string& peer, int error_number) {
  if (error_number == ECONNRESET || error_number == EPIPE) {
    return Error(ErrorKind::io, "connection_reset", fmt::format("{} reset the connection", peer));
  }
  return system_error("connection_lost", fmt::format("the connection to {} was lost", peer),
                      error_number);
}

Error closed_by_peer(const std::string& peer) {
  return Error(ErrorKind::io, "closed_by_peer", fmt::format("{} closed the connection", peer));
}

}  // namespace

class Connection::Impl {
 public:
  Impl(const Context& context, int fd, std::string peer)
      : context_(context),
        fd_(fd),
        poll_(context, &Impl::on_poll, this),
        end_of_turn_(context, TurnPhase::flush, [this] { run_end_of_turn(); }),
        peer_(std::move(peer)) {}

  ~Impl() {
    if (destroyed_ != nullptr) *destroyed_ = true;
    close();
  }

  Status open() {
    set_tcp_options(fd_.get());
    return poll_.open(fd_.get());
  }

  void start(ConnectionEvents events) {
    on_bytes_ = std::move(events.on_bytes);
    on_end_ = std::move(events.on_end);
    on_pressure_ = std::move(events.on_pressure);
    on_closed_ = std::move(events.on_closed);
    started_ = true;
    watch();
  }

  template <class Piece>
  void write(Piece&& bytes) {
    if (!is_open() || failed_ || shutting_down_) return;
    queue_.push(std::forward<Piece>(bytes));
    if (!queue_.empty()) end_of_turn_.arm();
  }

  void flush() {
    if (!is_open() || failed_ || queue_.empty()) return;
    if (const int error = queue_.send(fd_.get()); error != 0) return fail_later(error);
    if (queue_.empty() && shutting_down_) (void)::shutdown(fd_.get(), SHUT_WR);
    watch();
    // Pressure is reported from the loop only, never inside a call of the owner's.
    if (pressed_ != wants_pressure()) end_of_turn_.arm();
  }

  void set_paused(bool paused) {
    paused_ = paused;
    watch();
  }

  void shutdown() {
    if (!is_open() || shutting_down_) return;
    shutting_down_ = true;
    if (queue_.empty() && !failed_) (void)::shutdown(fd_.get(), SHUT_WR);
  }

  void close() {
    poll_.close();
    fd_.close();
    end_of_turn_.disarm();
    queue_.clear();
  }

  /// Has `on_sent` called when the queue is empty: at once, or at the end of some turn.
  void when_sent(Callback<void()> on_sent) {
    on_sent_ = std::move(on_sent);
    end_of_turn_.arm();
  }

  bool is_open() const { return static_cast<bool>(fd_); }
  std::size_t pending() const { return queue_.size(); }
  bool pressed() const { return pressed_ || wants_pressure(); }
  bool ended() const { return ended_; }
  const Context& context() const { return context_; }
  const std::string& peer() const { return peer_; }

 private:
  static void on_poll(void* owner, int status, int events) {
    static_cast<Impl*>(owner)->ready(status, events);
  }

  void ready(int status, int events) {
    bool destroyed = false;
    destroyed_ = &destroyed;
    if (status != 0) {
      // The socket has an error, but what arrived before it may still be there to be read.
      read_ready();
      if (destroyed) return;
      if (is_open()) {
        const int error = socket_error();
        fail(error != 0 ? error : ECONNRESET);
      }
      if (!destroyed) destroyed_ = nullptr;
      return;
    }
    if ((events & UV_WRITABLE) != 0) {
      flush();
      report_progress();
      if (destroyed) return;
    }
    if ((events & UV_READABLE) != 0 && is_open()) {
      read_ready();
      if (destroyed) return;
    }
    destroyed_ = nullptr;
  }

  /// Reads what is there, up to this connection's share of the turn. May destroy the object.
  void read_ready() {
    bool* destroyed = destroyed_;
    const std::span<std::uint8_t> buffer = context_.state()->read_buffer();
    for (int i = 0; i < limits::kMaxReadsPerTurn; ++i) {
      if (!is_open() || paused_ || ended_ || !started_) return;
      const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return;
        return fail(errno);
      }
      if (got == 0) return end();
      const auto size = static_cast<std::size_t>(got);
      on_bytes_(buffer.first(size));
      if (*destroyed || size < buffer.size()) return;
    }
  }

  void end() {
    ended_ = true;
    if (!on_end_) {
      close();
      return on_closed_(closed_by_peer(peer_));
    }
    watch();
    on_end_();
  }

  int socket_error() const {
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
  }

  /// Closes and reports. May destroy the object.
  void fail(int error) {
    close();
    on_closed_(lost(peer_, error));
  }

  /// Fails at the end of the turn, after what the peer said before it went has been read.
  void fail_later(int error) {
    failed_ = error;
    queue_.clear();
    end_of_turn_.arm();
  }

  void run_end_of_turn() {
    bool destroyed = false;
    destroyed_ = &destroyed;
    flush();
    if (failed_) {
      read_ready();
      if (destroyed) return;
      if (is_open()) fail(*failed_);
    } else {
      report_progress();
    }
    if (!destroyed) destroyed_ = nullptr;
  }

  bool wants_pressure() const {
    return pressed_ ? queue_.size() > limits::kWriteLowBytes
                    : queue_.size() >= limits::kWriteHighBytes;
  }

  /// Tells the owner what sending has changed. May destroy the object.
  void report_progress() {
    bool* destroyed = destroyed_;
    if (is_open() && pressed_ != wants_pressure()) {
      pressed_ = !pressed_;
      on_pressure_(pressed_);
      if (*destroyed) return;
    }
    if (is_open() && on_sent_ && queue_.empty()) std::exchange(on_sent_, {})();
  }

  void watch() {
    if (!poll_.is_open()) return;
    int events = 0;
    if (started_ && !paused_ && !ended_) events |= UV_READABLE;
    if (!queue_.empty() && !failed_) events |= UV_WRITABLE;
    poll_.watch(events);
  }

  Context context_;
  Descriptor fd_;
  Poll poll_;
  TurnHook end_of_turn_;
  WriteQueue queue_;
  std::string peer_;
  Slot<ByteView> on_bytes_;
  Slot<> on_end_;
  Slot<bool> on_pressure_;
  Slot<> on_sent_;
  Slot<Error> on_closed_;
  bool started_ = false;
  bool paused_ = false;
  bool ended_ = false;          // the peer has ended its bytes
  bool shutting_down_ = false;  // ours end when the queue is empty
  bool pressed_ = false;
  std::optional<int> failed_;  // errno of a write, to be reported
  bool* destroyed_ = nullptr;  // set where a callback may destroy the object
};

/// A connection whose owner has let go, until both sides have ended their bytes or patience is
/// over. It owns itself.
class Connection::Farewell {
 public:
  static void start(std::unique_ptr<Impl> impl, Millis patience) {
    auto* self = new Farewell(std::move(impl));
    self->timer_.set_in(patience);
    self->impl_->start({.on_bytes = [](ByteView) {},
                        .on_end = [self] { self->note(self->ended_); },
                        .on_pressure = {},
                        .on_closed = [self](const Error&) { delete self; }});
    self->impl_->when_sent([self] { self->note(self->sent_); });
    self->impl_->set_paused(false);
    self->impl_->shutdown();
  }

 private:
  explicit Farewell(std::unique_ptr<Impl> impl)
      : impl_(std::move(impl)),
        timer_(impl_->context(), [this] { delete this; }),
        ended_(impl_->ended()) {}

  void note(bool& condition) {
    condition = true;
    if (sent_ && ended_) delete this;
  }

  std::unique_ptr<Impl> impl_;
  Timer timer_;
  bool ended_;
  bool sent_ = false;
};

void Connection::finish(Millis patience) {
  if (impl_ && impl_->is_open()) Farewell::start(std::move(impl_), patience);
}

const std::string& Connection::peer() const {
  static const std::string none;
  return impl_ ? impl_->peer() : none;
}

std::string Connection::peer_host() const {
  const std::string& text = peer();
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return text;
  const std::string host = text.substr(0, colon);
  return host.front() == '[' ? host.substr(1, host.size() - 2) : host;
}

Connection::Connection() = default;
Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Result<Connection> Connection::adopt(const Context& context, int fd, std::string peer) {
  auto impl = std::make_unique<Impl>(context, fd, std::move(peer));
  COCOON_CHECK(impl->open());
  return Connection(std::move(impl));
}

void Connection::start(ConnectionEvents events) {
  if (impl_) impl_->start(std::move(events));
}
void Connection::write(ByteView bytes) {
  if (impl_) impl_->write(bytes);
}
void Connection::write(Bytes&& bytes) {
  if (impl_) impl_->write(std::move(bytes));
}
void Connection::flush() {
  if (impl_) impl_->flush();
}
std::size_t Connection::pending_bytes() const {
  return impl_ ? impl_->pending() : 0;
}
bool Connection::under_pressure() const {
  return impl_ && impl_->pressed();
}
void Connection::pause() {
  if (impl_) impl_->set_paused(true);
}
void Connection::resume() {
  if (impl_) impl_->set_paused(false);
}
void Connection::shutdown() {
  if (impl_) impl_->shutdown();
}
void Connection::close() {
  if (impl_) impl_->close();
}
bool Connection::is_open() const {
  return impl_ && impl_->is_open();
}

}  // namespace cocoon::io
