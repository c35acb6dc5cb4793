#include "world.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "attest/sim/platform.h"
#include "codec/hex.h"
#include "crypto/hash.h"
#include "io/clock.h"
#include "ledger/local_ledger.h"
#include "need.h"
#include "node/account_key.h"
#include "node/own_certificate.h"
#include "node/policy.h"

namespace cocoon::bench {
namespace {

/// Quotes, verifications and questions to the ledger of all nodes together: in one process they
/// wait for one thread each, where real ones would have their own.
constexpr std::size_t kManyJobs = 100'000;

constexpr Nano kDeposit{20'000'000'000};

UnixTime unix_now() {
  return io::now().unix;
}

void must(const Status& status, std::string_view what) {
  if (!status) fail(fmt::format("{}: {}", what, status.error().detail()));
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  if (!out.flush()) fail("cannot write " + path);
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

billing::Registry new_registry(Random& random) {
  billing::Registry r;
  r.network = NetworkId{random.array<16>()};
  r.prices = billing::reference_prices();
  r.price_grace = Seconds{600};
  r.client_close_delay = Seconds{43'200};
  r.proxy_close_delay = Seconds{86'400};
  r.message_fee = Nano{1'000'000};
  r.min_deposit = Nano{100'000'000};
  r.min_payout = Nano{50'000'000};
  r.min_stake = Nano{1'000'000'000};
  r.tombstone_rent = Nano{10'000'000};
  r.models.push_back({kModel, 4096, 64});
  r.proxy_images = {tee::simulated_image(attest::EvidenceRole::proxy).bytes};
  r.worker_images = {tee::simulated_image(attest::EvidenceRole::worker).bytes};
  return r;
}

io::JobPool start_jobs(const io::Context& context, std::string name) {
  io::JobPoolOptions options;
  options.name = std::move(name);
  options.queue_bounds = {kManyJobs, kManyJobs, kManyJobs};
  return need(io::JobPool::start(context, options), "threads");
}

}  // namespace

World::World(std::string folder) : folder_(std::move(folder)) {
  must(crypto::initialise(), "libsodium");
  uv_loop_init(&loop_);
  uv_timer_init(&loop_, &tick_);
  context_.emplace(Loop::borrow(&loop_));
}

World::~World() {
  ledger_.reset();
  quotes_.reset();
  verifier_.reset();
  quoting_.reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&tick_), nullptr);
  bool closed = false;
  context_->close([&closed] { closed = true; });
  while (!closed) uv_run(&loop_, UV_RUN_ONCE);
  context_.reset();
  while (uv_run(&loop_, UV_RUN_NOWAIT) != 0) {
  }
  uv_loop_close(&loop_);
}

void World::make_platform() {
  std::filesystem::create_directories(path("sim"));
  const auto platform = need(attest::sim::SimPlatform::create(random_, unix_now()), "platform");
  const auto state = need(platform.serialize(), "platform");
  write_file(path("sim/") + std::string(attest::sim::kCollateralFile), state.collateral_json);
  write_file(path("sim/") + std::string(attest::sim::kKeysFile), as_text(state.keys_pem.view()));
  write_file(path("sim/") + std::string(attest::sim::kRootFile), state.root_pem);
}

void World::found_network(std::size_t max_peers) {
  make_platform();
  proxy_account_ =
      need(node::load_or_create_account_key(path("proxy")), "the proxy's key").account_id();
  ledger::Genesis genesis;
  genesis.registry = new_registry(random_);
  // The endpoint in the list is not used: the nodes are told where the proxy listens.
  genesis.registry.proxies = {billing::ProxyEntry{proxy_account_, "127.0.0.1:7443"}};
  auto file =
      need(ledger::LocalLedger::create(path("ledger.sqlite"), genesis, unix_now()), "ledger");
  (void)need(file.submit(ledger::deploy_proxy(proxy_account_, Nano{1'000'000'000'000}), unix_now()),
             "the proxy's contract");
  must(file.advance(unix_now()), "the proxy's contract");
  registry_ = need(file.registry(unix_now()), "registry");
  write_file(path("proxy.toml"),
             fmt::format("log_level = \"warning\"\nledger = \"{0}/ledger.sqlite\"\n"
                         "state_dir = \"{0}/proxy\"\nlisten = \"127.0.0.1:0\"\n"
                         "max_clients = {1}\nmax_workers = {1}\n\n"
                         "[worker_policy]\nroot = \"simulated\"\nsimulated_dir = \"{0}/sim\"\n"
                         "\n[evidence]\nkind = \"simulated\"\n"
                         "simulated_dir = \"{0}/sim\"\n",
                         folder_, max_peers));
}

void World::join(std::string proxy) {
  proxy_ = std::move(proxy);
  quoting_.emplace(start_jobs(*context_, "quotes"));
  EvidenceSource evidence;
  evidence.kind = EvidenceSource::Kind::simulated;
  evidence.simulated_dir = path("sim");
  quotes_ = need(tee::open_source(evidence, attest::EvidenceRole::worker, *quoting_), "quotes");
  verifier_ = std::make_unique<verify::Verifier>(*context_, start_jobs(*context_, "verify"),
                                                 registry_.network, registry_.kind);
  AttestationPolicy policy;
  policy.root = TrustedRootKind::simulated;
  policy.simulated_dir = path("sim");
  for (const auto role : {wire::Role::proxy, wire::Role::worker}) {
    must(verifier_->set_policy(role, node::effective_policy(policy, registry_, role)), "policy");
  }
  ledger_ = need(ledger::LocalLedgerPort::open(*context_, path("ledger.sqlite"), proxy_account_),
                 "ledger");
}

void World::attest(std::vector<Papers>& workers) {
  const auto beacon =
      need(need(ledger::LocalLedger::open(path("ledger.sqlite")), "ledger").beacon(unix_now()),
           "beacon");
  std::size_t left = workers.size();
  for (Papers& papers : workers) {
    attest::Claims claims;
    claims.role = attest::EvidenceRole::worker;
    claims.network = registry_.network;
    claims.account = papers.account.account_id();
    claims.models = {kModel};
    claims.beacon = {beacon.height, beacon.hash, beacon.time};
    node::make_attested_certificate(papers.boot, claims, *quotes_, unix_now(),
                                    [&papers, &left](Result<Bytes> certificate) {
                                      papers.certificate = need(std::move(certificate), "evidence");
                                      --left;
                                    });
  }
  if (!run_until([&left] { return left == 0; }, Seconds{600})) fail("quotes take too long");
}

std::vector<Papers> World::make_workers(std::size_t count) {
  std::vector<Papers> workers;
  auto file = need(ledger::LocalLedger::open(path("ledger.sqlite")), "ledger");
  for (std::size_t i = 0; i < count; ++i) {
    Papers papers{
        crypto::SigningKey::generate(random_), crypto::SigningKey::generate(random_), {}, {}, {}};
    papers.epoch =
        billing::sign(billing::EpochRecord::make(registry_.network, 1, papers.boot.boot_key_id()),
                      papers.account);
    (void)need(
        file.submit(ledger::publish_epoch(papers.account.account_id(), papers.epoch), unix_now()),
        "epoch");
    workers.push_back(std::move(papers));
  }
  must(file.advance(unix_now()), "epochs");
  attest(workers);
  for (Papers& papers : workers) {
    auto tls =
        need(tls::Context::create(tls::Side::client, papers.boot, papers.certificate), "TLS");
    papers.tls = node::OwnCertificate{tls, tls, crypto::sha256(papers.certificate)};
  }
  return workers;
}

std::vector<Papers> World::make_clients(std::size_t count) {
  std::vector<Papers> clients;
  auto file = need(ledger::LocalLedger::open(path("ledger.sqlite")), "ledger");
  for (std::size_t i = 0; i < count; ++i) {
    Papers papers{
        crypto::SigningKey::generate(random_), crypto::SigningKey::generate(random_), {}, {}, {}};
    billing::ChannelTerms terms;
    terms.network = registry_.network;
    terms.client = terms.signer = papers.account.account_id();
    terms.proxy = proxy_account_;
    terms.nonce = random_.array<16>();
    terms.close_delay = registry_.client_close_delay;
    terms.min_deposit = registry_.min_deposit;
    terms.rent = registry_.tombstone_rent;
    (void)need(file.submit(ledger::open_channel(terms, kDeposit), unix_now()), "channel");
    papers.certificate = need(node::make_plain_certificate(papers.boot, unix_now()), "certificate");
    auto tls =
        need(tls::Context::create(tls::Side::client, papers.boot, papers.certificate), "TLS");
    papers.tls = node::OwnCertificate{tls, tls, crypto::sha256(papers.certificate)};
    clients.push_back(std::move(papers));
  }
  must(file.advance(unix_now()), "channels");
  return clients;
}

bool World::run_until(const std::function<bool()>& done, Seconds patience) {
  constexpr std::uint64_t kLookMs = 2;
  uv_timer_start(
      &tick_, [](uv_timer_t*) {}, kLookMs, kLookMs);
  const MonoTime until = io::now().mono + patience;
  bool reached = done();
  while (!reached && io::now().mono < until) {
    uv_run(&loop_, UV_RUN_ONCE);
    reached = done();
  }
  uv_timer_stop(&tick_);
  return reached;
}

void World::run_for(Millis time) {
  const MonoTime until = io::now().mono + time;
  run_until([until] { return io::now().mono >= until; },
            std::chrono::ceil<Seconds>(time) + Seconds{1});
}

node::DriverParts World::parts(core::Core* core, ports::Engine* engine) {
  node::DriverParts parts;
  parts.core = core;
  parts.verifier = verifier_.get();
  parts.quotes = quotes_.get();
  parts.ledger = ledger_.get();
  parts.store = &store_;
  parts.engine = engine;
  return parts;
}

}  // namespace cocoon::bench
