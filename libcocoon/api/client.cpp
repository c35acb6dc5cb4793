#include "cocoon/client.h"

#include <unordered_map>

#include "base/limits.h"
#include "core/client_core.h"
#include "io/clock.h"
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
  return ok();
}

}  // namespace

struct Client::Impl final : node::RoleNode, std::enable_shared_from_this<Client::Impl> {
  Impl(const Loop& loop, ClientOptions o)
      : RoleNode(loop, role_options(o)), options(std::move(o)) {}

  Result<std::unique_ptr<core::Core>> make_core(core::NodeIdentity identity, const Hash&,
                                                const billing::Registry& registry,
                                                Now now) override {
    core::ClientCoreOptions o;
    o.proxies = options.proxies;
    if (o.proxies.empty()) {
      for (const auto& proxy : registry.proxies) o.proxies.push_back(proxy.endpoint);
    }
    o.max_exposure = Nano{options.max_exposure_nano};
    o.max_request_cost = Nano{options.max_request_cost_nano};
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
      std::visit([this](auto& e) { deliver(e); }, event);
    }
  }

  std::shared_ptr<RequestHandle::Impl> find(core::ClientRequestId id);
  void deliver(core::HeadReceived& event);
  void deliver(core::ChunkReceived& event);
  void deliver(core::RequestDone& event);
  void deliver(core::ModelsReceived& event);

  void on_certificate(const Hash&, Now) override {}
  void begin_drain(Now now) override { core->drain(now); }
  bool drained() const override { return core->idle(); }
  void settle(Now now) override { core->settle_all(now); }
  void on_failed(const Error& error) override { failure = error.detail(); }
  void on_closing() override {}

  ClientOptions options;
  core::ClientCore* core = nullptr;
  Nano reported_spent;  ///< in the metrics
  std::string failure;
  std::unordered_map<core::ClientRequestId, std::weak_ptr<RequestHandle::Impl>> requests;
  std::unordered_map<std::uint64_t, Callback<void(Result<std::vector<ModelInfo>>)>> asks;
};

/// Shared by handle and client; the callbacks die with the handle.
struct RequestHandle::Impl {
  std::weak_ptr<Client::Impl> client;
  core::ClientRequestId id = 0;
  StreamCallbacks callbacks;
  bool done = false;

  void with_core(const std::function<void(core::ClientCore&, Now)>& use) {
    const auto owner = client.lock();
    if (!owner || owner->core == nullptr || done) return;
    use(*owner->core, io::now());
    if (owner->driver() != nullptr) owner->driver()->arm();
  }
};

std::shared_ptr<RequestHandle::Impl> Client::Impl::find(core::ClientRequestId id) {
  const auto at = requests.find(id);
  return at == requests.end() ? nullptr : at->second.lock();
}

void Client::Impl::deliver(core::HeadReceived& event) {
  if (auto request = find(event.request); request && request->callbacks.on_head) {
    request->callbacks.on_head({event.status, event.content_type});
  }
}

void Client::Impl::deliver(core::ChunkReceived& event) {
  if (auto request = find(event.request); request && request->callbacks.on_chunk) {
    request->callbacks.on_chunk(as_text(event.bytes));
  }
}

void Client::Impl::deliver(core::RequestDone& event) {
  if (metrics() != nullptr) {
    metrics()->add("cocoon_client_requests_total", 1,
                   event.outcome.status ? "ok" : to_string(event.outcome.status.error().kind()));
  }
  auto request = find(event.request);
  requests.erase(event.request);
  if (!request) return;
  request->done = true;
  if (request->callbacks.on_done) request->callbacks.on_done(event.outcome);
}

void Client::Impl::deliver(core::ModelsReceived& event) {
  auto asked = asks.extract(event.ask);
  if (!asked) return;
  asked.mapped()(std::move(event.models));
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
  impl_->callbacks = {};  // no callback runs any more
  cancel();
}

void RequestHandle::cancel() {
  if (!impl_) return;
  impl_->with_core([this](core::ClientCore& core, Now now) { core.cancel(impl_->id, now); });
}

void RequestHandle::pause() {
  if (!impl_) return;
  impl_->with_core([this](core::ClientCore& core, Now) { core.pause(impl_->id, true); });
}

void RequestHandle::resume() {
  if (!impl_) return;
  impl_->with_core([this](core::ClientCore& core, Now) { core.pause(impl_->id, false); });
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
  impl_->begin();
  return ok();
}

Result<RequestHandle> Client::submit(InferenceRequest request, StreamCallbacks callbacks) {
  if (impl_->core == nullptr) {
    return Error(ErrorKind::unavailable, "starting",
                 impl_->failure.empty() ? "the client is starting: it has not read the registry yet"
                                        : impl_->failure);
  }
  if (impl_->stopping()) {
    return Error(ErrorKind::unavailable, "draining", "the client is shutting down");
  }
  COCOON_TRY(const auto id, impl_->core->submit(request, io::now()));
  auto handle = std::make_shared<RequestHandle::Impl>();
  handle->client = impl_;
  handle->id = id;
  handle->callbacks = std::move(callbacks);
  impl_->requests[id] = handle;
  impl_->driver()->arm();
  return RequestHandle(std::move(handle));
}

void Client::models(Callback<void(Result<std::vector<ModelInfo>>)> done) {
  if (impl_->core == nullptr || impl_->driver() == nullptr) {
    return done(Error(ErrorKind::unavailable, "starting", "the client is starting"));
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
  impl_->stop_all(grace, std::move(on_stopped));
}

}  // namespace cocoon::inline v0
