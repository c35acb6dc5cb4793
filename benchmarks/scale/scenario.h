#pragma once
// The life of a large network, phase by phase.

#include <memory>
#include <string>
#include <vector>

#include "members.h"
#include "proxy_process.h"
#include "report.h"
#include "world.h"

namespace cocoon::bench {

struct Sizes {
  std::size_t workers = 300;
  std::size_t clients = 300;
  std::size_t window = 256;    ///< connections that are being made at a time
  double rate = 200;           ///< requests a second, of all clients together
  unsigned requests = 2;       ///< of each client
  unsigned idle_seconds = 60;  ///< that an idle network is watched
  Millis rest{3000};           ///< before memory is looked at
};

class Scenario {
 public:
  Scenario(Sizes sizes, std::string folder, std::string proxy_program);

  /// All phases. @return whether everything behaved; what did not is on standard error.
  bool run();
  std::string json() const { return report_.json(); }

 private:
  void set_up();
  void connect_workers(const std::string& phase);
  void connect_clients();
  bool wait_until_seen(std::size_t workers, Seconds patience);
  void wait_for_directory();
  void rest_and_weigh(const std::string& phase);
  void watch_idle(const std::string& phase);
  void visit();
  void weigh();
  void ask();
  void cut_a_third();
  void leave();

  /// Connects those of `members` that are not, at most sizes_.window at a time.
  template <class Member>
  void connect(std::vector<std::unique_ptr<Member>>& members, const std::size_t& ready,
               const std::string& phase);
  void tally(const Ledger& before);
  void expect(bool holds, const std::string& what);

  Sizes sizes_;
  std::string program_;
  World world_;
  std::unique_ptr<ProxyProcess> proxy_;
  Ledger ledger_;
  Engines engines_;
  std::vector<Papers> worker_papers_;
  std::vector<Papers> client_papers_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::size_t ready_workers_ = 0;
  std::size_t ready_clients_ = 0;
  Report report_;
  Memory founded_;  ///< of the proxy, before the first connection
  std::size_t names_ = 0;
  bool good_ = true;
};

}  // namespace cocoon::bench
