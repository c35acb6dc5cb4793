#pragma once
/// @file An HTTP server that answers with whatever bytes a test gives it, right or wrong.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/tcp.h"

namespace cocoon::io::test {

class ScriptedServer {
 public:
  /// One connection as the script sees it.
  struct Peer {
    Connection connection;
    std::string received;  ///< of the request that is coming in
    bool gone = false;     ///< the client has closed it
    void send(std::string_view bytes) { connection.write(as_bytes(bytes)); }
  };
  /// Called with each complete request (head and Content-Length body) and where it came from.
  using Script = std::function<void(const std::string& request, Peer& peer)>;

  ScriptedServer(const Context& context, const Address& at, Script script)
      : script_(std::move(script)),
        listener_(Listener::open(context, at, {}, [this](Connection c) { accept(std::move(c)); })) {
  }

  bool listens() const { return listener_.has_value(); }
  const Address& address() const { return listener_->address(); }
  std::string url(const std::string& path = "") const {
    return "http://" + address().text() + path;
  }
  std::size_t connections() const { return peers_.size(); }
  std::size_t requests() const { return requests_; }
  Peer& peer(std::size_t i) { return *peers_[i]; }

 private:
  void accept(Connection connection) {
    peers_.push_back(std::make_unique<Peer>());
    Peer& peer = *peers_.back();
    peer.connection = std::move(connection);
    ConnectionEvents events;
    events.on_bytes = [this, &peer](ByteView bytes) {
      peer.received += as_text(bytes);
      take_requests(peer);
    };
    events.on_closed = [&peer](const Error&) { peer.gone = true; };
    peer.connection.start(std::move(events));
  }

  void take_requests(Peer& peer) {
    for (;;) {
      const std::size_t head = peer.received.find("\r\n\r\n");
      if (head == std::string::npos) return;
      std::size_t length = 0;
      const std::size_t field = peer.received.find("Content-Length: ");
      if (field != std::string::npos && field < head) {
        length = std::stoul(peer.received.substr(field + 16));
      }
      if (peer.received.size() < head + 4 + length) return;
      const std::string request = peer.received.substr(0, head + 4 + length);
      peer.received.erase(0, head + 4 + length);
      ++requests_;
      script_(request, peer);
    }
  }

  Script script_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::size_t requests_ = 0;
  Result<Listener> listener_;
};

}  // namespace cocoon::io::test
