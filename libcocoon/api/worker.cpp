#include "cocoon/worker.h"

#include "api/figures_json.h"
#include "base/limits.h"
#include "codec/hex.h"
#include "config/units.h"
#include "core/worker_core.h"
#include "crypto/hash.h"
#include "engine/engine_client.h"
#include "gateway/model_list.h"
#include "io/clock.h"
#include "node/role_node.h"

namespace cocoon::inline v0 {
namespace {

node::RoleOptions role_options(const WorkerOptions& options) {
  node::RoleOptions role;
  role.component = "worker";
  role.role = wire::Role::worker;
  role.ledger_path = options.ledger_path;
  role.ton = options.ton;
  role.state_dir = options.state_dir;
  role.proxy_policy = options.proxy_policy;
  role.evidence = options.evidence;
  role.models = options.models;
  // What decides where prompts go in the clear.
  constexpr std::string_view kConfigDomain("cocoon-worker-config-v1\0", 24);
  role.config = crypto::sha256(
      ByteWriter().bytes(as_bytes(kConfigDomain)).bytes(as_bytes(options.engine_url)).take());
  role.collateral = options.collateral;
  role.log = options.log;
  role.metrics = options.metrics;
  role.on_fatal = options.on_fatal;
  return role;
}

}  // namespace

struct Worker::Impl final : node::RoleNode {
  Impl(const Loop& loop, WorkerOptions o)
      : RoleNode(loop, role_options(o)), options(std::move(o)) {}

  Status create() {
    if (const std::string why = config::models_fault(options.models); !why.empty()) {
      return Error(ErrorKind::invalid_argument, "bad_models",
                   "`models`, a list of ids in the registry, " + why);
    }
    return open();
  }

  Status start() {
    COCOON_CHECK(may_begin());
    engine::EngineOptions o;
    o.url = options.engine_url;
    o.required_models = options.models;
    o.log = log();
    COCOON_TRY(engine_client,
               engine::EngineClient::create(context(), o,
                                            [this](const ports::EngineEvent& e) { on_engine(e); }));
    begin();
    return ok();
  }

  Result<std::unique_ptr<core::Core>> make_core(core::NodeIdentity identity,
                                                const Hash& leaf_sha256,
                                                const billing::Registry& registry,
                                                Now now) override {
    COCOON_CHECK(
        engine::check_engine_place(options.engine_url, registry.kind == billing::NetworkKind::dev));
    core::WorkerCoreOptions o;
    o.proxies = options.proxies;
    o.models = options.models;
    o.coefficient_e3 = options.coefficient_e3;
    o.capacity = options.capacity;
    o.max_unpaid = Nano{options.max_unpaid_nano};
    auto made = std::make_unique<core::WorkerCore>(std::move(identity), leaf_sha256, registry,
                                                   std::move(o), random(), now);
    COCOON_CHECK(restore(*made));
    made->show(shown_evidence());
    core = made.get();
    return std::unique_ptr<core::Core>(std::move(made));
  }

  void on_started() override {
    if (readiness) core->on_engine_ready(readiness->ready, readiness->reason, io::now());
    core->start(io::now());
    driver()->arm();
  }

  void on_engine(const ports::EngineEvent& event) {
    if (const auto* ready = std::get_if<ports::EngineReadiness>(&event)) readiness = *ready;
    if (core == nullptr || driver() == nullptr) return;
    const Now now = io::now();
    if (const auto* ready = std::get_if<ports::EngineReadiness>(&event)) {
      core->on_engine_ready(ready->ready, ready->reason, now);
    } else if (const auto* started = std::get_if<ports::EngineStarted>(&event)) {
      core->on_engine_started(started->run, now);
    } else if (const auto* head = std::get_if<ports::EngineHead>(&event)) {
      core->on_engine_head(head->run, head->status, head->content_type, now);
    } else if (const auto* bytes = std::get_if<ports::EngineBytes>(&event)) {
      core->on_engine_bytes(bytes->run, bytes->bytes, now);
    } else if (const auto* end = std::get_if<ports::EngineEnd>(&event)) {
      core->on_engine_end(end->run, end->status, now);
    }
    driver()->arm();
  }

  void on_registry(const billing::Registry& registry, Now now) override {
    if (auto status = core->on_registry(registry, now); !status) {
      log().error("registry refused: {}", status.error().detail());
    }
  }

  void after_turn() override {
    if (metrics() == nullptr) return;
    const core::WorkerCounts counts = core->counts();
    metrics()->set("cocoon_worker_engine_ready", counts.engine_ready ? 1 : 0);
    metrics()->set("cocoon_worker_proxies", counts.proxies_connected);
    metrics()->set("cocoon_worker_requests_running", static_cast<double>(counts.running));
    constexpr std::string_view kRequests = "cocoon_worker_requests_total";
    count(kRequests, counts.requests_done, reported.requests_done, "done");
    count(kRequests, counts.requests_failed, reported.requests_failed, "failed");
    count(kRequests, counts.requests_cancelled, reported.requests_cancelled, "cancelled");
    count(kRequests, counts.requests_refused, reported.requests_refused, "refused");
    count("cocoon_worker_earned_nano_total", counts.earned.value, reported.earned.value);
    reported = counts;
  }

  void on_certificate(const Hash& leaf, Now now) override {
    core->show(shown_evidence());
    core->on_certificate(leaf, now);
  }
  void begin_drain(Now now) override { core->drain(now); }
  bool drained() const override { return core->idle(); }
  void settle(Now now) override { core->settle_all(now); }
  void on_closing() override { engine_client.reset(); }
  ports::Engine* engine() override { return engine_client.get(); }

  std::vector<core::WorkerCore::ProxyWord> words() const {
    if (core == nullptr) return {};
    return core->words();
  }

  WorkerOptions options;
  std::unique_ptr<engine::EngineClient> engine_client;
  std::optional<ports::EngineReadiness> readiness;
  core::WorkerCore* core = nullptr;
  core::WorkerCounts reported;
};

Worker::Worker(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Worker::Worker(Worker&&) noexcept = default;
Worker& Worker::operator=(Worker&&) noexcept = default;
Worker::~Worker() = default;

Result<Worker> Worker::create(Loop loop, WorkerOptions options) {
  auto impl = std::make_shared<Impl>(loop, std::move(options));
  COCOON_CHECK(impl->create());
  return Worker(std::move(impl));
}

Status Worker::start() {
  return impl_->start();
}

std::string Worker::account() const {
  return to_hex(impl_->RoleNode::account().bytes);
}

WorkerState Worker::state() const {
  WorkerState state;
  if (impl_->core == nullptr) {
    state.engine_ready = impl_->readiness && impl_->readiness->ready;
    state.engine_reason = impl_->readiness ? impl_->readiness->reason : "not probed yet";
    state.proxy_reason = "this worker is starting";
    return state;
  }
  const core::WorkerCounts counts = impl_->core->counts();
  state.engine_ready = counts.engine_ready;
  state.engine_reason = counts.engine_reason;
  state.proxies_connected = counts.proxies_connected;
  state.proxy_reason = counts.proxy_reason;
  state.requests_done = counts.requests_done;
  state.earned_nano = counts.earned.value;
  return state;
}

bool Worker::ready() const {
  return not_ready_reason().empty();
}

std::string Worker::not_ready_reason() const {
  if (std::string own = impl_->obstacle(); !own.empty()) return own;
  const WorkerState now = state();
  if (!now.engine_ready) return "engine: " + now.engine_reason;
  return now.proxies_connected == 0 ? "proxy: " + now.proxy_reason : std::string();
}

std::string Worker::market_json() const {
  json::Writer w;
  w.begin_object().key("proxies").begin_array();
  for (const core::WorkerCore::ProxyWord& word : impl_->words()) {
    w.begin_object().key("proxy").string(to_hex(word.proxy.bytes));
    w.key("endpoint").string(word.endpoint);
    w.key("market").raw(gateway::market_json(word.market));
    w.end_object();
  }
  w.end_array().end_object();
  return w.take();
}

std::string Worker::reputation_json() const {
  json::Writer w;
  w.begin_object().key("proxies").begin_array();
  for (const core::WorkerCore::ProxyWord& word : impl_->words()) {
    w.begin_object().key("proxy").string(to_hex(word.proxy.bytes));
    w.key("endpoint").string(word.endpoint);
    write_figures(w, word.rating);
    w.end_object();
  }
  w.end_array().end_object();
  return w.take();
}

void Worker::stop(std::chrono::milliseconds grace, Callback<void()> on_stopped) {
  impl_->stop_all(grace, std::move(on_stopped));
}

}  // namespace cocoon::inline v0
