#pragma once
// Workers and clients of the load program: the product's cores and drivers, without the process
// around them. What they run on is the World's.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/client_core.h"
#include "core/worker_core.h"
#include "io/timer.h"
#include "node/driver.h"
#include "ports/engine.h"
#include "world.h"

namespace cocoon::bench {

/// What became of requests; each of them under a name of its own, which travels to the engine.
struct Ledger {
  std::size_t submitted = 0;
  std::size_t answered = 0;
  std::map<std::string, std::size_t> failures;  ///< by code
  std::size_t ended_twice = 0;                  ///< or without having been submitted
  std::vector<double> latencies_ms;             ///< of those that were answered
  std::unordered_map<std::string, unsigned> executions;

  std::size_t ended() const;
  std::size_t ran_twice() const;
};

/// How the engines answer.
struct Answer {
  unsigned chunks = 8;
  Millis gap{0};
};

class Worker;

/// The engines of all workers: one timer for all that they will say.
class Engines {
 public:
  Engines(World& world, Ledger& all);
  Answer answer;
  Ledger& ledger;

  void say_later(Millis delay, Worker& worker, std::uint64_t life, ports::EngineRun run,
                 unsigned left);

 private:
  struct Line {
    Worker* worker;
    std::uint64_t life;
    ports::EngineRun run;
    unsigned left;
  };
  void speak();

  std::multimap<MonoTime, Line> lines_;
  io::Timer timer_;
};

/// One per account; connected or not. `ready` counts those of them that are.
class Worker final : public ports::Engine {
 public:
  Worker(World& world, Engines& engines, const Papers& papers, std::size_t& ready);
  ~Worker() override { cut(); }

  void connect();
  /// As if its process were killed. Not from within its own driver.
  void cut();
  bool is_ready() const { return is_ready_; }

  void start(ports::EngineRequest request) override;
  void cancel(ports::EngineRun run) override { runs_.erase(run); }
  void pause(ports::EngineRun run, bool paused) override;
  /// The engine's next words for a run, `left` chunks before its end.
  void speak(std::uint64_t life, ports::EngineRun run, unsigned left);

 private:
  void after_turn();

  World& world_;
  Engines& engines_;
  const Papers& papers_;
  std::size_t& ready_;
  bool is_ready_ = false;
  std::uint64_t life_ = 0;
  struct Run {
    std::string name;
    bool paused = false;
  };
  std::map<ports::EngineRun, Run> runs_;
  std::unique_ptr<core::WorkerCore> core_;
  std::unique_ptr<node::Driver> driver_;
};

class Client {
 public:
  Client(World& world, Ledger& ledger, const Papers& papers, std::size_t& ready);
  ~Client() { cut(); }

  void connect();
  void cut();
  bool is_ready() const { return is_ready_; }
  /// Sends a request that is called `name`.
  void submit(const std::string& name);
  /// Asks the proxy; workers_seen() follows.
  void ask_models();
  std::size_t workers_seen() const { return workers_seen_; }
  std::string problem() const { return core_ ? core_->not_ready_reason() : "not connected"; }

 private:
  void after_turn();

  World& world_;
  Ledger& ledger_;
  const Papers& papers_;
  std::size_t& ready_;
  bool is_ready_ = false;
  std::map<core::ClientRequestId, MonoTime> open_;
  std::size_t workers_seen_ = 0;
  std::unique_ptr<core::ClientCore> core_;
  std::unique_ptr<node::Driver> driver_;
};

}  // namespace cocoon::bench
