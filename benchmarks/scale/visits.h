#pragma once
// Connections for their own sake: TLS with a worker's certificate, until the proxy has judged it.

#include <memory>
#include <vector>

#include "io/secure_connection.h"
#include "io/tcp.h"
#include "world.h"

namespace cocoon::bench {

/// Opens connections to the proxy, `window` at a time, each with the certificate of one worker.
/// Once admitted, it says something that no peer may say, and the proxy's answer to that shows that
/// it was admitted there, too, and ends it.
class Visits {
 public:
  Visits(World& world, const std::vector<Papers>& papers, std::size_t window);

  /// Whether each ended as it should.
  bool run(Seconds patience);
  std::size_t done() const { return done_; }

 private:
  struct Visit {
    std::unique_ptr<io::Connector> connector;
    io::SecureConnection connection;
    bool answered = false;
  };
  void begin(std::size_t number);

  World& world_;
  const std::vector<Papers>& papers_;
  std::size_t window_;
  std::vector<Visit> visits_;
  std::size_t begun_ = 0;
  std::size_t done_ = 0;
  std::size_t unanswered_ = 0;
};

}  // namespace cocoon::bench
