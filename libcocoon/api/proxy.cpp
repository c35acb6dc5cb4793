#include "cocoon/proxy.h"

#include <fmt/format.h>

#include "api/figures_json.h"
#include "base/limits.h"
#include "codec/hex.h"
#include "core/proxy_core.h"
#include "core/published_reputation.h"
#include "gateway/model_list.h"
#include "io/clock.h"
#include "io/tcp.h"
#include "node/role_node.h"

namespace cocoon::inline v0 {

ProxyHooks::~ProxyHooks() = default;
Status ProxyHooks::admit(const ClientIdentity&, std::string_view) {
  return ok();
}
std::uint32_t ProxyHooks::weight(const ClientIdentity&) {
  return 1;
}
void ProxyHooks::on_usage(const ClientIdentity&, std::string_view, const Usage&) {}

namespace {

node::RoleOptions role_options(const ProxyOptions& options) {
  node::RoleOptions role;
  role.component = "proxy";
  role.role = wire::Role::proxy;
  role.ledger_path = options.ledger_path;
  role.ton = options.ton;
  role.state_dir = options.state_dir;
  role.worker_policy = options.worker_policy;
  role.evidence = options.evidence;
  role.collateral = options.collateral;
  role.log = options.log;
  role.metrics = options.metrics;
  role.on_fatal = options.on_fatal;
  return role;
}

ClientIdentity identity_of(const AccountId& account, const ChannelId& channel) {
  return {to_hex(account.bytes), to_hex(channel.bytes)};
}

}  // namespace

struct Proxy::Impl final : node::RoleNode {
  Impl(const Loop& loop, ProxyOptions o) : RoleNode(loop, role_options(o)), options(std::move(o)) {}

  Status create() {
    COCOON_TRY(const auto address, io::Address::parse(options.listen));
    (void)address;
    return open();
  }

  Status start() {
    COCOON_CHECK(may_begin());
    COCOON_TRY(const auto address, io::Address::parse(options.listen));
    io::ListenOptions listen;
    listen.log = log();
    COCOON_TRY(auto made,
               io::Listener::open(context(), address, listen, [this](io::Connection connection) {
                 driver()->accept(std::move(connection), wire::Role::worker);
               }));
    listener.emplace(std::move(made));
    listener->pause();  // until this node can show evidence
    begin();
    return ok();
  }

  Result<Hash> reputation_to_publish(const NetworkId& network) override {
    COCOON_TRY(const auto entries, stored());
    COCOON_TRY(published, core::reputation_to_publish(network, entries));
    return published.digest;
  }

  Result<std::unique_ptr<core::Core>> make_core(core::NodeIdentity identity, const Hash&,
                                                const billing::Registry& registry,
                                                Now now) override {
    core::ProxyCoreOptions o;
    o.max_unacknowledged = Nano{options.max_unacknowledged_nano};
    o.max_clients = options.max_clients;
    o.max_workers = options.max_workers;
    o.max_requests_per_client = options.max_requests_per_client;
    o.max_request_rate_per_client = options.max_request_rate_per_client;
    if (options.hooks) {  // noexcept: one that throws would leave the books half written
      o.admit = [hooks = options.hooks](const AccountId& client, const ChannelId& channel,
                                        std::string_view model) noexcept {
        return hooks->admit(identity_of(client, channel), model);
      };
      o.weight = [hooks = options.hooks](const AccountId& client,
                                         const ChannelId& channel) noexcept {
        return hooks->weight(identity_of(client, channel));
      };
      o.on_usage = [hooks = options.hooks](const AccountId& client, const ChannelId& channel,
                                           std::string_view model, const Usage& usage) noexcept {
        hooks->on_usage(identity_of(client, channel), model, usage);
      };
    }
    auto made = std::make_unique<core::ProxyCore>(std::move(identity), registry, std::move(o),
                                                  random(), now);
    COCOON_CHECK(restore(*made));
    core = made.get();
    return std::unique_ptr<core::Core>(std::move(made));
  }

  void on_started() override {
    listener->resume();
    log().info("serving at {}", listener->address().text());
    warn_if_unlisted();
  }

  void on_registry(const billing::Registry& registry, Now now) override {
    if (auto status = core->on_registry(registry, now); !status) {
      log().error("registry refused: {}", status.error().detail());
    }
    warn_if_unlisted();
  }

  bool listed() const { return driver() == nullptr || registry().find_proxy(account()) != nullptr; }
  void warn_if_unlisted() const {
    if (!listed()) log().warning("{}", unlisted());
  }
  std::string unlisted() const {
    return fmt::format(
        "registry: version {} does not list this proxy, so no client and no worker uses it; have "
        "the registry's owner list account {}",
        registry().version, to_hex(account().bytes));
  }

  void after_turn() override {
    for (const core::PeerId peer : core->take_admitted()) driver()->core_admitted(peer);
    if (metrics() == nullptr) return;
    const core::ProxyCounts counts = core->counts();
    metrics()->set("cocoon_proxy_clients", static_cast<double>(counts.clients));
    metrics()->set("cocoon_proxy_workers", static_cast<double>(counts.workers));
    metrics()->set("cocoon_proxy_requests_running", static_cast<double>(counts.running));
    metrics()->set("cocoon_proxy_requests_waiting", static_cast<double>(counts.waiting));
    constexpr std::string_view kRequests = "cocoon_proxy_requests_total";
    count(kRequests, counts.requests_done, reported.requests_done, "done");
    count(kRequests, counts.requests_failed, reported.requests_failed, "failed");
    count(kRequests, counts.requests_cancelled, reported.requests_cancelled, "cancelled");
    count(kRequests, counts.requests_refused, reported.requests_refused, "refused");
    count("cocoon_proxy_worker_pauses_total", counts.worker_pauses, reported.worker_pauses);
    count("cocoon_proxy_charged_nano_total", counts.charged.value, reported.charged.value);
    reported = counts;
  }

  void on_certificate(const Hash&, Now) override {}  // peers see it when they connect
  void begin_drain(Now now) override {
    listener.reset();
    core->drain(now);
  }
  bool drained() const override { return core->idle(); }
  void settle(Now now) override { core->settle_all(now); }
  void on_closing() override { listener.reset(); }

  ProxyOptions options;
  std::optional<io::Listener> listener;
  core::ProxyCore* core = nullptr;
  core::ProxyCounts reported;
  core::PublishedReputation published;  ///< with this epoch
};

Proxy::Proxy(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Proxy::Proxy(Proxy&&) noexcept = default;
Proxy& Proxy::operator=(Proxy&&) noexcept = default;
Proxy::~Proxy() = default;

Result<Proxy> Proxy::create(Loop loop, ProxyOptions options) {
  auto impl = std::make_shared<Impl>(loop, std::move(options));
  COCOON_CHECK(impl->create());
  return Proxy(std::move(impl));
}

Status Proxy::start() {
  return impl_->start();
}

std::string Proxy::address() const {
  return impl_->listener ? impl_->listener->address().text() : std::string();
}

std::string Proxy::account() const {
  return to_hex(impl_->RoleNode::account().bytes);
}

bool Proxy::ready() const {
  return not_ready_reason().empty();
}

std::string Proxy::not_ready_reason() const {
  if (std::string own = impl_->obstacle(); !own.empty() || impl_->core == nullptr) return own;
  if (!impl_->listed()) return impl_->unlisted();
  const billing::ProxyPhase phase = impl_->core->contract_phase();
  if (phase == billing::ProxyPhase::open) return {};
  return "ledger: this proxy's contract is " + std::string(billing::to_string(phase)) +
         ", so it takes no requests; a closed contract is never opened again: to run a proxy, make "
         "a new account";
}

std::string Proxy::market_json() const {
  return gateway::market_json(impl_->core == nullptr ? std::vector<ModelInfo>()
                                                     : impl_->core->market(io::now()));
}

namespace {

/// What anybody needs to compute the digest again, and to find the ledger's.
void write_published(json::Writer& w, const std::string& account, std::uint64_t epoch,
                     const core::PublishedReputation& published) {
  w.key("published").begin_object();
  w.key("network").string(to_hex(published.network.view()));
  w.key("proxy").string(account).key("epoch").u64(epoch);
  w.key("digest").string(to_hex(published.digest)).key("workers").begin_array();
  for (const auto& [worker, figures] : published.workers) {
    w.begin_object().key("account").string(to_hex(worker.bytes));
    write_figures(w, figures);
    w.end_object();
  }
  w.end_array().end_object();
}

}  // namespace

std::string Proxy::reputation_json() const {
  json::Writer w;
  w.begin_object().key("workers").begin_array();
  if (impl_->core != nullptr) {
    for (const auto& [account, averages] : impl_->core->reputation().all()) {
      w.begin_object().key("account").string(to_hex(account.bytes));
      w.key("connected").boolean(impl_->core->connected(account));
      write_figures(w, averages->figures());
      w.end_object();
    }
  }
  w.end_array();
  if (impl_->epoch() != 0) write_published(w, account(), impl_->epoch(), impl_->published);
  w.end_object();
  return w.take();
}

void Proxy::stop(std::chrono::milliseconds grace, Callback<void()> on_stopped) {
  impl_->stop_all(grace, std::move(on_stopped));
}

}  // namespace cocoon::inline v0
