#include "node/role_node.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "crypto/hash.h"
#include "io/clock.h"
#include "node/account_key.h"
#include "node/host_metrics.h"
#include "node/ledger.h"
#include "node/metric_table.h"
#include "node/own_certificate.h"
#include "node/policy.h"

namespace cocoon::node {
namespace {

/// 6 h before it ends: long enough to mend what stands in the way of a new one.
constexpr Seconds kRenewAfter = limits::kCertificateLifetime * 3 / 4;

/// How long a node serves on at most, beside another copy of its account that has started since;
/// while the ledger can be read, and the registry does not change.
constexpr Seconds kEpochLook{60};

Result<OwnCertificate> tls_of(const crypto::SigningKey& boot, ByteView certificate) {
  COCOON_TRY(auto client, tls::Context::create(tls::Side::client, boot, certificate));
  COCOON_TRY(auto server, tls::Context::create(tls::Side::server, boot, certificate));
  return OwnCertificate{std::move(client), std::move(server), crypto::sha256(certificate)};
}

}  // namespace

RoleNode::RoleNode(const Loop& loop, RoleOptions options)
    : options_(std::move(options)),
      context_(loop),
      log_(options_.log, options_.component),
      alive_(std::make_shared<bool>(true)) {
  options_.metrics = HostMetrics::wrap(std::move(options_.metrics));
}

RoleNode::~RoleNode() {
  *alive_ = false;
}

Status RoleNode::open() {
  // Before the first key: without it libsodium uses its portable code, at half the speed.
  COCOON_CHECK(crypto::initialise());
  COCOON_TRY(auto key, load_or_create_account_key(options_.state_dir));
  account_id_ = key.account_id();
  COCOON_TRY(store_, store::SqliteStore::open(context_, options_.state_dir + "/state.db"));
  const LedgerOptions ledger{options_.ledger_path, options_.ton, options_.state_dir, log_};
  COCOON_TRY(ledger_, open_ledger(context_, ledger, key, random_));
  account_ = std::move(key);
  retry_ = std::make_unique<io::Timer>(context_, [] {});
  return open_supply();
}

Status RoleNode::open_supply() {
  const auto on_hardware = [](const std::optional<AttestationPolicy>& policy) {
    return policy && policy->root == TrustedRootKind::intel;
  };
  if (!on_hardware(options_.proxy_policy) && !on_hardware(options_.worker_policy)) return ok();
  collateral::SupplyOptions options;
  options.source = options_.collateral;
  options.folder = options_.state_dir + "/collateral";
  options.log = log_;
  options.metrics = options_.metrics;
  COCOON_TRY(supply_, collateral::Supply::create(context_, std::move(options), random_));
  return ok();
}

std::string RoleNode::obstacle() const {
  if (broken_) return "broken: " + *broken_;
  if (draining_ || stopping_) return "shutting down";
  if (registry_stale_) return "ledger: " + *registry_stale_;
  return driver_ ? std::string() : starting_;
}

// --- Start-up ---

Status RoleNode::may_begin() const {
  if (stopping_) {
    return Error(ErrorKind::invalid_argument, "already_stopped",
                 "this node was stopped: make another one to start again");
  }
  if (begun_) {
    return Error(ErrorKind::invalid_argument, "already_started",
                 "this node was started: start() is called once");
  }
  return ok();
}

void RoleNode::begin() {
  begun_ = true;
  if (metrics() != nullptr) {
    begin_metrics(*metrics(), fmt::format("cocoon_{}_", options_.component));
    if (supply_) begin_metrics(*metrics(), "cocoon_collateral_");
  }
  log_.info("this node's account is {:02x}", fmt::join(account_id_.bytes, ""));
  read_registry();
}

void RoleNode::ask(ports::LedgerRequest request, std::string_view what, Answer answer) {
  auto shared = std::make_shared<Answer>(std::move(answer));
  ledger_->call(
      request, [this, alive = alive_, request, what, shared](Result<ports::LedgerReply> r) {
        if (!*alive || stopping_) return;
        if (r) return (*shared)(std::move(*r));
        // The ledger's watch says when it can be read again.
        if (core_ && r.error().code() == "registry_too_old") return set_registry_stale(r.error());
        log_.warning("cannot {}: {}; trying again in {} s", what, r.error().detail(),
                     limits::kLedgerRetry.count());
        starting_ = fmt::format("ledger: cannot {}: {}", what, r.error().detail());
        if (!core_) on_delayed(std::move(r).error().within(fmt::format("cannot {}", what)));
        retry_ = std::make_unique<io::Timer>(context_, [this, request, what, shared] {
          ask(request, what, [shared](ports::LedgerReply reply) { (*shared)(std::move(reply)); });
        });
        retry_->set_in(limits::kLedgerRetry);
      });
}

void RoleNode::read_registry() {
  ask(ports::ReadRegistry{}, "read the registry", [this](ports::LedgerReply reply) {
    auto* view = std::get_if<ports::RegistryView>(&reply);
    if (view == nullptr) return;
    registry_ = std::move(view->registry);
    auto made =
        verify::Verifier::create(context_, registry_->network, registry_->kind, supply_.get());
    if (!made) return give_up(made.error());
    verifier_ = std::move(*made);
    if (auto status = apply_policies(); !status) return give_up(status.error());
    boot_ = crypto::SigningKey::generate(random_);
    if (!options_.evidence) {
      auto certificate = make_plain_certificate(*boot_, io::now().unix);
      if (!certificate) return give_up(certificate.error());
      certificate_ = std::move(*certificate);
      return run();
    }
    read_beacon();
  });
}

Status RoleNode::apply_policies() {
  if (options_.proxy_policy) {
    COCOON_CHECK(verifier_->set_policy(
        wire::Role::proxy,
        effective_policy(*options_.proxy_policy, *registry_, wire::Role::proxy)));
  }
  if (options_.worker_policy) {
    COCOON_CHECK(verifier_->set_policy(
        wire::Role::worker,
        effective_policy(*options_.worker_policy, *registry_, wire::Role::worker)));
  }
  for (const auto* policy : {&options_.proxy_policy, &options_.worker_policy}) {
    if (*policy && (*policy)->root == TrustedRootKind::simulated) {
      log_.warning(
          "peers may show SIMULATED evidence: it proves nothing about hardware; use it for "
          "development only");
      break;
    }
  }
  return ok();
}

void RoleNode::read_beacon() {
  ask(ports::ReadBeacon{}, "read the ledger's beacon", [this](ports::LedgerReply reply) {
    const auto* beacon = std::get_if<ports::Beacon>(&reply);
    if (beacon == nullptr) return;
    beacon_ = *beacon;
    attest();
  });
}

Status RoleNode::open_sources() {
  io::JobPoolOptions pool;
  pool.name = "cocoon-attest";
  pool.queue_bounds = {4, 4, 4};
  COCOON_TRY(auto jobs, io::JobPool::start(context_, pool));
  attest_jobs_.emplace(std::move(jobs));
  COCOON_TRY(source_, tee::open_source(*options_.evidence, evidence_role(), *attest_jobs_));
  if (options_.evidence->gpu != EvidenceSource::Gpu::none) {
    gpu_source_ = std::make_unique<tee::GpuSource>(*options_.evidence, *attest_jobs_);
  }
  if (source_->simulated()) {
    log_.warning("this node shows SIMULATED evidence: no peer on a real network will accept it");
  }
  return ok();
}

/// The GPUs first, if there are any: the guest's claims have the digest of their evidence.
void RoleNode::attest() {
  if (!source_) {
    if (auto status = open_sources(); !status) return give_up(status.error());
  }
  starting_ = "evidence: " + attesting_;
  if (!gpu_source_) return certify({});
  auto key = certified_key(*boot_, io::now().unix);
  if (!key) return on_attested(key.error(), {});
  gpu_source_->collect(attest::gpu_nonce(*key),
                       [this, alive = alive_](Result<attest::GpuBundle> gpus) {
                         if (!*alive || stopping_) return;
                         if (!gpus) return on_attested(std::move(gpus).error(), {});
                         certify(*gpus);
                       });
}

void RoleNode::certify(const attest::GpuBundle& gpus) {
  Bytes gpu_evidence;
  attest::Claims claims;
  claims.role = evidence_role();
  claims.network = registry_->network;
  claims.account = account_id_;
  claims.models = options_.models;
  claims.config = options_.config;
  claims.event_log = source_->event_log();
  claims.beacon = {beacon_->height, beacon_->hash, beacon_->time};
  if (!gpus.gpus.empty()) {
    auto encoded = attest::encode_gpu_bundle(gpus);
    if (!encoded) return on_attested(std::move(encoded).error(), {});
    gpu_evidence = std::move(*encoded);
    claims.gpu_evidence = attest::gpu_evidence_digest(gpus.gpus);
  }
  make_attested_certificate(
      *boot_, claims, *source_, io::now().unix,
      [this, alive = alive_, gpu = std::move(gpu_evidence)](Result<Bytes> certificate) mutable {
        if (!*alive || stopping_) return;
        on_attested(std::move(certificate), std::move(gpu));
      });
}

void RoleNode::on_attested(Result<Bytes> certificate, Bytes gpu_evidence) {
  if (driver_) return use_renewed(std::move(certificate), std::move(gpu_evidence));
  if (!certificate) return attest_later(std::move(certificate).error());
  certificate_ = std::move(*certificate);
  gpu_evidence_ = std::move(gpu_evidence);
  read_epoch();
}

Bytes RoleNode::shown_evidence() const {
  if (gpu_evidence_.empty()) return {};
  Bytes out = certificate_;
  append(out, gpu_evidence_);
  return out;
}

void RoleNode::attest_later(Error why) {
  why = std::move(why).within("cannot attest");
  attesting_ = why.detail();
  starting_ = "evidence: " + attesting_;
  fail(why);
  retry_ = std::make_unique<io::Timer>(context_, [this] { read_beacon(); });
  retry_->set_in(limits::kAttestRetry);
}

void RoleNode::read_epoch() {
  starting_ = "ledger: waiting to publish this node's epoch";
  ask(ports::ReadEpoch{account_id_}, "read this account's epoch", [this](ports::LedgerReply reply) {
    const auto* view = std::get_if<ports::EpochView>(&reply);
    if (view == nullptr) return;
    const std::uint64_t next = view->newest ? view->newest->value.epoch + 1 : 1;
    const auto reputation = reputation_to_publish(registry_->network);
    if (!reputation) return give_up(reputation.error());
    epoch_ = billing::sign(
        billing::EpochRecord::make(registry_->network, next, boot_->boot_key_id(), *reputation),
        *account_);
    publish_epoch();
  });
}

void RoleNode::publish_epoch() {
  ask(ports::PublishEpoch{*epoch_}, "publish this node's epoch", [this](ports::LedgerReply reply) {
    if (const auto* bounced = std::get_if<ports::Bounced>(&reply)) {
      // Another copy of this account was quicker: take the next number, and so the account.
      log_.warning("the ledger refused this node's epoch: {}", bounced->error.detail());
      return read_epoch();
    }
    run();
  });
}

void RoleNode::run() {
  auto certificate = tls_of(*boot_, certificate_);
  if (!certificate) return give_up(certificate.error());
  core::NodeIdentity identity{registry_->network, account_->duplicate(), boot_->duplicate(),
                              epoch_.value_or(billing::SignedEpoch{})};
  auto made = make_core(std::move(identity), certificate->leaf_sha256, *registry_, io::now());
  if (!made) return give_up(made.error());
  core_ = std::move(*made);
  DriverParts parts;
  parts.core = core_.get();
  parts.verifier = verifier_.get();
  parts.quotes = source_.get();
  parts.ledger = ledger_.get();
  parts.store = store_.get();
  parts.engine = engine();
  parts.log = log_;
  driver_ = std::make_unique<Driver>(
      context_, parts, std::move(*certificate), [this] { after_turn(); },
      [this](const Error& error) { give_up(error); });
  renewal_ = std::make_unique<io::Timer>(context_, [this] { renew_certificate(); });
  renewal_->set_in(kRenewAfter);
  if (epoch_) {
    epoch_look_ = std::make_unique<io::Timer>(context_, [this] { look_at_epoch(); });
    epoch_look_->set_in(kEpochLook);
  }
  ledger_->watch_registry([this, alive = alive_] {
    if (*alive && !stopping_) refresh_registry();
  });
  on_started();
}

/// Two copies of one account must not both serve: each would sign totals from books of its own.
/// Peers ask for the newest epoch only when they connect, so the older copy ends by itself. A
/// ledger that does not answer ends nothing.
void RoleNode::look_at_epoch() {
  if (!epoch_look_) return;
  epoch_look_->set_in(kEpochLook);
  ledger_->call(
      ports::ReadEpoch{account_id_}, [this, alive = alive_](const Result<ports::LedgerReply>& r) {
        if (!*alive || draining_ || stopping_ || !r) return;
        const auto* view = std::get_if<ports::EpochView>(&*r);
        if (view == nullptr || !view->newest) return;
        const std::uint64_t newest = view->newest->value.epoch;
        if (newest <= epoch_->value.epoch) return;
        give_up(Error(ErrorKind::unauthorized, "epoch_superseded",
                      fmt::format("another copy of this account has started since: its epoch is "
                                  "{}, this one's {}. An account is for one node at a time: stop "
                                  "one of the two for good, or give it a state_dir of its own",
                                  newest, epoch_->value.epoch)));
      });
}

/// The old certificate lasts for hours yet: what fails is tried again.
void RoleNode::renew_certificate() {
  renewal_->set_in(limits::kRenewalPause);  // unless use_renewed() puts it off
  if (options_.evidence) return read_beacon();
  use_renewed(make_plain_certificate(*boot_, io::now().unix), {});
}

void RoleNode::use_renewed(Result<Bytes> certificate, Bytes gpu_evidence) {
  auto tls =
      certificate ? tls_of(*boot_, *certificate) : Result<OwnCertificate>(certificate.error());
  if (!tls) {
    return log_.error("cannot renew the certificate: {}; trying again within {} s",
                      tls.error().detail(), limits::kRenewalPause.count());
  }
  renewal_->set_in(kRenewAfter);
  certificate_ = std::move(*certificate);
  gpu_evidence_ = std::move(gpu_evidence);
  const Hash leaf = tls->leaf_sha256;
  driver_->set_certificate(std::move(*tls));
  on_certificate(leaf, io::now());
  driver_->arm();
  log_.info("certificate renewed");
}

namespace {

/// A newer version, or the same with something taken away: on TON, removals count before the
/// keepers have signed them.
bool supersedes(const billing::Registry& seen, const billing::Registry& used) {
  if (seen.version != used.version) return seen.version > used.version;
  return seen != used && seen == billing::tightened(used, seen);
}

}  // namespace

void RoleNode::refresh_registry() {
  look_at_epoch();
  ask(ports::ReadRegistry{}, "read the registry", [this](ports::LedgerReply reply) {
    auto* view = std::get_if<ports::RegistryView>(&reply);
    if (view == nullptr) return;
    if (supersedes(view->registry, *registry_)) use_registry(std::move(view->registry));
    if (!std::exchange(registry_stale_, std::nullopt)) return;
    log_.info("the ledger's registry can be read again: this node takes work again");
    core_->on_registry_stale(false, io::now());
    driver_->arm();
  });
}

void RoleNode::use_registry(billing::Registry registry) {
  registry_ = std::move(registry);
  log_.info("registry version {} in use", registry_->version);
  if (auto status = apply_policies(); !status) return give_up(status.error());
  on_registry(*registry_, io::now());
  driver_->review_peers();
  driver_->arm();
}

void RoleNode::set_registry_stale(const Error& why) {
  if (std::exchange(registry_stale_, why.detail())) return;
  log_.error("this node takes no new work, what runs goes on: {}", why.detail());
  core_->on_registry_stale(true, io::now());
  driver_->arm();
}

void RoleNode::fail(const Error& error) {
  log_.error("{} ({})", error.detail(), error.code());
  on_failed(error);
}

namespace {

/// The host must not throw: what follows here would be lost.
void tell(const std::function<void(const Error&)>& host, const Error& error) noexcept {
  if (host) host(error);
}

}  // namespace

/// Nothing more is begun: it lacks what it cannot do without, or what is not on disk after this
/// would be forgotten by the next start.
void RoleNode::give_up(const Error& error) {
  if (std::exchange(broken_, error.detail())) return;
  fail(error);
  if (driver_) {
    log_.error("this node takes no new work; mend that, and start it again");
    drain();
    driver_->arm();
  } else {
    log_.error("this node cannot start; mend that, and start it again");
  }
  tell(options_.on_fatal, error);
}

// --- Stop ---

void RoleNode::drain() {
  if (!std::exchange(draining_, true)) begin_drain(io::now());
}

void RoleNode::stop_all(Millis grace, Callback<void()> on_stopped) {
  if (stopped_) {
    if (!on_stopped) return;
    // A context that is only closed calls back on a later turn.
    return io::Context(context_.loop())
        .close([alive = alive_, told = std::move(on_stopped)]() mutable {
          if (*alive) told();
        });
  }
  if (on_stopped) on_stopped_.push_back(std::move(on_stopped));
  if (std::exchange(stopping_, true)) return;
  retry_.reset();
  renewal_.reset();
  epoch_look_.reset();
  if (!driver_) return close_parts();
  drain();
  driver_->arm();
  drain_until_ = io::now().mono + grace;
  drain_timer_ = std::make_unique<io::Timer>(context_, [this] { when_drained(); });
  drain_timer_->set_in(limits::kDrainPoll);
}

/// Waits for running requests within the grace, then settles, and waits a while for the answers to
/// that.
void RoleNode::when_drained() {
  const Now now = io::now();
  const bool late = now.mono >= drain_until_;
  const bool waits = settling_ ? !settled() : !drained();
  if (waits && !late) return drain_timer_->set_in(limits::kDrainPoll);
  if (std::exchange(settling_, true)) return close_parts();
  settle(now);
  driver_->arm();
  drain_until_ = now.mono + limits::kSettlePatience;
  drain_timer_->set_in(limits::kDrainPoll);
}

void RoleNode::close_parts() {
  if (driver_) driver_->close_all();
  drain_timer_.reset();
  on_closing();
  // The store last: what settling changed is on disk before we say that we stopped.
  if (!store_) return close_context();
  store_->stop([this, alive = alive_] {
    if (*alive) close_context();
  });
}

void RoleNode::close_context() {
  store_.reset();
  ledger_.reset();
  driver_.reset();
  source_.reset();
  gpu_source_.reset();
  attest_jobs_.reset();
  verifier_.reset();
  supply_.reset();
  // The owner may let go while handles close, and in each call.
  context_.close([this, alive = alive_] {
    if (!*alive) return;
    stopped_ = true;
    for (Callback<void()>& told : std::exchange(on_stopped_, {})) {
      if (!*alive) return;
      told();
    }
  });
}

}  // namespace cocoon::node
