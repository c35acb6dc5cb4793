#include "demo_engine/demo_control.h"

#include <algorithm>

#include "codec/json.h"

namespace cocoon::demo {
namespace {

// A long benchmark must not make the engine grow: beyond these, ids and tokens are not kept.
constexpr std::size_t kMaxIds = 200'000;
constexpr std::size_t kMaxGates = 10'000;
constexpr std::size_t kKeptBodies = 64;
constexpr std::size_t kMaxKeptBodyBytes = 64 * 1024;

}  // namespace

void Control::started(const std::string& id, std::string_view body) {
  ++started_;
  if (executions_.size() < kMaxIds || executions_.count(id) != 0) ++executions_[id];
  if (id == "anonymous" || body.size() > kMaxKeptBodyBytes) return;
  if (last_bodies_.count(id) == 0) last_ids_.push_back(id);
  last_bodies_[id] = body;
  if (last_ids_.size() > kKeptBodies) {
    last_bodies_.erase(last_ids_.front());
    last_ids_.pop_front();
  }
}

std::string Control::executions() const {
  json::Writer w;
  w.begin_object().key("total").u64(started_).key("executions").begin_object();
  for (const auto& [id, count] : executions_) w.key(id).u64(count);
  w.end_object().end_object();
  return w.take();
}

std::string Control::events() const {
  json::Writer w;
  w.begin_object().key("started").u64(started_).key("completed").u64(completed_);
  w.key("aborted").u64(aborted_).key("faulted").u64(faulted_);
  w.key("active").u64(started_ - completed_ - aborted_ - faulted_).end_object();
  return w.take();
}

const std::string* Control::last_body(const std::string& id) const {
  const auto found = last_bodies_.find(id);
  return found == last_bodies_.end() ? nullptr : &found->second;
}

void Control::confirm(const std::string& token) {
  if (gates_.size() >= kMaxGates && gates_.count(token) == 0) return;
  Gate& gate = gates_[token];
  if (gate.waiting.empty()) {
    ++gate.spare;
    return;
  }
  ConfirmWaiter* next = gate.waiting.front();
  gate.waiting.pop_front();
  next->confirmed();
}

void Control::wait(const std::string& token, ConfirmWaiter& waiter) {
  Gate& gate = gates_[token];
  if (gate.spare == 0) return gate.waiting.push_back(&waiter);
  --gate.spare;
  waiter.confirmed();
}

void Control::stop_waiting(const std::string& token, ConfirmWaiter& waiter) {
  const auto gate = gates_.find(token);
  if (gate == gates_.end()) return;
  auto& waiting = gate->second.waiting;
  waiting.erase(std::remove(waiting.begin(), waiting.end(), &waiter), waiting.end());
  if (waiting.empty() && gate->second.spare == 0) gates_.erase(gate);
}

}  // namespace cocoon::demo
