#pragma once
/// @file A small network of the product's own cores in memory, with a man in the middle on every
/// link: what the tests of hostile roles are made of.

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "support/world.h"
#include "wire/codec.h"

namespace cocoon::core::test {

using simulation::Node;

/// The world's engines answer with 7 tokens of prompt and 8 of completion at 20 nanoton, 1 and 8
/// times.
inline constexpr Nano kCost{20 * (7 + 8 * 8)};
/// What the reservation of a request of Network::ask() comes to: 1,088 tokens of prompt (its
/// padded bytes and the model's allowance) and 64 of output.
inline constexpr Nano kCap{20 * (1024 + 64 + 64 * 8)};
/// What no test of a few requests uses up.
inline constexpr Nano kEnough{100'000'000};

inline constexpr auto kProxy = wire::Role::proxy;
inline constexpr auto kClient = wire::Role::client;
inline constexpr auto kWorker = wire::Role::worker;

/// One frame on its way from one node to another, in the hands of the man in the middle.
class Hop {
 public:
  Hop(Node& f, Node& t, wire::Message m) : from(f), to(t), message(std::move(m)) {}

  Node& from;
  Node& to;
  wire::Message message;  ///< may be altered; views point into the frame, or to what keep() holds

  template <class M>
  M* as() {
    return std::get_if<M>(&message);
  }
  bool between(wire::Role sender, wire::Role receiver) const {
    return from.role() == sender && to.role() == receiver;
  }
  void drop() { dropped = true; }
  /// Frames that arrive just before, and just after, this one.
  void before(const wire::Message& more) { wire::encode(earlier, more); }
  void after(const wire::Message& more) { wire::encode(later, more); }
  /// Holds bytes for as long as the frame lives.
  ByteView keep(Bytes bytes) { return kept.emplace_back(std::move(bytes)); }
  /// A copy of `bytes` with one bit turned.
  ByteView flipped(ByteView bytes, std::size_t at);

  bool dropped = false;
  Bytes earlier;
  Bytes later;
  std::deque<Bytes> kept;
};

/// A request that a caller has made.
struct Asked {
  Node* client = nullptr;
  ClientRequestId id = 0;
  std::string user;  ///< in its body, so that engines tell what they ran
};

/// How a test wants its network; see Network.
struct Shape {
  unsigned clients = 1;
  unsigned proxies = 1;
  unsigned workers = 2;
  Nano stake{2'000'000'000};    ///< of each proxy
  Nano deposit{5'000'000'000};  ///< of each client with each proxy
};

/// Nodes that trust each other until a test says otherwise. Every request that is asked has to end
/// exactly once: the destructor checks it.
class Network {
 public:
  explicit Network(Shape shape = {});
  ~Network();

  simulation::World world;
  /// Sees every frame; set it at any time.
  std::function<void(Hop&)> meddle;
  /// Of the requests that are asked.
  Millis deadline{600'000};
  bool streams = true;

  Node& client(std::size_t n = 0) { return nth(wire::Role::client, n); }
  Node& proxy(std::size_t n = 0) { return nth(wire::Role::proxy, n); }
  Node& worker(std::size_t n = 0) { return nth(wire::Role::worker, n); }
  /// The one that shows this account, or null.
  Node* with(const AccountId& account);

  /// Starts every node that is not up. `actor` nodes are to be told before.
  void boot();
  void run(Millis time);

  Asked ask(Node& client, std::string_view fields = R"("max_tokens":64)");
  Asked ask() { return ask(client()); }
  /// How it ended; runs the network until it has, for at most ten minutes.
  RequestOutcome outcome(const Asked& asked);
  /// The answer's bytes so far.
  const std::string& text(const Asked& asked) { return texts_[asked.user]; }
  unsigned executions(const Asked& asked) { return world.executions[asked.user]; }

  void expect_served(const Asked& asked);
  /// Ended by this error, and not charged.
  void expect_refused(const Asked& asked, ErrorKind kind, std::string_view code);

  /// What a client's vouchers acknowledge at the end, once it was asked for a last one.
  Nano acknowledged(Node& client);
  /// The share of `worker`'s requests that the first proxy does not hold against it.
  double success_rate(const Node& worker);
  /// Whether `node` has sent a reset or a fatal goaway with this code, to anybody.
  bool said(const Node& node, std::string_view code) const;
  /// The same of any node of that role.
  bool said(wire::Role role, std::string_view code) const;
  /// Frame as if `from` had sent it to `to`, past the man in the middle.
  void forge(Node& from, Node& to, const wire::Message& message);
  /// What the client says is wrong with its proxies.
  std::string problem(Node& node) { return node.client().not_ready_reason(); }

 private:
  Node& nth(wire::Role role, std::size_t n);
  void pass(Node& from, Node& to, Bytes& bytes);
  void note(const Hop& hop);
  void collect();

  bool forging_ = false;
  unsigned asked_ = 0;
  std::map<std::pair<Node*, ClientRequestId>, std::string> users_;
  std::map<std::string, std::vector<RequestOutcome>> ends_;
  std::map<std::string, std::string> texts_;
  std::map<const Node*, Nano> acknowledged_;
  std::set<std::pair<const Node*, std::string>> said_;
};

}  // namespace cocoon::core::test
