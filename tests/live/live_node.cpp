#include "live/live_node.h"

#include <fstream>

#include "crypto/hash.h"
#include "crypto/system_random.h"
#include "io/clock.h"
#include "node/own_certificate.h"
#include "support/sim_hardware.h"
#include "support/stand_in_gpu.h"
#include "tls/certificate.h"

namespace cocoon::live {
namespace {

crypto::SystemRandom& random() {
  static crypto::SystemRandom source;
  return source;
}

UnixTime now() {
  return std::chrono::floor<Seconds>(io::now().unix);
}

attest::Claims claims_of(wire::Role role, Seconds beacon_age) {
  attest::Claims claims;
  claims.role =
      role == wire::Role::proxy ? attest::EvidenceRole::proxy : attest::EvidenceRole::worker;
  claims.network = network();
  claims.beacon.time = now() - beacon_age;
  return claims;
}

Bytes spki_of(const crypto::SigningKey& key) {
  const Bytes plain = node::make_plain_certificate(key, now()).value();
  return tls::parse_certificate(plain).value().spki;
}

/// As a node makes its own, with a quote that the test made.
Bytes certificate_of(const crypto::SigningKey& key, ByteView quote, ByteView claims, Dates dates) {
  tls::CertificateFields fields;
  fields.common_name = "live test";
  fields.not_before = now() + dates.begins;
  fields.not_after = now() + dates.ends;
  fields.extensions.push_back(
      {std::string(attest::kEvidenceOid), false, attest::build_evidence_extension(quote, claims)});
  return tls::make_certificate(key, fields).value();
}

}  // namespace

node::OwnCertificate Credentials::tls() const {
  return {tls::Context::create(tls::Side::client, key, certificate).value(),
          tls::Context::create(tls::Side::server, key, certificate).value(),
          crypto::sha256(certificate)};
}

const attest::sim::SimPlatform& platform() {
  static const attest::sim::SimPlatform kPlatform =
      attest::sim::SimPlatform::create(random(), now()).value();
  return kPlatform;
}

const NetworkId& network() {
  static const NetworkId kNetwork{random().array<16>()};
  return kNetwork;
}

attest::sim::SimTdReport guest() {
  attest::sim::SimTdReport out;
  out.mr_td.fill(0x11);
  return out;
}

Credentials with_evidence(const test::SimDefect& defect, wire::Role role, Dates dates) {
  auto key = crypto::SigningKey::generate(random());
  const Bytes claims = attest::encode_claims(claims_of(role, dates.beacon_age), spki_of(key));
  auto td = guest();
  td.report_data = attest::report_data_for(claims);
  auto material = test::make_sim_defect(defect, platform(), td, now());
  Bytes certificate = certificate_of(key, material.quote, claims, dates);
  return {std::move(key), std::move(certificate), std::move(material.collateral), {}};
}

Credentials with_event_log(Bytes log) {
  auto key = crypto::SigningKey::generate(random());
  attest::Claims who = claims_of(wire::Role::worker, Seconds(0));
  who.event_log = std::move(log);
  const Bytes claims = attest::encode_claims(who, spki_of(key));
  auto td = guest();
  td.report_data = attest::report_data_for(claims);
  auto material = test::make_sim_defect(sound(), platform(), td, now());
  Bytes certificate = certificate_of(key, material.quote, claims, {});
  return {std::move(key), std::move(certificate), std::move(material.collateral), {}};
}

Credentials with_gpus() {
  auto key = crypto::SigningKey::generate(random());
  const Bytes spki = spki_of(key);
  const auto gpu = test::stand_in_gpu(0, attest::gpu_nonce(spki));
  attest::GpuBundle gpus{{gpu.evidence()}, gpu.sets()};
  attest::Claims who = claims_of(wire::Role::worker, Seconds(0));
  who.gpu_evidence = attest::gpu_evidence_digest(gpus.gpus);
  const Bytes claims = attest::encode_claims(who, spki);
  auto td = guest();
  td.report_data = attest::report_data_for(claims);
  auto material = test::make_sim_defect(sound(), platform(), td, now());
  Bytes certificate = certificate_of(key, material.quote, claims, {});
  return {std::move(key), std::move(certificate), std::move(material.collateral), std::move(gpus)};
}

Bytes Credentials::shown() const {
  Bytes out = certificate;
  append(out, attest::encode_gpu_bundle(gpus).value());
  return out;
}

Credentials without_evidence() {
  auto key = crypto::SigningKey::generate(random());
  Bytes certificate = node::make_plain_certificate(key, now()).value();
  return {std::move(key), std::move(certificate), {}, {}};
}

Credentials with_stolen_evidence(const Credentials& honest) {
  auto thief = without_evidence();
  const auto evidence = attest::parse_certificate_evidence(honest.certificate).value();
  thief.certificate = certificate_of(thief.key, evidence.quote, evidence.claims_bytes, {});
  return thief;
}

const test::SimDefect& sound() {
  return test::sim_defects().front();
}

void Peer::start(const io::Context& context, io::Connection socket, const tls::Context& tls) {
  io::SecureEvents events;
  events.on_unverified = [this](io::UnverifiedPeer) {
    connection.admit();
    connection.write(Bytes(words));
    ready = true;
  };
  events.on_bytes = [this](ByteView bytes) { heard += as_text(bytes); };
  events.on_pressure = [](bool) {};
  events.on_closed = [this](Error why) { closed = std::move(why); };
  auto started = io::SecureConnection::start(context, std::move(socket), tls, std::move(events));
  ASSERT_TRUE(started) << started.error().detail();
  connection = std::move(*started);
}

LiveTest::~LiveTest() = default;

io::JobPool LiveTest::make_jobs(std::size_t queued) {
  io::JobPoolOptions options;
  options.name = "live-verify";
  options.queue_bounds = {queued, queued, 0};
  return io::JobPool::start(context(), options).value();
}

void LiveTest::start_node(const Credentials& own, wire::Role expect,
                          const attest::CollateralText& collateral,
                          std::optional<io::JobPool> jobs) {
  std::ofstream(folder_.file("root.pem")) << platform().root_pem();
  std::ofstream(folder_.file("collateral.json")) << collateral.to_json();
  AttestationPolicy policy = rules;
  policy.root = TrustedRootKind::simulated;
  policy.simulated_dir = folder_.file("");
  make_node(own, expect, std::move(policy), jobs ? std::move(*jobs) : make_jobs());
}

void LiveTest::start_node_on_hardware(const Credentials& own, wire::Role expect,
                                      const CollateralSource& source, Millis patience) {
  collateral::SupplyOptions options;
  options.source = source;
  options.folder = folder_.file("collateral");
  options.root = test::stand_in_root(platform());
  options.patience = patience;
  options.log = Logger(
      [this](const LogRecord& record) { supply_log_ += std::string(record.message) + "\n"; }, "t");
  auto supply = collateral::Supply::create(context(), std::move(options), random());
  ASSERT_TRUE(supply) << supply.error().detail();
  supply_ = std::move(*supply);
  make_node(own, expect, rules, make_jobs());
}

void LiveTest::make_node(const Credentials& own, wire::Role expect, AttestationPolicy policy,
                         io::JobPool jobs) {
  policy.images = {attest::image_hash(attest::sim::sim_td_report(guest()))};
  policy_ = policy;
  expect_ = expect;
  verifier_ = std::make_unique<verify::Verifier>(context(), std::move(jobs), network(),
                                                 billing::NetworkKind::dev, supply_.get());
  const Status set = verifier_->set_policy(expect, policy);
  ASSERT_TRUE(set) << set.error().detail();
  node::DriverParts parts;
  parts.core = &core_;
  parts.verifier = verifier_.get();
  driver_ = std::make_unique<node::Driver>(
      context(), parts, own.tls(), [] {}, [](const Error& e) { ADD_FAILURE() << e.detail(); });
}

void LiveTest::admit_gpus(std::optional<std::vector<GpuSetHash>> sets) {
  rules.gpu_measurement_sets = policy_.gpu_measurement_sets = std::move(sets);
  if (!verifier_) return;
  const Status set = verifier_->set_policy(expect_, policy_);
  ASSERT_TRUE(set) << set.error().detail();
}

void LiveTest::next_peer() {
  peer_ = Peer();
  listener_.reset();
}

void LiveTest::listen(wire::Role expect) {
  auto listener = io::Listener::open(
      context(), {.host = "127.0.0.1"}, {},
      [this, expect](io::Connection socket) { driver_->accept(std::move(socket), expect); });
  ASSERT_TRUE(listener);
  listener_ = std::move(*listener);
}

void LiveTest::peer_comes(const Credentials& credentials, wire::Role expect) {
  ASSERT_NO_FATAL_FAILURE(listen(expect));
  peer_.connector = std::make_unique<io::Connector>(
      context(), listener_->address(), Millis(30000),
      [this, tls = credentials.tls().client](Result<io::Connection> socket) {
        ASSERT_TRUE(socket) << socket.error().detail();
        peer_.start(context(), std::move(*socket), tls);
      });
}

void LiveTest::node_goes(const Credentials& credentials, wire::Role expect) {
  auto listener = io::Listener::open(context(), {.host = "127.0.0.1"}, {},
                                     [this, tls = credentials.tls().server](io::Connection socket) {
                                       peer_.start(context(), std::move(socket), tls);
                                     });
  ASSERT_TRUE(listener);
  peer_.listener = std::move(*listener);
  core_.dial(1, peer_.listener->address().text(), expect);
  driver_->arm();
}

}  // namespace cocoon::live
