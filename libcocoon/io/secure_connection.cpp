#include "io/secure_connection.h"

#include <fmt/format.h>

#include "io/slot.h"
#include "io/timer.h"
#include "io/turn.h"
#include "tls/endpoint.h"

namespace cocoon::io {
namespace {

/// How long a refused peer gets to take our goodbye.
constexpr Millis kRefusalPatience{1000};

}  // namespace

class SecureConnection::Impl {
 public:
  using State = tls::Endpoint::State;

  Impl(const Context& context, Connection connection, tls::Endpoint endpoint, SecureEvents events,
       SecureDeadlines deadlines)
      : connection_(std::move(connection)),
        endpoint_(std::move(endpoint)),
        deadlines_(deadlines),
        peer_(connection_.peer()),
        peer_host_(connection_.peer_host()),
        on_unverified_(std::move(events.on_unverified)),
        on_bytes_(std::move(events.on_bytes)),
        on_pressure_(std::move(events.on_pressure)),
        on_closed_(std::move(events.on_closed)),
        deadline_(context, [this] { time_out(); }),
        end_of_turn_(context, TurnPhase::flush, [this] { run_end_of_turn(); }) {}

  ~Impl() {
    if (destroyed_ != nullptr) *destroyed_ = true;
  }

  void start() {
    connection_.start({.on_bytes = [this](ByteView ciphertext) { receive(ciphertext); },
                       .on_end = {},
                       .on_pressure = [this](bool on) { on_pressure_(on); },
                       .on_closed = [this](Error error) { transport_closed(std::move(error)); }});
    deadline_.set_in(deadlines_.handshake);
    send_output();
  }

  void admit() {
    if (!connection_.is_open() || !endpoint_.admit()) return;
    deadline_.stop();
    update_reading();
    // What waited in either direction moves at the end of the turn, not inside this call.
    end_of_turn_.arm();
  }

  void write(Bytes&& plaintext) {
    if (!connection_.is_open() || plaintext.empty()) return plaintext.clear();
    if (plaintext_.empty()) {
      plaintext_.swap(plaintext);
    } else {
      append(plaintext_, plaintext);
      plaintext.clear();
    }
    if (endpoint_.state() == State::open) end_of_turn_.arm();
  }

  void set_paused(bool paused) {
    paused_ = paused;
    update_reading();
  }

  void finish(Millis patience) {
    if (!connection_.is_open()) return;
    if (endpoint_.state() == State::open) seal();
    endpoint_.shutdown();
    send_output();
    connection_.finish(patience);
    close();
  }

  void close() {
    connection_.close();
    deadline_.stop();
    end_of_turn_.disarm();
    plaintext_ = {};
  }

  bool is_open() const { return connection_.is_open(); }
  bool is_admitted() const { return is_open() && endpoint_.state() == State::open; }
  std::size_t pending() const { return plaintext_.size() + connection_.pending_bytes(); }
  bool pressed() const {
    return connection_.under_pressure() || plaintext_.size() >= limits::kWriteHighBytes;
  }
  const std::string& peer() const { return peer_; }
  const std::string& peer_host() const { return peer_host_; }

 private:
  void receive(ByteView ciphertext) {
    const bool was_handshaking = endpoint_.state() == State::handshaking;
    const Status received = endpoint_.receive(ciphertext);
    send_output();
    if (!received) return fail(received.error());
    if (was_handshaking && endpoint_.state() == State::unverified) return report_unverified();
    if (endpoint_.state() == State::open) return deliver();
    update_reading();
  }

  void report_unverified() {
    deadline_.set_in(deadlines_.admission);
    UnverifiedPeer peer;
    peer.certificate = endpoint_.take_peer_certificate();
    peer.public_key = endpoint_.peer().public_key;
    peer.fingerprint = endpoint_.peer().fingerprint;
    peer.exporter = endpoint_.peer().exporter;
    on_unverified_(std::move(peer));
  }

  /// Opens what has arrived and hands it up. May destroy the object.
  void deliver() {
    Bytes opened;
    const Result<std::size_t> read = endpoint_.read(opened);
    send_output();
    if (!opened.empty()) {
      bool destroyed = false;
      bool* const outer = std::exchange(destroyed_, &destroyed);
      on_bytes_(opened);
      if (destroyed) {
        if (outer != nullptr) *outer = true;
        return;
      }
      destroyed_ = outer;
    }
    if (!connection_.is_open()) return;
    if (!read) return fail(read.error());
    if (endpoint_.state() == State::closed) return ended_in_order();
    update_reading();
  }

  void run_end_of_turn() {
    if (endpoint_.state() != State::open) return;
    seal();
    if (endpoint_.state() == State::failed) return fail(*endpoint_.error());
    if (!opened_early_) {
      opened_early_ = true;
      deliver();
    }
  }

  /// Turns the waiting plaintext into ciphertext and hands that to the kernel.
  void seal() {
    if (plaintext_.empty()) return;
    (void)endpoint_.write(plaintext_);
    // An idle connection keeps no large buffer.
    if (plaintext_.capacity() > limits::kMaxDataBytes) {
      plaintext_ = {};
    } else {
      plaintext_.clear();
    }
    send_output();
  }

  void send_output() {
    if (endpoint_.output().empty()) return;
    connection_.write(endpoint_.take_output());
    connection_.flush();
  }

  void update_reading() {
    const bool wanted = !paused_ && endpoint_.wants_read();
    if (wanted) {
      connection_.resume();
    } else {
      connection_.pause();
    }
  }

  void transport_closed(Error error) {
    // The end of the socket's bytes is in order only where TLS has said goodbye before.
    if (error.code() == "closed_by_peer") {
      if (Status ended = endpoint_.receive_end(); !ended) {
        error = Error(ended.error()).within(peer_);
      }
    }
    report_closed(std::move(error));  // a socket's own error names the peer
  }

  void ended_in_order() {
    connection_.finish(kRefusalPatience);
    report_closed(
        Error(ErrorKind::io, "closed_by_peer", fmt::format("{} closed the connection", peer_)));
  }

  void fail(Error error) {
    // What is left of the output is the alert that tells the peer why.
    connection_.finish(kRefusalPatience);
    report_closed(std::move(error).within(peer_));
  }

  void time_out() {
    const bool handshaking = endpoint_.state() == State::handshaking;
    endpoint_.shutdown();
    send_output();
    fail(handshaking ? Error(ErrorKind::timeout, "handshake_timeout",
                             "the TLS handshake was not finished in time")
                     : Error(ErrorKind::timeout, "admission_timeout",
                             "the peer's evidence was not judged in time"));
  }

  void report_closed(Error error) {
    close();
    on_closed_(std::move(error));
  }

  Connection connection_;
  tls::Endpoint endpoint_;
  SecureDeadlines deadlines_;
  std::string peer_;
  std::string peer_host_;
  Slot<UnverifiedPeer> on_unverified_;
  Slot<ByteView> on_bytes_;
  Slot<bool> on_pressure_;
  Slot<Error> on_closed_;
  Timer deadline_;
  TurnHook end_of_turn_;
  Bytes plaintext_;            // written, not yet sealed
  bool paused_ = false;        // by the owner
  bool opened_early_ = false;  // what came before admission has been opened
  bool* destroyed_ = nullptr;
};

Result<SecureConnection> SecureConnection::start(const Context& context, Connection connection,
                                                 const tls::Context& tls, SecureEvents events,
                                                 SecureDeadlines deadlines) {
  COCOON_TRY(tls::Endpoint endpoint, tls::Endpoint::create(tls));
  auto impl = std::make_unique<Impl>(context, std::move(connection), std::move(endpoint),
                                     std::move(events), deadlines);
  impl->start();
  return SecureConnection(std::move(impl));
}

SecureConnection::SecureConnection() = default;
SecureConnection::SecureConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SecureConnection::SecureConnection(SecureConnection&&) noexcept = default;
SecureConnection& SecureConnection::operator=(SecureConnection&&) noexcept = default;
SecureConnection::~SecureConnection() = default;

void SecureConnection::admit() {
  if (impl_) impl_->admit();
}
void SecureConnection::refuse() {
  finish(kRefusalPatience);
}
void SecureConnection::write(Bytes&& plaintext) {
  if (impl_) impl_->write(std::move(plaintext));
}
std::size_t SecureConnection::pending_bytes() const {
  return impl_ ? impl_->pending() : 0;
}
bool SecureConnection::under_pressure() const {
  return impl_ && impl_->pressed();
}
void SecureConnection::pause() {
  if (impl_) impl_->set_paused(true);
}
void SecureConnection::resume() {
  if (impl_) impl_->set_paused(false);
}
void SecureConnection::finish(Millis patience) {
  if (impl_) impl_->finish(patience);
}
void SecureConnection::close() {
  if (impl_) impl_->close();
}
bool SecureConnection::is_open() const {
  return impl_ && impl_->is_open();
}
bool SecureConnection::is_admitted() const {
  return impl_ && impl_->is_admitted();
}

const std::string& SecureConnection::peer() const {
  static const std::string none;
  return impl_ ? impl_->peer() : none;
}
std::string SecureConnection::peer_host() const {
  return impl_ ? impl_->peer_host() : "";
}

}  // namespace cocoon::io
