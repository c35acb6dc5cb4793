#include "members.h"

#include <fmt/format.h>

#include <utility>

#include "io/clock.h"
#include "need.h"

namespace cocoon::bench {
namespace {

/// What stands behind "user" in a request's body.
std::string name_in(const std::string& body) {
  const std::string key = "\"user\":\"";
  const std::size_t at = body.find(key);
  if (at == std::string::npos) return "?";
  const std::size_t from = at + key.size();
  return body.substr(from, body.find('"', from) - from);
}

node::OwnCertificate copy(const node::OwnCertificate& tls) {
  return {tls.client, tls.server, tls.leaf_sha256};
}

/// A node notices changes of its own state after each of its turns.
void note(bool& is, bool now, std::size_t& count) {
  if (std::exchange(is, now) == now) return;
  now ? ++count : --count;
}

}  // namespace

std::size_t Ledger::ended() const {
  std::size_t sum = answered;
  for (const auto& [code, count] : failures) sum += count;
  return sum;
}

std::size_t Ledger::ran_twice() const {
  std::size_t count = 0;
  for (const auto& [name, runs] : executions) count += runs > 1 ? 1 : 0;
  return count;
}

// --- Engines ---

Engines::Engines(World& world, Ledger& all)
    : ledger(all), timer_(world.context(), [this] { speak(); }) {}

void Engines::say_later(Millis delay, Worker& worker, std::uint64_t life, ports::EngineRun run,
                        unsigned left) {
  lines_.emplace(io::now().mono + delay, Line{&worker, life, run, left});
  timer_.set(lines_.begin()->first);
}

void Engines::speak() {
  const MonoTime now = io::now().mono;
  while (!lines_.empty() && lines_.begin()->first <= now) {
    const Line line = lines_.extract(lines_.begin()).mapped();
    line.worker->speak(line.life, line.run, line.left);
  }
  if (!lines_.empty()) timer_.set(lines_.begin()->first);
}

// --- Worker ---

Worker::Worker(World& world, Engines& engines, const Papers& papers, std::size_t& ready)
    : world_(world), engines_(engines), papers_(papers), ready_(ready) {}

void Worker::connect() {
  ++life_;
  core::WorkerCoreOptions options;
  options.proxies = {world_.proxy()};
  options.models = {kModel};
  core::NodeIdentity identity{world_.registry().network, papers_.account.duplicate(),
                              papers_.boot.duplicate(), papers_.epoch};
  core_ =
      std::make_unique<core::WorkerCore>(std::move(identity), papers_.tls->leaf_sha256,
                                         world_.registry(), options, world_.random(), io::now());
  driver_ = std::make_unique<node::Driver>(
      world_.context(), world_.parts(core_.get(), this), copy(*papers_.tls),
      [this] { after_turn(); },
      [](const Error& error) { fail("a worker failed: " + std::string(error.detail())); });
  core_->on_engine_ready(true, "", io::now());
  core_->start(io::now());
}

void Worker::cut() {
  driver_.reset();
  core_.reset();
  runs_.clear();
  note(is_ready_, false, ready_);
}

void Worker::after_turn() {
  note(is_ready_, core_->counts().proxies_connected > 0, ready_);
}

void Worker::start(ports::EngineRequest request) {
  runs_[request.run] = {name_in(request.body), false};
  engines_.say_later(Millis{0}, *this, life_, request.run, engines_.answer.chunks + 1);
}

void Worker::pause(ports::EngineRun run, bool paused) {
  if (const auto at = runs_.find(run); at != runs_.end()) at->second.paused = paused;
}

void Worker::speak(std::uint64_t life, ports::EngineRun run, unsigned left) {
  const auto at = runs_.find(run);
  if (life != life_ || at == runs_.end()) return;
  const Answer& answer = engines_.answer;
  if (at->second.paused) return engines_.say_later(Millis{10}, *this, life, run, left);
  const Now now = io::now();
  if (left > answer.chunks) {
    ++engines_.ledger.executions[at->second.name];
    core_->on_engine_started(run, now);
    core_->on_engine_head(run, 200, "text/event-stream", now);
  } else if (left > 0) {
    core_->on_engine_bytes(
        run, as_bytes("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"}}]}\n\n"),
        now);
  } else {
    core_->on_engine_bytes(
        run,
        as_bytes(fmt::format("data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":7,"
                             "\"completion_tokens\":{}}}}}\n\ndata: [DONE]\n\n",
                             answer.chunks)),
        now);
    runs_.erase(at);
    core_->on_engine_end(run, ok(), now);
  }
  driver_->arm();
  if (left > 0) engines_.say_later(answer.gap, *this, life, run, left - 1);
}

// --- Client ---

Client::Client(World& world, Ledger& ledger, const Papers& papers, std::size_t& ready)
    : world_(world), ledger_(ledger), papers_(papers), ready_(ready) {}

void Client::connect() {
  core::ClientCoreOptions options;
  options.proxies = {world_.proxy()};
  core::NodeIdentity identity{
      world_.registry().network, papers_.account.duplicate(), papers_.boot.duplicate(), {}};
  core_ = std::make_unique<core::ClientCore>(std::move(identity), world_.registry(), options,
                                             world_.random(), io::now());
  driver_ = std::make_unique<node::Driver>(
      world_.context(), world_.parts(core_.get(), nullptr), copy(*papers_.tls),
      [this] { after_turn(); },
      [](const Error& error) { fail("a client failed: " + std::string(error.detail())); });
  core_->start(io::now());
}

void Client::cut() {
  driver_.reset();
  core_.reset();
  note(is_ready_, false, ready_);
}

void Client::submit(const std::string& name) {
  InferenceRequest request;
  request.model = kModel;
  request.body =
      fmt::format(R"({{"model":"{}","stream":true,"max_tokens":64,"user":"{}",)"
                  R"("messages":[{{"role":"user","content":"What is the capital of France?"}}]}})",
                  kModel, name);
  request.deadline = std::chrono::minutes(2);
  const Now now = io::now();
  ++ledger_.submitted;
  auto id = core_->submit(request, now);
  if (!id) {
    ++ledger_.failures[std::string(id.error().code())];
    return;
  }
  open_.emplace(*id, now.mono);
  driver_->arm();
}

void Client::ask_models() {
  core_->ask_models(io::now());
  driver_->arm();
}

void Client::after_turn() {
  for (core::ClientEvent& event : core_->take_events()) {
    if (const auto* done = std::get_if<core::RequestDone>(&event)) {
      const auto at = open_.find(done->request);
      if (at == open_.end()) {
        ++ledger_.ended_twice;
        continue;
      }
      if (done->outcome.status) {
        ++ledger_.answered;
        ledger_.latencies_ms.push_back(
            std::chrono::duration<double, std::milli>(io::now().mono - at->second).count());
      } else {
        ++ledger_.failures[std::string(done->outcome.status.error().code())];
      }
      open_.erase(at);
    } else if (const auto* models = std::get_if<core::ModelsReceived>(&event)) {
      workers_seen_ =
          models->models && !models->models->empty() ? models->models->front().workers : 0;
    }
  }
  note(is_ready_, core_->ready(), ready_);
}

}  // namespace cocoon::bench
