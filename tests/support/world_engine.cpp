/// The engine that a worker of the world has beside it.

#include "codec/json.h"
#include "support/world.h"

namespace cocoon::simulation {

void Node::engine_run(const ports::EngineRequest& request) {
  const auto body = json::Document::parse(request.body);
  const auto user = body ? body->root().find("user").as_string() : std::nullopt;
  ++world_.executions[std::string(user.value_or("?"))];
  world_.engine_bodies.push_back(request.body);
  const bool thinks = !request.streams && request.path != "/v1/embeddings";
  return thinks ? engine_think(request.run) : engine_start(request);
}

/// Nothing of the answer comes before all of it.
void Node::engine_think(std::uint64_t run) {
  runs_[run] = false;
  world_.after(world_.weather.plain_begins, [this, life = life_, run] {
    if (life != life_ || !runs_.contains(run)) return;
    worker().on_engine_started(run, now());
    turn();
  });
  world_.after(world_.weather.plain_takes, [this, life = life_, run] {
    if (life != life_ || runs_.erase(run) == 0) return;
    const int status = world_.weather.engine_status;
    const std::string answer =
        status < 300 ? R"({"choices":[{"message":{"content":")" + world_.weather.chunk_text +
                           R"("}}],"usage":{"prompt_tokens":7,"completion_tokens":8}})"
                     : R"({"error":{"message":"no"}})";
    worker().on_engine_head(run, status, "application/json", now());
    worker().on_engine_bytes(run, as_bytes(answer).first(answer.size() / 2), now());
    turn();
    world_.after(world_.weather.plain_pauses, [this, life = life_, run, answer] {
      if (life != life_) return;
      worker().on_engine_bytes(run, as_bytes(answer).subspan(answer.size() / 2), now());
      worker().on_engine_end(run, ok(), now());
      turn();
    });
  });
}

void Node::engine_start(const ports::EngineRequest& request) {
  runs_[request.run] = false;
  const bool embeds = request.path == "/v1/embeddings";
  world_.after(Millis(1), [this, embeds, life = life_, run = request.run] {
    if (life != life_ || !runs_.contains(run)) return;
    worker().on_engine_started(run, now());
    if (embeds) return engine_embed(run);
    worker().on_engine_head(run, world_.weather.engine_status, "text/event-stream", now());
    turn();
    if (!runs_.contains(run)) return;  // it was not what the worker wants
    engine_step(run, world_.weather.chunks);
  });
}

/// Embeddings are never a stream, whatever the body says.
void Node::engine_embed(std::uint64_t run) {
  worker().on_engine_head(run, world_.weather.engine_status, "application/json", now());
  worker().on_engine_bytes(run, as_bytes(R"({"data":[],"usage":{"prompt_tokens":7}})"), now());
  runs_.erase(run);
  worker().on_engine_end(run, ok(), now());
  turn();
}

void Node::engine_step(std::uint64_t run, unsigned left) {
  if (world_.random.chance(world_.weather.engine_stalls)) return;
  world_.after(world_.weather.chunk_gap, [this, life = life_, run, left] {
    if (life != life_ || !runs_.contains(run)) return;
    if (runs_[run]) return engine_step(run, left);  // paused: try again
    if (world_.random.chance(world_.weather.engine_fails)) {
      runs_.erase(run);
      worker().on_engine_end(run, Error(ErrorKind::upstream, "engine_broke_off", "broken off"),
                             now());
      return turn();
    }
    const std::string chunk =
        left > 0 ? "data: {\"choices\":[{\"delta\":{\"content\":\"" + world_.weather.chunk_text +
                       "\"}}]}\n\n"
                 : "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":" +
                       std::to_string(world_.weather.chunks) + "}}\n\n" + world_.weather.stream_end;
    ++world_.engine_pieces;
    worker().on_engine_bytes(run, as_bytes(chunk), now());
    if (left == 0) {
      runs_.erase(run);
      worker().on_engine_end(run, ok(), now());
      return turn();
    }
    turn();
    engine_step(run, left - 1);
  });
}

}  // namespace cocoon::simulation
