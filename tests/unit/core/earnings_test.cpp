/// What a worker earns reaches it before it stops serving a proxy that owes it too much.

#include "unit/core/network.h"

namespace cocoon::core::test {
namespace {

TEST(Earnings, AWorkerThatEarnsFastCashesBeforeItReachesMaxUnpaid) {
  Network net(Shape{.workers = 1});
  net.world.max_unpaid = Nano{160'000};
  net.boot();
  // About 13,500 a second: with what two runs reserve, max_unpaid would be reached between two of
  // its periodic looks at what was paid.
  std::vector<Asked> asked;
  for (int round = 0; round < 150; ++round) {
    for (int i = 0; i < 2; ++i) asked.push_back(net.ask());
    net.run(Millis(200));
  }
  for (const Asked& one : asked) net.expect_served(one);
}

}  // namespace
}  // namespace cocoon::core::test
