/// What nodes tell whoever operates them, and the peer that they leave.

#include <gtest/gtest.h>

#include "core/named.h"
#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

Error io_error(std::string detail) {
  return {ErrorKind::io, "closed_by_peer", std::move(detail)};
}

TEST(Named, PutsTheEndpointBeforeWhatHappened) {
  EXPECT_EQ(named("proxy:1", io_error("no evidence")), "proxy:1: no evidence");
}

TEST(Named, DoesNotRepeatAnEndpointThatTheTransportHasNamed) {
  EXPECT_EQ(named("127.0.0.1:9", io_error("127.0.0.1:9: the connection ended")),
            "127.0.0.1:9: the connection ended");
  EXPECT_EQ(named("127.0.0.1:9", io_error("127.0.0.1:9 closed the connection")),
            "127.0.0.1:9 closed the connection");
}

TEST(Named, TellsAnEndpointFromALongerOne) {
  EXPECT_EQ(named("127.0.0.1:9", io_error("127.0.0.1:90: refused")),
            "127.0.0.1:9: 127.0.0.1:90: refused");
}

TEST(OperatorWords, AWorkerWithoutAnyProxySaysThatThereIsNone) {
  Network net({.clients = 0, .proxies = 0, .workers = 1});
  net.boot();
  EXPECT_EQ(net.worker().worker().counts().proxy_reason,
            "no proxy is configured, and the registry lists none");
}

TEST(OperatorWords, AWorkerThatIsTurnedAwaySaysWhyThatMayBe) {
  // A proxy that refuses evidence closes the connection without a word.
  Network net({.workers = 1});
  net.meddle = [](Hop& hop) {
    if (hop.as<wire::Hello>()) hop.drop();
  };
  net.proxy().boot();
  net.worker().boot();
  net.run(Seconds(1));
  const PeerId first = 1;
  net.worker().core().on_disconnected(first, io_error("proxy closed the connection"),
                                      net.world.now);
  const std::string reason = net.worker().worker().counts().proxy_reason;
  EXPECT_NE(reason.find("the registry lists this worker's image"), std::string::npos) << reason;
}

TEST(OperatorWords, AClientWithoutAChannelLeavesAProxyInSilence) {
  // The proxy does not know who it is yet: whatever the client said would be a riddle to it.
  Network net;
  Node& stranger = net.world.add(wire::Role::client);
  unsigned said = 0;
  net.meddle = [&](Hop& hop) {
    if (&hop.from == &stranger) ++said;
  };
  net.boot();
  EXPECT_NE(net.problem(stranger).find("no open channel"), std::string::npos)
      << net.problem(stranger);
  EXPECT_EQ(said, 0u);
}

}  // namespace
}  // namespace cocoon::core::test
