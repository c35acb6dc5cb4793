// A worker in a TDX guest: the product's code asks the kernel (of which tests/support/tdx_guest.h
// is a stand-in) for a quote, makes a certificate of it, and shows it to a node in a real
// handshake.

#include <filesystem>
#include <fstream>
#include <memory>

#include "attest/event_log_claim.h"
#include "attest/sim/event_log.h"
#include "base/limits.h"
#include "crypto/system_random.h"
#include "io/clock.h"
#include "live/live_node.h"
#include "node/own_certificate.h"
#include "support/tdx_guest.h"
#include "tee/source.h"

namespace cocoon::live {
namespace {

using MakeQuote = test::TdxGuest::MakeQuote;

/// What the simulated platform's quoting enclave makes of the guest.
Bytes quote_of(const attest::sim::SimPlatform& maker, const ByteArray<64>& report_data,
               const attest::Rtmrs& rtmrs = {}) {
  auto td = guest();
  td.rtmr = rtmrs;
  td.report_data = report_data;
  return maker.quote(td).value();
}

/// The log of a boot that measured one thing, into RTMR3, which is no part of the image.
Bytes some_log() {
  const attest::sim::SimEvent events[] = {{4, 6, "a container"}};
  return attest::sim::sim_event_log(events);
}

class TdxEvidence : public LiveTest {
 protected:
  TdxEvidence() : key_(crypto::SigningKey::generate(random_)) {
    std::filesystem::create_directories(configfs() + "/tsm/report");
  }

  std::string configfs() const { return folder_.file("config"); }

  /// The worker's certificate, made in a guest whose host answers with `quote`.
  Result<Bytes> certificate_with(const MakeQuote& quote) {
    test::TdxGuest::Behaviour behaviour;
    behaviour.quote = quote;
    guest_.emplace(configfs(), "", std::move(behaviour));
    // One thread, so that the one that makes quotes is the one that enters.
    jobs_.emplace(make_jobs());
    Status entered = ok();
    bool tried = false;
    EXPECT_TRUE(jobs_->submit(
        io::JobClass::urgent, [&] { entered = guest_->enter(); }, [&] { tried = true; }));
    run_until([&] { return tried; });
    if (!entered) return entered.error();

    EvidenceSource options;
    options.configfs = configfs();
    options.qgs.unix_path = folder_.file("no-qgs");
    options.event_log = event_log_;
    auto source = tee::open_source(options, attest::EvidenceRole::worker, *jobs_);
    if (!source) return source.error();
    attest::Claims claims;
    claims.role = attest::EvidenceRole::worker;
    claims.network = network();
    claims.event_log = (*source)->event_log();
    claims.beacon.time = std::chrono::floor<Seconds>(io::now().unix);
    std::optional<Result<Bytes>> made;
    node::make_attested_certificate(key_, claims, **source, io::now().unix,
                                    [&](Result<Bytes> result) { made = std::move(result); });
    run_until([&] { return made.has_value(); });
    return *made;
  }

  /// The worker's options name this log from now on.
  void boot_log(const Bytes& log) {
    event_log_ = folder_.file("CCEL");
    std::ofstream(event_log_, std::ios::binary) << as_text(log);
  }

  /// The worker comes to a proxy that trusts the simulated platform.
  void come_with(Bytes certificate) {
    peer().words = to_bytes(as_bytes("hello"));
    start_node(with_evidence(sound(), wire::Role::proxy), wire::Role::worker,
               platform().collateral());
    peer_comes({key_.duplicate(), std::move(certificate), platform().collateral()},
               wire::Role::worker);
  }

  crypto::SystemRandom random_;
  crypto::SigningKey key_;
  test::TemporaryFolder folder_;
  std::string event_log_;
  std::optional<test::TdxGuest> guest_;
  std::optional<io::JobPool> jobs_;
};

TEST_F(TdxEvidence, AQuoteOverOtherDataMakesNoCertificate) {
  const auto certificate = certificate_with([](ByteArray<64> report_data) {
    report_data[0] ^= 1;
    return quote_of(platform(), report_data);
  });
  ASSERT_FALSE(certificate);
  EXPECT_EQ(certificate.error().code(), "quote_of_other_data");
}

TEST_F(TdxEvidence, AQuoteThatNoCertificateCanCarryMakesNone) {
  const auto certificate = certificate_with([](const ByteArray<64>& report_data) {
    Bytes quote = quote_of(platform(), report_data);
    quote.resize(limits::kMaxEvidenceBytes);
    return quote;
  });
  ASSERT_FALSE(certificate);
  EXPECT_EQ(certificate.error().code(), "evidence_too_large");
}

TEST_F(TdxEvidence, AQuoteOfAnotherPlatformIsRefused) {
  // The guest's threads use it, so it lives as long as they.
  const auto other = std::make_shared<const attest::sim::SimPlatform>(
      attest::sim::SimPlatform::create(random_, io::now().unix).value());
  auto certificate = certificate_with(
      [other](const ByteArray<64>& report_data) { return quote_of(*other, report_data); });
  ASSERT_TRUE(certificate) << certificate.error().detail();
  come_with(std::move(*certificate));
  ASSERT_TRUE(run_until([&] { return !core().losses.empty(); }));
  EXPECT_EQ(core().losses.front().code(), "evidence_untrusted");
  EXPECT_EQ(core().log, std::vector<std::string>{"disconnected"});
}

TEST_F(TdxEvidence, AWorkerWithTheKernelsQuoteIsAdmitted) {
  auto certificate = certificate_with(
      [](const ByteArray<64>& report_data) { return quote_of(platform(), report_data); });
  ASSERT_TRUE(certificate) << certificate.error().detail();
  EXPECT_EQ(guest_->reports(), 1);
  EXPECT_TRUE(std::filesystem::is_empty(configfs() + "/tsm/report"));
  come_with(std::move(*certificate));
  ASSERT_TRUE(run_until([&] { return core().bytes == "hello"; }));
  EXPECT_EQ(core().log, (std::vector<std::string>{"connected", "bytes"}));
}

TEST_F(TdxEvidence, AnEventLogThatCannotBeReadMakesNoCertificate) {
  event_log_ = folder_.file("no-such-log");
  const auto certificate = certificate_with(
      [](const ByteArray<64>& report_data) { return quote_of(platform(), report_data); });
  ASSERT_FALSE(certificate);
  EXPECT_EQ(certificate.error().code(), "event_log_unreadable");
}

TEST_F(TdxEvidence, AnEventLogThatIsNoneMakesNoCertificate) {
  boot_log(Bytes(100, 1));
  const auto certificate = certificate_with(
      [](const ByteArray<64>& report_data) { return quote_of(platform(), report_data); });
  ASSERT_FALSE(certificate);
  EXPECT_EQ(certificate.error().code(), "event_log_malformed");
}

TEST_F(TdxEvidence, TheLogOfAnotherBootMakesNoCertificate) {
  boot_log(some_log());
  const auto certificate = certificate_with(
      [](const ByteArray<64>& report_data) { return quote_of(platform(), report_data); });
  ASSERT_FALSE(certificate);
  EXPECT_EQ(certificate.error().code(), "event_log_mismatch");
  EXPECT_NE(certificate.error().detail().find("leave event_log out"), std::string::npos);
}

TEST_F(TdxEvidence, AWorkerWithTheLogOfItsBootIsAdmitted) {
  Bytes buffer = some_log();
  buffer.resize(64 * 1024, 0xFF);  // as firmware leaves it
  boot_log(buffer);
  const attest::Rtmrs rtmrs = attest::replay(attest::parse_event_log(buffer).value());
  auto certificate = certificate_with([rtmrs](const ByteArray<64>& report_data) {
    return quote_of(platform(), report_data, rtmrs);
  });
  ASSERT_TRUE(certificate) << certificate.error().detail();
  const auto evidence = attest::parse_certificate_evidence(*certificate).value();
  EXPECT_EQ(evidence.claims->event_log, some_log());
  come_with(std::move(*certificate));
  ASSERT_TRUE(run_until([&] { return !core().peers.empty() || !core().losses.empty(); }));
  EXPECT_EQ(core().peers.size(), 1u);
}

TEST_F(TdxEvidence, ALogThatTheQuoteDoesNotBearOutIsRefused) {
  const Credentials worker = with_event_log(some_log());
  start_node(with_evidence(sound(), wire::Role::proxy), wire::Role::worker, worker.collateral);
  peer_comes(worker, wire::Role::worker);
  ASSERT_TRUE(run_until([&] { return !core().losses.empty(); }));
  EXPECT_EQ(core().losses.front().code(), "event_log_mismatch") << core().losses.front().detail();
}

TEST_F(TdxEvidence, ALogOfNothingFitsRegistersOfZeros) {
  const Credentials worker = with_event_log(attest::sim::sim_event_log({}));
  start_node(with_evidence(sound(), wire::Role::proxy), wire::Role::worker, worker.collateral);
  peer_comes(worker, wire::Role::worker);
  ASSERT_TRUE(run_until([&] { return !core().peers.empty() || !core().losses.empty(); }));
  EXPECT_EQ(core().peers.size(), 1u);
}

}  // namespace
}  // namespace cocoon::live
