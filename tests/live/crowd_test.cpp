// Peers of one address that shake hands and say nothing more: they hold no more connections than
// their address may have, and keep nobody of another one out.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <deque>

#include "base/limits.h"
#include "io/descriptor.h"
#include "live/live_node.h"

namespace cocoon::live {
namespace {

constexpr std::size_t kMost = limits::kMaxHandshakesPerAddress;
constexpr const char* kCrowded = "127.0.0.1";
constexpr const char* kOther = "127.0.0.2";
/// Connections that are made at a time: fewer than any kernel queues for a listener.
constexpr std::size_t kBatch = 64;

/// Both ends of every connection are in this process.
void raise_descriptor_limit() {
  constexpr rlim_t kOthers = 256;
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, 2 * kMost + kOthers);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0) << "this test needs that many descriptors";
}

sockaddr_in address_of(const char* host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

/// Keys without evidence admit anybody to the core: so do clients come.
class Crowd : public LiveTest {
 protected:
  Crowd() {
    raise_descriptor_limit();
    start_node(with_evidence(sound(), wire::Role::proxy), wire::Role::worker,
               with_evidence(sound(), wire::Role::worker).collateral);
    listen(wire::Role::worker);
  }

  /// One more peer, from that address.
  Peer& come(const char* host) {
    const auto from = address_of(host, 0);
    const auto to = address_of("127.0.0.1", port());
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from), 0);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    EXPECT_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    Peer& peer = peers_.emplace_back();
    auto socket = io::Connection::adopt(context(), fd, std::string(host) + ":0");
    EXPECT_TRUE(socket);
    peer.start(context(), std::move(*socket), stranger_.client);
    return peer;
  }
  bool served(const Peer& peer) const { return peer.heard == RecordingCore::kGreeting; }
  void expect_served(const char* host) {
    Peer& peer = come(host);
    ASSERT_TRUE(run_until([&] { return served(peer) || peer.closed; }));
    EXPECT_TRUE(served(peer)) << host << ": " << peer.closed->detail();
  }
  void expect_dropped(const char* host) {
    Peer& peer = come(host);
    ASSERT_TRUE(run_until([&] { return served(peer) || peer.closed; }));
    EXPECT_TRUE(peer.closed) << host;
    EXPECT_FALSE(peer.ready) << host << ": not even a handshake is worth it";
  }
  /// As many as may wait come, and say nothing to the core.
  void crowd() {
    while (core().peer_ids.size() < kMost) {
      for (std::size_t i = 0; i < kBatch; ++i) come(kCrowded);
      ASSERT_TRUE(run_until([&] { return core().peer_ids.size() == peers_.size(); }));
    }
    ASSERT_TRUE(run_until([&] { return served(peers_.back()); }));
  }

  std::deque<Peer> peers_;

 private:
  const node::OwnCertificate stranger_ = without_evidence().tls();
};

TEST_F(Crowd, KeepsOutItsOwnAddressOnly) {
  crowd();
  expect_dropped(kCrowded);
  expect_served(kOther);
  EXPECT_EQ(core().losses.size(), 0u);
}

TEST_F(Crowd, WhoIsAdmittedOrLeavesMakesRoomForOneMore) {
  crowd();
  driver().core_admitted(core().peer_ids.front());
  driver().core_admitted(core().peer_ids.front());
  expect_served(kCrowded);
  expect_dropped(kCrowded);
  peers_[1].connection.close();
  ASSERT_TRUE(run_until([&] { return core().losses.size() == 1; }));
  expect_served(kCrowded);
  expect_dropped(kCrowded);
}

}  // namespace
}  // namespace cocoon::live
