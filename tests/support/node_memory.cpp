/// What a node of the world leaves behind: its disk, and what it told its operator.

#include <algorithm>

#include "support/world.h"

namespace cocoon::simulation {

/// In order. What nobody waits for is on disk at once, unless it stands behind something else.
void Node::write(core::WriteStore effect) {
  const core::CallId call = effect.call;
  writing_.push_back(std::move(effect));
  if (call == 0) return writing_.size() == 1 ? write_until(0) : void();
  constexpr Millis kDiskTime{3};
  world_.after(kDiskTime, [this, life = life_, call] {
    if (life_ != life) return;
    write_until(call);
    core_->on_stored(call, now());
    turn();
  });
}

/// And what nobody waits for behind it.
void Node::write_until(core::CallId call) {
  bool reached = call == 0;
  while (!writing_.empty() && (!reached || writing_.front().call == 0)) {
    const core::WriteStore effect = std::move(writing_.front());
    writing_.pop_front();
    for (const ports::StoreWrite& write : effect.batch.writes) {
      if (write.value) {
        store_[write.key] = *write.value;
      } else {
        store_.erase(write.key);
      }
    }
    reached = reached || effect.call == call;
  }
}

std::size_t Node::reported(std::string_view part) const {
  return static_cast<std::size_t>(std::count_if(
      reports_.begin(), reports_.end(),
      [part](const std::string& report) { return report.find(part) != std::string::npos; }));
}

}  // namespace cocoon::simulation
