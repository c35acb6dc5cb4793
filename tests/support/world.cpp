#include "support/world.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "core/published_reputation.h"
#include "crypto/hash.h"
#include "crypto/system_random.h"

namespace cocoon::simulation {
namespace {

constexpr const char* kModel = "sim/model";

std::vector<ports::StoreEntry> entries_of(const std::map<std::string, Bytes>& store) {
  std::vector<ports::StoreEntry> entries;
  for (const auto& [key, value] : store) entries.push_back({key, value});
  return entries;
}

billing::Registry genesis_registry(SimRandom& random) {
  billing::Registry r;
  r.network = NetworkId{random.array<16>()};
  r.prices = billing::reference_prices();
  r.price_grace = Seconds(600);
  r.client_close_delay = Seconds(100);
  r.proxy_close_delay = Seconds(200);
  // Small, so that every charge is worth redeeming: no token costs less than 20 of them.
  r.message_fee = Nano{1};
  r.min_deposit = Nano{100'000};
  r.min_payout = Nano{50'000};
  r.min_stake = Nano{1'000};
  r.tombstone_rent = Nano{10'000};
  r.models.push_back({kModel, 4096, 64});
  return r;
}

template <class T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().detail();
    std::abort();
  }
  return std::move(*result);
}

}  // namespace

/// Sends a message and sees it confirmed: the ledger has no delay of its own here.
void carry_out_on(ledger::LocalLedger& ledger, const ledger::LocalMessage& message, UnixTime now) {
  const ledger::MessageId id = must(ledger.submit(message, now));
  ASSERT_TRUE(ledger.advance(now));
  const auto status = must(ledger.status(id));
  ASSERT_EQ(status.progress, ledger::Progress::confirmed)
      << (status.error ? status.error->detail() : "still pending");
}

// --- World ---

World::World(std::uint64_t seed, Weather w) : random(seed), weather(w) {
  (void)crypto::initialise();
  const char* base = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
  std::string name = std::string(base) + "/cocoon-sim.XXXXXX";
  if (mkdtemp(name.data()) == nullptr) std::abort();
  directory_ = name;
  ledger::Genesis genesis;
  genesis.registry = genesis_registry(random);
  ledger = std::make_unique<ledger::LocalLedger>(
      must(ledger::LocalLedger::create(directory_ + "/ledger.sqlite", genesis, now.unix)));
}

World::~World() {
  nodes.clear();
  ledger.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

billing::Registry World::registry() {
  return must(ledger->registry(now.unix));
}

Node& World::add(wire::Role role) {
  const std::string name =
      std::string(wire::to_string(role)) + "-" + std::to_string(nodes.size()) + ":1";
  nodes.push_back(std::make_unique<Node>(*this, role, name));
  Node& node = *nodes.back();
  if (role == wire::Role::proxy) {
    endpoints.push_back(node.name());
    const billing::ProxyEntry entry{node.account(), node.name()};
    (void)must(ledger->edit_registry(
        [&](billing::Registry& r) {
          r.proxies.push_back(entry);
          std::sort(r.proxies.begin(), r.proxies.end(),
                    [](const auto& a, const auto& b) { return a.account < b.account; });
          return ok();
        },
        now.unix));
    carry_out_on(*ledger, ledger::deploy_proxy(node.account(), stake), now.unix);
  }
  return node;
}

void World::fund(Nano deposit) {
  for (auto& client : nodes) {
    if (client->role_ != wire::Role::client) continue;
    for (auto& proxy : nodes) {
      if (proxy->role_ != wire::Role::proxy) continue;
      billing::ChannelTerms terms;
      const billing::Registry r = registry();
      terms.network = r.network;
      terms.client = terms.signer = client->account();
      terms.proxy = proxy->account();
      terms.nonce = random.array<16>();
      terms.close_delay = r.client_close_delay;
      terms.min_deposit = r.min_deposit;
      terms.rent = r.tombstone_rent;
      carry_out_on(*ledger, ledger::open_channel(terms, deposit), now.unix);
    }
  }
}

Node* World::at(const std::string& endpoint) {
  for (auto& node : nodes) {
    if (node->name() == endpoint) return node.get();
  }
  return nullptr;
}

void World::after(Millis delay, std::function<void()> what) {
  events_.push(
      {now.mono + delay, order_++, std::make_shared<std::function<void()>>(std::move(what))});
}

bool World::step() {
  if (events_.empty()) return false;
  const Event event = events_.top();
  events_.pop();
  now.unix += std::chrono::duration_cast<Millis>(event.at - now.mono);
  now.mono = event.at;
  (*event.what)();
  return true;
}

void World::run_until(MonoTime until) {
  while (!events_.empty() && events_.top().at <= until) (void)step();
  if (until > now.mono) {
    now.unix += std::chrono::duration_cast<Millis>(until - now.mono);
    now.mono = until;
  }
}

// --- Node: life ---

Node::Node(World& world, wire::Role role, std::string name)
    : world_(world),
      role_(role),
      name_(std::move(name)),
      account_(crypto::SigningKey::generate(world.random)) {}

void Node::boot() {
  ++life_;
  boot_ = crypto::SigningKey::generate(world_.random);
  const billing::Registry registry = world_.registry();
  core::NodeIdentity identity{registry.network, account_.duplicate(), boot_->duplicate(), {}};
  if (role_ != wire::Role::client) {
    // As a proxy does; a worker's store has no reputation.
    const auto published = core::reputation_to_publish(registry.network, entries_of(store_));
    EXPECT_TRUE(published);
    identity.epoch =
        billing::sign(billing::EpochRecord::make(registry.network, ++epoch_, boot_->boot_key_id(),
                                                 published ? published->digest : Hash{}),
                      account_);
    carry_out_on(*world_.ledger, ledger::publish_epoch(account(), identity.epoch), world_.now.unix);
  }
  make_certificate();
  core_ = make_core(std::move(identity));
  turn();
}

void Node::make_certificate() {
  certificate_.resize(64);
  world_.random.fill(certificate_);
  const Seconds lifetime = world_.certificate_lifetime;
  world_.after(lifetime * 3 / 4, [this, life = life_, certificate = certificate_] {
    if (life == life_ && certificate == certificate_) renew();
  });
  if (role_ == wire::Role::client) return;
  ports::VerifiedEvidence evidence;
  evidence.digest = EvidenceDigest{crypto::sha256(certificate_)};
  evidence.role = role_;
  evidence.account = account();
  evidence.network = world_.registry().network;
  evidence.boot_key = boot_->boot_key_id();
  evidence.expires = world_.now.unix + lifetime;
  evidence.simulated = true;
  evidence.certificate = certificate_;
  evidence.gpu_owed = gpu_evidence_.has_value();
  show_evidence(std::move(evidence));
}

Bytes Node::shown() const {
  Bytes out = certificate_;
  if (gpu_evidence_) append(out, *gpu_evidence_);
  return out;
}

/// The verdict on what some node shows, or has shown.
core::EvidenceVerdict Node::judge(ByteView shown) const {
  if (world_.verifiers_busy) {
    return Error(ErrorKind::busy, "verification_queue_full", "too many wait for verification");
  }
  auto known = world_.old_evidence;
  std::erase_if(known, [&](const auto& old) { return old->expires <= world_.now.unix; });
  for (const auto& node : world_.nodes) {
    if (node->evidence_) known.push_back(node->evidence_);
    if (!node->evidence_ || !node->gpu_evidence_) continue;
    ports::VerifiedEvidence whole = *node->evidence_;
    whole.gpu_evidence = *node->gpu_evidence_;
    whole.gpu_owed = false;
    known.push_back(std::make_shared<ports::VerifiedEvidence>(std::move(whole)));
  }
  for (const auto& evidence : known) {
    Bytes all = evidence->certificate;
    append(all, evidence->gpu_evidence);
    if (!evidence->gpu_owed && equal_public(all, shown)) return evidence;
  }
  return Error(ErrorKind::attestation, "unknown", "no such evidence");
}

void Node::renew() {
  if (evidence_) world_.old_evidence.push_back(evidence_);
  make_certificate();
  if (role_ == wire::Role::worker && !actor_) {
    if (gpu_evidence_) worker().show(shown());
    worker().on_certificate(crypto::sha256(certificate_), now());
  }
  turn();
}

Now Node::now() const {
  return {world_.now.mono, world_.now.unix + clock_error_};
}

void Node::lose_newest_link() {
  break_pipe(pipes_.rbegin()->first, Error(ErrorKind::io, "connection_reset", "the link broke"));
}

void Node::review() {
  const Error why(ErrorKind::attestation, "certificate_expired", "its evidence has run out");
  std::vector<core::PeerId> over;
  for (const auto& [peer, pipe] : pipes_) {
    if (pipe.expires <= world_.now.unix) over.push_back(peer);
  }
  for (const core::PeerId peer : over) {
    const Pipe pipe = pipes_[peer];
    ++world_.expired;
    break_pipe(peer, why);
    if (pipe.far->life_ == pipe.far_life) pipe.far->break_pipe(pipe.far_peer, why);
  }
}

/// The product's core of this node's role, or its actor, with what the store holds.
std::unique_ptr<core::Core> Node::make_core(core::NodeIdentity identity) {
  if (actor_) return actor_(std::move(identity));
  const Now now = this->now();
  const billing::Registry registry = world_.registry();
  const std::vector<ports::StoreEntry> entries = entries_of(store_);
  if (role_ == wire::Role::client) {
    core::ClientCoreOptions o;
    o.proxies = world_.endpoints;
    o.max_exposure = world_.max_exposure;
    o.max_request_cost = kMaxRequestCost;
    o.max_coefficient_e3 = world_.max_coefficient_e3;
    auto made =
        std::make_unique<core::ClientCore>(std::move(identity), registry, o, world_.random, now);
    EXPECT_TRUE(made->restore(entries));
    made->start(now);
    return made;
  }
  if (role_ == wire::Role::proxy) {
    core::ProxyCoreOptions o;
    if (world_.proxy_options) world_.proxy_options(o);
    auto made = std::make_unique<core::ProxyCore>(std::move(identity), registry, std::move(o),
                                                  world_.random, now);
    EXPECT_TRUE(made->restore(entries));
    return made;
  }
  core::WorkerCoreOptions o;
  o.proxies = world_.endpoints;
  o.models = {kModel};
  o.capacity = 4;
  o.coefficient_e3 = coefficient_e3_;
  o.max_unpaid = world_.max_unpaid;
  auto made = std::make_unique<core::WorkerCore>(std::move(identity), crypto::sha256(certificate_),
                                                 registry, o, world_.random, now);
  EXPECT_TRUE(made->restore(entries));
  if (gpu_evidence_ && !gpu_evidence_->empty()) made->show(shown());
  made->on_engine_ready(true, "", now);
  made->start(now);
  return made;
}

void Node::vanish() {
  writing_.clear();
  if (!up()) return;
  ++life_;
  core_.reset();
  runs_.clear();
  quoting_ = false;
  armed_ = kNever;
  pipes_.clear();
}

void Node::crash() {
  const auto pipes = pipes_;
  vanish();
  const Error why(ErrorKind::io, "connection_reset", "the peer crashed");
  for (const auto& [peer, pipe] : pipes) {
    Node* far = pipe.far;
    const auto far_peer = pipe.far_peer;
    const auto life = pipe.far_life;
    world_.after(world_.random.between(world_.weather.latency_low, world_.weather.latency_high),
                 [far, far_peer, life, why] {
                   if (far->life_ == life) far->break_pipe(far_peer, why);
                 });
  }
}

void Node::break_pipe(core::PeerId peer, const Error& why) {
  if (!up() || pipes_.erase(peer) == 0) return;
  core_->on_disconnected(peer, why, now());
  turn();
}

core::PeerIdentity Node::identity_for(const Node& far, const Hash& exporter) const {
  core::PeerIdentity identity;
  identity.boot_key = far.boot_->boot_key_id();
  identity.leaf_sha256 = crypto::sha256(far.certificate_);
  identity.own_leaf_sha256 = crypto::sha256(certificate_);
  identity.exporter = exporter;
  identity.evidence = far.evidence_;
  return identity;
}

// --- Node: effects ---

void Node::turn() {
  if (!up()) return;
  for (int round = 0; round < 8; ++round) {
    core_->end_turn(now());
    auto effects = core_->take_effects();
    const auto writable = core_->take_writable();
    if (effects.empty() && writable.empty()) break;
    for (const core::PeerId id : writable) {
      Bytes* out = core_->output(id);
      const auto pipe = pipes_.find(id);
      if (out == nullptr || out->empty() || pipe == pipes_.end()) continue;
      send(id, pipe->second, std::exchange(*out, {}));
    }
    for (core::Effect& effect : effects) carry_out(effect);
  }
  arm_deadline();
}

void Node::send(core::PeerId peer, Pipe& pipe, Bytes bytes) {
  if (world_.tap) world_.tap(*this, *pipe.far, bytes);
  if (bytes.empty()) return;
  const Weather& weather = world_.weather;
  pipe.silent = pipe.silent || world_.random.chance(weather.link_silences);
  if (pipe.silent) return;
  const MonoTime arrival =
      std::max(world_.now.mono + world_.random.between(weather.latency_low, weather.latency_high),
               pipe.last_arrival);
  pipe.last_arrival = arrival;
  const bool breaks = world_.random.chance(weather.link_breaks);
  const auto content = std::make_shared<Bytes>(std::move(bytes));
  world_.after(std::chrono::ceil<Millis>(arrival - world_.now.mono),
               [this, peer, life = life_, far = pipe.far, far_peer = pipe.far_peer,
                far_life = pipe.far_life, content, breaks] {
                 if (breaks) {
                   const Error why(ErrorKind::io, "connection_reset", "the link broke");
                   if (life_ == life) break_pipe(peer, why);
                   if (far->life_ == far_life) far->break_pipe(far_peer, why);
                   return;
                 }
                 if (far->life_ != far_life || !far->pipes_.contains(far_peer)) return;
                 far->core_->on_bytes(far_peer, *content, far->now());
                 far->turn();
               });
}

void Node::inject(Node& far, Bytes bytes) {
  for (auto& [peer, pipe] : pipes_) {
    if (pipe.far == &far) return send(peer, pipe, std::move(bytes));
  }
  ADD_FAILURE() << name_ << " has no connection to " << far.name_;
}

void Node::arm_deadline() {
  const MonoTime due = core_->next_deadline();
  if (due >= armed_ && armed_ > world_.now.mono) return;
  armed_ = due;
  const auto delay = std::max<Millis>(Millis(0), std::chrono::ceil<Millis>(due - world_.now.mono));
  world_.after(delay, [this, life = life_, due] {
    if (life != life_ || armed_ != due) return;
    armed_ = kNever;
    core_->on_time(now());
    turn();
  });
}

void Node::carry_out(core::Effect& effect) {
  if (auto* e = std::get_if<core::Report>(&effect)) reports_.push_back(std::move(e->message));
  if (auto* e = std::get_if<core::Connect>(&effect)) return connect(*e);
  if (auto* e = std::get_if<core::CallLedger>(&effect)) {
    return call_ledger(e->call, std::move(e->request));
  }
  if (auto* e = std::get_if<core::WriteStore>(&effect)) return write(std::move(*e));
  if (auto* e = std::get_if<core::Disconnect>(&effect)) {
    const auto pipe = pipes_.find(e->peer);
    if (pipe == pipes_.end()) return;
    Node* far = pipe->second.far;
    const auto far_peer = pipe->second.far_peer;
    const auto life = pipe->second.far_life;
    const Error why(ErrorKind::io, "closed_by_peer", "the peer closed the connection");
    world_.after(world_.weather.latency_high + Millis(1), [far, far_peer, life, why] {
      if (far->life_ == life) far->break_pipe(far_peer, why);
    });
    world_.after(Millis(0), [this, peer = e->peer, life = life_, why] {
      if (life_ == life) break_pipe(peer, why);
    });
    return;
  }
  if (auto* e = std::get_if<core::MakeQuote>(&effect)) return make_quote(*e);
  if (auto* e = std::get_if<core::VerifyEvidence>(&effect)) return verify_evidence(*e);
  if (auto* e = std::get_if<core::VerifyAnswer>(&effect)) return verify_answer(*e);
  if (auto* e = std::get_if<core::StartEngine>(&effect)) return engine_run(e->request);
  if (auto* e = std::get_if<core::CancelEngine>(&effect)) {
    runs_.erase(e->run);
    return;
  }
  if (auto* e = std::get_if<core::PauseEngine>(&effect)) {
    if (runs_.contains(e->run)) runs_[e->run] = e->paused;
  }
}

/// A quote of this world: what it is over, and whose guest it is of.
void Node::make_quote(const core::MakeQuote& effect) {
  EXPECT_FALSE(quoting_) << name_ << " wants two quotes at a time";
  quoting_ = true;
  ++quotes_;
  const bool fails = world_.random.chance(world_.weather.quote_fails);
  world_.after(world_.weather.quote_time, [this, life = life_, effect, fails] {
    if (life != life_) return;
    quoting_ = false;
    Result<Bytes> quote = Error(ErrorKind::unavailable, "tsm_busy", "the machine gives no quote");
    if (!fails) quote = ByteWriter().bytes(effect.report_data).bytes(account().view()).take();
    core_->on_quote(effect.call, std::move(quote), now());
    turn();
  });
}

void Node::verify_evidence(const core::VerifyEvidence& effect) {
  world_.after(Millis(2), [this, life = life_, call = effect.call, shown = effect.shown] {
    if (life != life_) return;
    core_->on_verified(call, judge(shown), now());
    turn();
  });
}

void Node::verify_answer(const core::VerifyAnswer& effect) {
  const Bytes right =
      ByteWriter().bytes(effect.report_data).bytes(effect.peer->account.view()).take();
  Status verdict = ok();
  if (effect.quote != right) {
    verdict = Error(ErrorKind::attestation, "answer_not_bound", "a quote over something else");
  }
  world_.after(Millis(2), [this, life = life_, call = effect.call, verdict] {
    if (life != life_) return;
    core_->on_answer_verified(call, verdict, now());
    turn();
  });
}

void Node::connect(const core::Connect& effect) {
  const auto delay = world_.random.between(world_.weather.latency_low, world_.weather.latency_high);
  world_.after(delay, [this, life = life_, effect] {
    if (life != life_) return;
    Node* far = world_.at(effect.endpoint);
    if (far == nullptr || !far->up()) {
      core_->on_disconnected(effect.peer,
                             Error(ErrorKind::unavailable, "connection_refused", "nobody listens"),
                             now());
      return turn();
    }
    const auto exporter = world_.random.array<32>();
    const core::PeerId accepted = far->next_accepted_++;
    const auto expires = [](const Node& node) {
      return node.evidence_ ? node.evidence_->expires : UnixTime::max();
    };
    ++world_.connections;
    pipes_[effect.peer] = {far, accepted, far->life_, {}, false, expires(*far)};
    far->pipes_[accepted] = {this, effect.peer, life_, {}, false, expires(*this)};
    far->core_->on_connected(accepted, far->identity_for(*this, exporter), far->now());
    core_->on_connected(effect.peer, identity_for(*far, exporter), now());
    far->turn();
    turn();
  });
}

void Node::call_ledger(core::CallId call, ports::LedgerRequest request) {
  if (std::holds_alternative<ports::ReadChannel>(request) ||
      std::holds_alternative<ports::FindChannel>(request)) {
    ++world_.channel_reads;
  }
  const bool away = world_.random.chance(world_.weather.ledger_away);
  const auto delay = world_.random.between(world_.weather.ledger_low, world_.weather.ledger_high);
  world_.after(delay, [this, life = life_, call, request, away] {
    // What was sent is carried out, whether or not the sender lives to see it.
    core::LedgerAnswer answer = Error(ErrorKind::unavailable, "ledger_unavailable", "away");
    if (!away) {
      auto started = ledger::start_call(*world_.ledger, account(), request, world_.now.unix);
      if (!started) {
        answer = started.error();
      } else if (auto* reply = std::get_if<ports::LedgerReply>(&*started)) {
        answer = *reply;
      } else {
        (void)world_.ledger->advance(world_.now.unix);
        auto finished = ledger::finish_call(*world_.ledger, std::get<ledger::MessageId>(*started));
        if (finished && *finished) answer = **finished;
      }
    }
    if (life != life_) return;
    core_->on_ledger(call, std::move(answer), now());
    turn();
  });
}

}  // namespace cocoon::simulation
