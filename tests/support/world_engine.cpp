/// The engine's answers that are no stream.

#include "support/world.h"

namespace cocoon::simulation {

void Node::engine_run(const ports::EngineRequest& request) {
  const bool thinks = !request.streams && request.path != "/v1/embeddings";
  return thinks ? engine_think(request.run) : engine_start(request);
}

/// Nothing of the answer comes before all of it.
void Node::engine_think(std::uint64_t run) {
  runs_[run] = false;
  worker().on_engine_started(run, now());
  world_.after(world_.weather.plain_takes, [this, life = life_, run] {
    if (life != life_ || runs_.erase(run) == 0) return;
    const int status = world_.weather.engine_status;
    const std::string answer =
        status < 300 ? R"({"choices":[{"message":{"content":")" + world_.weather.chunk_text +
                           R"("}}],"usage":{"prompt_tokens":7,"completion_tokens":8}})"
                     : R"({"error":{"message":"no"}})";
    worker().on_engine_head(run, status, "application/json", now());
    worker().on_engine_bytes(run, as_bytes(answer), now());
    worker().on_engine_end(run, ok(), now());
    turn();
  });
}

}  // namespace cocoon::simulation
