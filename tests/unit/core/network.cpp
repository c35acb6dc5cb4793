#include "unit/core/network.h"

#include <algorithm>

#include "billing/voucher.h"

namespace cocoon::core::test {

ByteView Hop::flipped(ByteView bytes, std::size_t at) {
  Bytes copy = to_bytes(bytes);
  copy.at(at) ^= 1;
  return keep(std::move(copy));
}

Network::Network(Shape shape) : world(20261125, {}) {
  world.weather.latency_low = world.weather.latency_high = Millis(1);
  world.weather.quote_time = Millis(10);
  world.stake = shape.stake;
  for (unsigned i = 0; i < shape.proxies; ++i) world.add(wire::Role::proxy);
  for (unsigned i = 0; i < shape.workers; ++i) world.add(wire::Role::worker);
  for (unsigned i = 0; i < shape.clients; ++i) world.add(wire::Role::client);
  world.fund(shape.deposit);
  world.tap = [this](Node& from, Node& to, Bytes& bytes) { pass(from, to, bytes); };
}

Network::~Network() {
  run(Millis(1));
  for (const auto& [key, user] : users_) {
    EXPECT_EQ(ends_[user].size(), 1u) << user << " has to end exactly once";
  }
}

Node& Network::nth(wire::Role role, std::size_t n) {
  for (auto& node : world.nodes) {
    if (node->role() == role && n-- == 0) return *node;
  }
  ADD_FAILURE() << "no such node";
  std::abort();
}

Node* Network::with(const AccountId& account) {
  for (auto& node : world.nodes) {
    if (node->account() == account) return node.get();
  }
  return nullptr;
}

void Network::boot() {
  for (auto& node : world.nodes) {
    if (!node->up()) node->boot();
  }
  run(Millis(200));
}

void Network::run(Millis time) {
  for (auto& node : world.nodes) node->turn();
  world.run_for(time);
  collect();
}

Asked Network::ask(Node& node, std::string_view fields) {
  const std::string user = "r" + std::to_string(asked_++);
  InferenceRequest request;
  request.body = R"({"model":"sim/model","stream":)" + std::string(streams ? "true" : "false") +
                 R"(,"user":")" + user + R"(","messages":[{"role":"user","content":"hello"}],)" +
                 std::string(fields) + "}";
  request.max_cost_nano = 10'000'000;
  request.deadline = deadline;
  auto id = node.client().submit(request, world.now);
  if (!id) {
    ADD_FAILURE() << id.error().detail();
    std::abort();
  }
  users_[{&node, *id}] = user;
  node.turn();
  return {&node, *id, user};
}

RequestOutcome Network::outcome(const Asked& asked) {
  for (int second = 0; second < 600 && ends_[asked.user].empty(); ++second) run(Millis(1000));
  if (ends_[asked.user].empty()) {
    ADD_FAILURE() << asked.user << " did not end";
    return {};
  }
  return ends_[asked.user].front();
}

void Network::expect_served(const Asked& asked) {
  const RequestOutcome got = outcome(asked);
  EXPECT_TRUE(got.status) << got.status.error().code() << ": " << got.status.error().detail();
  EXPECT_EQ(got.usage.cost_nano, kCost.value);
  EXPECT_NE(text(asked).find("[DONE]"), std::string::npos);
}

void Network::expect_refused(const Asked& asked, ErrorKind kind, std::string_view code) {
  const RequestOutcome got = outcome(asked);
  ASSERT_FALSE(got.status);
  EXPECT_EQ(to_string(got.status.error().kind()), to_string(kind)) << got.status.error().detail();
  EXPECT_EQ(got.status.error().code(), code) << got.status.error().detail();
  EXPECT_EQ(got.usage.cost_nano, 0u);
}

Nano Network::acknowledged(Node& node) {
  node.client().settle_all(world.now);
  node.turn();
  run(Millis(100));
  return acknowledged_[&node];
}

double Network::success_rate(const Node& worker) {
  const auto* averages = proxy().proxy().reputation().find(worker.account());
  return averages == nullptr ? 1 : averages->success_rate();
}

bool Network::said(const Node& node, std::string_view code) const {
  return said_.contains({&node, std::string(code)});
}

bool Network::said(wire::Role role, std::string_view code) const {
  return std::any_of(said_.begin(), said_.end(), [&](const auto& said) {
    return said.first->role() == role && said.second == code;
  });
}

void Network::forge(Node& from, Node& to, const wire::Message& message) {
  Bytes bytes;
  wire::encode(bytes, message);
  forging_ = true;
  from.inject(to, std::move(bytes));
  forging_ = false;
}

/// A batch holds whole frames: a connection appends them whole, and its owner takes all.
void Network::pass(Node& from, Node& to, Bytes& bytes) {
  if (forging_) return;
  Bytes out;
  ByteReader in(bytes);
  while (in.remaining() > 0) {
    auto message = wire::decode(in.take(in.u32be()));
    if (!message) {
      ADD_FAILURE() << from.name() << " sent a bad frame: " << message.error().detail();
      return;
    }
    Hop hop(from, to, std::move(*message));
    note(hop);
    if (meddle) meddle(hop);
    append(out, hop.earlier);
    if (!hop.dropped) wire::encode(out, hop.message);
    append(out, hop.later);
  }
  bytes = std::move(out);
}

void Network::note(const Hop& hop) {
  if (const auto* reset = std::get_if<wire::Reset>(&hop.message)) {
    said_.emplace(&hop.from, reset->code);
  }
  if (const auto* goaway = std::get_if<wire::GoAway>(&hop.message); goaway && goaway->fatal) {
    said_.emplace(&hop.from, goaway->reason);
  }
  if (const auto* voucher = std::get_if<wire::Voucher>(&hop.message)) {
    const auto value = billing::Voucher::decode(voucher->voucher);
    if (value) {
      acknowledged_[&hop.from] = std::max(acknowledged_[&hop.from], value->spent);
    }
  }
}

void Network::collect() {
  for (auto& node : world.nodes) {
    auto* core = node->up() ? dynamic_cast<ClientCore*>(&node->core()) : nullptr;
    if (core == nullptr) continue;
    for (ClientEvent& event : core->take_events()) {
      if (auto* chunk = std::get_if<ChunkReceived>(&event)) {
        texts_[users_[{node.get(), chunk->request}]] += as_text(chunk->bytes);
      } else if (auto* done = std::get_if<RequestDone>(&event)) {
        ends_[users_[{node.get(), done->request}]].push_back(done->outcome);
      }
    }
  }
}

}  // namespace cocoon::core::test
