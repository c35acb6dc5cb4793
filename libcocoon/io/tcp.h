#pragma once
/// @file Stream sockets: listeners, outgoing connections, and connections with bounded buffers.

#include <cstddef>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/time.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "io/address.h"
#include "io/context.h"

namespace cocoon::io {

/// What happens on a Connection. Loop thread only. Each may destroy the connection.
struct ConnectionEvents {
  /// Bytes that arrived; valid during the call, which never comes while paused.
  Callback<void(ByteView)> on_bytes;
  /// The peer will send no more, but may still read. Where this is not set, the end of the peer's
  /// bytes ends the connection: on_closed with code "closed_by_peer".
  Callback<void()> on_end;
  /// True: unsent bytes reached the high watermark, stop producing. False: they have fallen to the
  /// low one again.
  Callback<void(bool)> on_pressure;
  /// The connection ended, and not by a call of the owner's. Last, once, never inside a call of
  /// the owner's. Codes: "closed_by_peer", "connection_reset", "connection_lost".
  Callback<void(Error)> on_closed;
};

/// One connected stream socket, TCP (with TCP_NODELAY and keepalive) or unix. It holds no memory
/// for reading, and for writing only what is unsent. Loop thread only; movable.
class Connection {
 public:
  Connection();  ///< Of no socket: closed.
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  /// Closes at once; what is unsent is dropped. No event follows.
  ~Connection();

  /// Starts reading. Before this call nothing is read and no event comes.
  /// @pre called at most once
  void start(ConnectionEvents events);

  /// Queues bytes; they leave at the end of the loop turn, all of a turn in one system call. After
  /// close() or on_closed they are dropped. There is no bound here: heed on_pressure.
  void write(ByteView bytes);
  void write(Bytes&& bytes);
  /// Hands what is queued to the kernel now, for a caller that knows nothing will follow.
  void flush();

  /// Bytes accepted by write() that the kernel has not taken yet.
  std::size_t pending_bytes() const;
  /// Pending bytes reached the high watermark and have not yet fallen to the low one.
  bool under_pressure() const;

  /// Stops reading: bytes stay in the kernel, so the peer is slowed down. While paused the end of
  /// the connection is not noticed either, unless something is written.
  void pause();
  void resume();

  /// Sends what is queued and then the end of our bytes; reading goes on.
  void shutdown();
  /// Closes at once, like destruction. Idempotent.
  void close();
  /// Lets go: the socket sends what is queued, ends our bytes, waits until the peer has ended its
  /// own, and closes; at `patience` it closes anyway. This object is closed at once.
  void finish(Millis patience);

  bool is_open() const;
  /// The other side: `1.2.3.4:567`, `[::1]:567`, or "unix".
  const std::string& peer() const;
  /// The other side without its port: what limits per address count by.
  std::string peer_host() const;

  /// Internal to io/: takes a connected, non-blocking socket.
  static Result<Connection> adopt(const Context& context, int fd, std::string peer);

 private:
  class Impl;
  class Farewell;
  explicit Connection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// One attempt to connect: resolves the name off the loop, then tries its addresses in turn until
/// one answers or the deadline has passed. Loop thread only.
class Connector {
 public:
  /// `on_result` is called once, never inside this call, and may destroy the connector. Errors are
  /// `unavailable` ("name_not_found", "connection_refused", "unreachable"), `timeout`
  /// ("connect_timeout") or `io`, each naming `address`.
  Connector(const Context& context, const Address& address, Millis deadline,
            Callback<void(Result<Connection>)> on_result);
  /// Gives up; on_result is not called.
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

struct ListenOptions {
  int backlog = limits::kListenBacklog;
  /// Warned when the process runs out of descriptors.
  Logger log;
};

/// A listening socket, TCP or unix. Loop thread only; movable.
class Listener {
 public:
  /// Binds and listens. The host of `address` is numeric or "localhost" (127.0.0.1): a listener
  /// resolves no names. A unix socket gets mode 0600, and takes the place of one that nobody
  /// answers on any more. `on_accept` may destroy the listener.
  /// Errors: `invalid_argument` for the address, `io` with codes "address_in_use",
  /// "address_not_here", "permission_denied", "cannot_listen".
  static Result<Listener> open(const Context& context, const Address& address,
                               ListenOptions options, Callback<void(Connection)> on_accept);
  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  /// Stops listening; a unix socket's path is removed.
  ~Listener();

  /// Where it listens, with the port that the system chose.
  const Address& address() const;
  /// Leaves new connections waiting in the kernel.
  void pause();
  void resume();

 private:
  class Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocoon::io
