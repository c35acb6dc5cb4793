#include "cocoon/client.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "core/client_core.h"
#include "io/clock.h"
#include "io/slot.h"
#include "io/timer.h"
#include "node/role_node.h"

namespace cocoon::inline v0 {
namespace {

node::RoleOptions role_options(const ClientOptions& options) {
  node::RoleOptions role;
  role.component = "client";
  role.role = wire::Role::client;
  role.ledger_path = options.ledger_path;
  role.ton = options.ton;
  role.state_dir = options.state_dir;
  role.proxy_policy = options.proxy_policy;
  role.worker_policy = options.worker_policy;
  role.collateral = options.collateral;
  role.log = options.log;
  role.metrics = options.metrics;
  role.on_fatal = options.on_fatal;
  return role;
}

Status check(const ClientOptions& options) {
  if (options.max_request_bytes > limits::kHighestMaxRequestBytes) {
    return Error(ErrorKind::invalid_argument, "bad_option",
                 "max_request_bytes may be at most 32 MiB");
  }
  if (options.max_request_cost_nano > options.max_exposure_nano) {
    return Error(ErrorKind::invalid_argument, "bad_option",
                 "max_request_cost may be at most max_exposure, which has to cover it");
  }
  if (options.max_coefficient_e3 < 1 || options.max_coefficient_e3 > limits::kMaxCoefficientE3) {
    return Error(
        ErrorKind::invalid_argument, "bad_option",
        "max_coefficient_e3 lies within 1 and 1,000,000, in 1/1000 of the registry's price");
  }
  return ok();
}

Error overdue() {
  return Error(ErrorKind::timeout, "deadline_exceeded",
               "the request's deadline passed before the client had started");
}

}  // namespace

struct Client::Impl final : node::RoleNode, std::enable_shared_from_this<Client::Impl> {
  using ModelsCallback = Callback<void(Result<std::vector<ModelInfo>>)>;

  Impl(const Loop& loop, ClientOptions o) : RoleNode(loop, role_options(o)), options(std::move(o)) {
    later.emplace(context(), [this] {
      end_overdue();
      call_soon();
    });
  }

  Result<std::unique_ptr<core::Core>> make_core(core::NodeIdentity identity, const Hash&,
                                                const billing::Registry& registry,
                                                Now now) override {
    core::ClientCoreOptions o;
    o.proxies = options.proxies;
    o.max_exposure = Nano{options.max_exposure_nano};
    o.max_request_cost = Nano{options.max_request_cost_nano};
    o.max_coefficient_e3 = options.max_coefficient_e3;
    o.max_request_bytes = options.max_request_bytes;
    o.requests_per_key_agreement = options.requests_per_key_agreement;
    auto made = std::make_unique<core::ClientCore>(std::move(identity), registry, std::move(o),
                                                   random(), now);
    COCOON_CHECK(restore(*made));
    core = made.get();
    return std::unique_ptr<core::Core>(std::move(made));
  }

  void on_started() override {
    core->start(io::now());
    for (Early& asked : std::exchange(early, {})) begin_early(asked);
    set_timer();
    driver()->arm();
  }

  void on_registry(const billing::Registry& registry, Now now) override {
    if (auto status = core->on_registry(registry, now); !status) {
      log().error("registry refused: {}", status.error().detail());
    }
  }

  /// Hands the core's events to the host. A callback may submit, cancel, or destroy handles and the
  /// client itself.
  void after_turn() override {
    const auto self = shared_from_this();
    if (metrics() != nullptr && core->spent() != reported_spent) {
      metrics()->add("cocoon_client_spent_nano_total",
                     static_cast<double>(core->spent().value - reported_spent.value));
      reported_spent = core->spent();
    }
    for (core::ClientEvent& event : core->take_events()) {
      if (self.use_count() == 1) return;  // the host has destroyed the client in one of them
      std::visit([this](auto& e) { deliver(e); }, event);
    }
  }

  std::shared_ptr<RequestHandle::Impl> find(core::ClientRequestId id);
  void deliver(core::HeadReceived& event);
  void deliver(core::ChunkReceived& event);
  void deliver(core::RequestDone& event);
  void deliver(core::ModelsReceived& event);
  void count_end(const Status& status);

  void on_certificate(const Hash&, Now) override {}
  void begin_drain(Now now) override { core->drain(now); }
  bool drained() const override { return core->idle(); }
  void settle(Now now) override {
    core->end_all(now);
    core->settle_all(now);
  }
  bool settled() const override { return core->settled(); }
  void on_failed(const Error& error) override { cannot_start(error); }
  void on_delayed(const Error& error) override { cannot_start(error); }
  void on_closing() override { later.reset(); }

  // --- Before the core runs ---

  /// Asked between start() and the core's first turn.
  struct Early {
    std::shared_ptr<RequestHandle::Impl> handle;  ///< null: it asks for models
    InferenceRequest request;
    MonoTime until = kNever;
    ModelsCallback models;
  };

  Status may_wait(std::size_t body_bytes) const;
  Result<std::shared_ptr<RequestHandle::Impl>> submit_early(InferenceRequest request,
                                                            StreamCallbacks callbacks);
  void models_early(ModelsCallback done);
  void begin_early(Early& asked);
  void cancel_early(const RequestHandle::Impl& handle);
  void end_early(Early& asked, const Error& why);
  void end_all_early(const Error& why);
  void end_overdue();
  void cannot_start(const Error& error);

  /// Calls back on a later turn of the loop, never from inside a call of the host's.
  void call_later(Callback<void()> call) {
    soon.push_back(std::move(call));
    set_timer();
  }
  void call_soon() {
    const auto self = shared_from_this();
    for (Callback<void()>& call : std::exchange(soon, {})) {
      if (self.use_count() == 1) return;  // the host has destroyed the client in one of them
      call();
    }
    set_timer();
  }
  void set_timer() {
    if (!later) return;
    MonoTime next = soon.empty() ? kNever : io::now().mono;
    for (const Early& asked : early) next = std::min(next, asked.until);
    later->set(next);
  }

  ClientOptions options;
  core::ClientCore* core = nullptr;
  Nano reported_spent;  ///< in the metrics
  std::string failure;  ///< what keeps the core from being made
  std::vector<Early> early;
  std::vector<Callback<void()>> soon;
  std::optional<io::Timer> later;
  std::unordered_map<core::ClientRequestId, std::weak_ptr<RequestHandle::Impl>> requests;
  std::unordered_map<std::uint64_t, ModelsCallback> asks;
};

/// Shared by handle and client; the callbacks die with the handle, which may be in one of them.
struct RequestHandle::Impl {
  Impl(std::weak_ptr<Client::Impl> owner, StreamCallbacks callbacks)
      : client(std::move(owner)),
        on_head(std::move(callbacks.on_head)),
        on_chunk(std::move(callbacks.on_chunk)),
        on_done(std::move(callbacks.on_done)) {}

  std::weak_ptr<Client::Impl> client;
  core::ClientRequestId id = 0;  ///< 0: the core does not have it yet
  io::Slot<const AnswerHead&> on_head;
  io::Slot<std::string_view> on_chunk;
  io::Slot<const RequestOutcome&> on_done;
  bool paused = false;
  bool done = false;

  void silence() {
    on_head = {};
    on_chunk = {};
    on_done = {};
  }
  void with_core(const std::function<void(core::ClientCore&, Now)>& use) {
    const auto owner = client.lock();
    if (!owner || owner->core == nullptr || done || id == 0) return;
    use(*owner->core, io::now());
    if (owner->driver() != nullptr) owner->driver()->arm();
  }
};

std::shared_ptr<RequestHandle::Impl> Client::Impl::find(core::ClientRequestId id) {
  const auto at = requests.find(id);
  return at == requests.end() ? nullptr : at->second.lock();
}

void Client::Impl::deliver(core::HeadReceived& event) {
  if (auto request = find(event.request)) request->on_head({event.status, event.content_type});
}

void Client::Impl::deliver(core::ChunkReceived& event) {
  if (auto request = find(event.request)) request->on_chunk(as_text(event.bytes));
}

void Client::Impl::count_end(const Status& status) {
  if (metrics() == nullptr) return;
  metrics()->add("cocoon_client_requests_total", 1,
                 status ? "ok" : to_string(status.error().kind()));
}

void Client::Impl::deliver(core::RequestDone& event) {
  count_end(event.outcome.status);
  auto request = find(event.request);
  requests.erase(event.request);
  if (!request) return;
  request->done = true;
  request->on_done(event.outcome);
}

void Client::Impl::deliver(core::ModelsReceived& event) {
  auto asked = asks.extract(event.ask);
  if (!asked) return;
  asked.mapped()(std::move(event.models));
}

// --- Before the core runs ---

/// Whether anything may wait for the core now; else why not.
Status Client::Impl::may_wait(std::size_t body_bytes) const {
  if (!begun()) {
    return Error(ErrorKind::unavailable, "not_started", "the client was not started: call start()");
  }
  if (stopping()) {
    return Error(ErrorKind::unavailable, "draining", "the client is shutting down");
  }
  if (!failure.empty()) {
    return Error(ErrorKind::unavailable, "starting", "the client cannot start: " + failure);
  }
  std::size_t held = body_bytes;
  for (const Early& asked : early) held += asked.request.body.size();
  if (early.size() >= limits::kMaxQueuedPerChannel || held > limits::kMaxQueuedBodyBytes) {
    return Error(ErrorKind::busy, "starting",
                 "more was asked than can wait for the client's start: ask again once it is ready");
  }
  return ok();
}

Result<std::shared_ptr<RequestHandle::Impl>> Client::Impl::submit_early(InferenceRequest request,
                                                                        StreamCallbacks callbacks) {
  COCOON_CHECK(may_wait(request.body.size()));
  COCOON_CHECK(core::check_terms(request));
  auto handle = std::make_shared<RequestHandle::Impl>(weak_from_this(), std::move(callbacks));
  const auto patience = std::min<Millis>(request.deadline, limits::kRequestDeadline);
  early.push_back({handle, std::move(request), io::now().mono + patience, {}});
  set_timer();
  return handle;
}

void Client::Impl::models_early(ModelsCallback done) {
  Early asked;
  asked.models = std::move(done);
  if (const Status may = may_wait(0); !may) return end_early(asked, may.error());
  early.push_back(std::move(asked));
}

/// The core takes it over. What is wrong with a request itself is said by its on_done.
void Client::Impl::begin_early(Early& asked) {
  const Now now = io::now();
  if (!asked.handle) {
    asks.emplace(core->ask_models(now), std::move(asked.models));
    return;
  }
  asked.request.deadline = std::chrono::duration_cast<Millis>(asked.until - now.mono);
  if (asked.request.deadline <= Millis(0)) return end_early(asked, overdue());
  const auto id = core->submit(asked.request, now);
  if (!id) return end_early(asked, id.error());
  asked.handle->id = *id;
  requests[*id] = asked.handle;
  if (asked.handle->paused) core->pause(*id, true, now);
}

void Client::Impl::cancel_early(const RequestHandle::Impl& handle) {
  const auto at = std::find_if(early.begin(), early.end(),
                               [&](const Early& asked) { return asked.handle.get() == &handle; });
  if (at == early.end()) return;  // it is ending
  Early asked = std::move(*at);
  early.erase(at);
  end_early(asked, Error(ErrorKind::cancelled, "cancelled", "the caller cancelled"));
}

void Client::Impl::end_early(Early& asked, const Error& why) {
  if (!asked.handle) {
    return call_later([done = std::move(asked.models), why]() mutable { done(why); });
  }
  call_later([this, weak = std::weak_ptr(asked.handle), why] {
    count_end(why);
    const auto request = weak.lock();
    if (!request || std::exchange(request->done, true)) return;
    RequestOutcome outcome;
    outcome.status = why;
    request->on_done(outcome);
  });
}

void Client::Impl::end_all_early(const Error& why) {
  for (Early& asked : std::exchange(early, {})) end_early(asked, why);
}

void Client::Impl::end_overdue() {
  const MonoTime now = io::now().mono;
  std::vector<Early> waiting;
  for (Early& asked : std::exchange(early, {})) {
    if (asked.until > now) {
      waiting.push_back(std::move(asked));
    } else {
      end_early(asked, overdue());
    }
  }
  early = std::move(waiting);
}

void Client::Impl::cannot_start(const Error& error) {
  failure = error.detail();
  if (core != nullptr) return;
  end_all_early(Error(ErrorKind::unavailable, "starting", "the client cannot start: " + failure));
}

// --- RequestHandle ---

RequestHandle::RequestHandle(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
RequestHandle::RequestHandle(RequestHandle&&) noexcept = default;

RequestHandle& RequestHandle::operator=(RequestHandle&& other) noexcept {
  if (this != &other) {
    RequestHandle gone(std::move(*this));
    impl_ = std::move(other.impl_);
  }
  return *this;
}

RequestHandle::~RequestHandle() {
  if (!impl_) return;
  impl_->silence();
  cancel();
}

void RequestHandle::cancel() {
  if (!impl_) return;
  if (const auto owner = impl_->client.lock(); owner && impl_->id == 0) {
    return owner->cancel_early(*impl_);
  }
  impl_->with_core([this](core::ClientCore& core, Now now) { core.cancel(impl_->id, now); });
}

void RequestHandle::pause() {
  if (!impl_) return;
  impl_->paused = true;
  impl_->with_core([this](core::ClientCore& core, Now now) { core.pause(impl_->id, true, now); });
}

void RequestHandle::resume() {
  if (!impl_) return;
  impl_->paused = false;
  impl_->with_core([this](core::ClientCore& core, Now now) { core.pause(impl_->id, false, now); });
}

// --- Client ---

Client::Client(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::create(Loop loop, ClientOptions options) {
  COCOON_CHECK(check(options));
  auto impl = std::make_shared<Impl>(loop, std::move(options));
  COCOON_CHECK(impl->open());
  return Client(std::move(impl));
}

Status Client::start() {
  COCOON_CHECK(impl_->may_begin());
  impl_->begin();
  return ok();
}

Result<RequestHandle> Client::submit(InferenceRequest request, StreamCallbacks callbacks) {
  if (impl_->core == nullptr) {
    COCOON_TRY(auto waiting, impl_->submit_early(std::move(request), std::move(callbacks)));
    return RequestHandle(std::move(waiting));
  }
  if (impl_->stopping()) {
    return Error(ErrorKind::unavailable, "draining", "the client is shutting down");
  }
  COCOON_TRY(const auto id, impl_->core->submit(request, io::now()));
  auto handle = std::make_shared<RequestHandle::Impl>(impl_, std::move(callbacks));
  handle->id = id;
  impl_->requests[id] = handle;
  impl_->driver()->arm();
  return RequestHandle(std::move(handle));
}

void Client::models(Callback<void(Result<std::vector<ModelInfo>>)> done) {
  if (impl_->core == nullptr || impl_->driver() == nullptr) {
    return impl_->models_early(std::move(done));
  }
  const std::uint64_t ask = impl_->core->ask_models(io::now());
  impl_->asks.emplace(ask, std::move(done));
  impl_->driver()->arm();
}

std::string Client::evidence_json() const {
  return impl_->core == nullptr ? R"({"object":"cocoon.evidence","proxies":[],"workers":[]})"
                                : impl_->core->evidence_json();
}

bool Client::ready() const {
  return impl_->obstacle().empty() && impl_->core->ready();
}

std::string Client::not_ready_reason() const {
  if (std::string own = impl_->obstacle(); !own.empty()) return own;
  return impl_->core->ready() ? std::string() : impl_->core->not_ready_reason();
}

void Client::stop(std::chrono::milliseconds grace, Callback<void()> on_stopped) {
  if (impl_->stopping()) return impl_->stop_all(grace, std::move(on_stopped));
  impl_->end_all_early(Error(ErrorKind::unavailable, "draining", "the client is shutting down"));
  impl_->stop_all(grace, [weak = impl_->weak_from_this(), done = std::move(on_stopped)]() mutable {
    // Where it can be locked, somebody else owns it: call_soon() counts on owning it alone once the
    // host has let go.
    if (Impl* self = weak.lock().get()) self->call_soon();
    if (done && !weak.expired()) done();
  });
}

}  // namespace cocoon::inline v0
