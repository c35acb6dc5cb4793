// A supply between real files and a real HTTPS server.

#include "collateral/supply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "collateral/files.h"
#include "crypto/system_random.h"
#include "io/clock.h"
#include "support/pccs_server.h"
#include "support/sim_hardware.h"
#include "unit/io/test_loop.h"
#include "unit/store/temporary_folder.h"

namespace cocoon::collateral {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

crypto::SystemRandom& random() {
  static crypto::SystemRandom source;
  return source;
}

UnixTime now() {
  return std::chrono::floor<Seconds>(io::now().unix);
}

/// Counts what it is told; the last value of each gauge.
class Counts final : public Metrics {
 public:
  void add(std::string_view name, double delta, std::string_view label) override {
    values[std::string(name) + "/" + std::string(label)] += delta;
  }
  void set(std::string_view name, double value, std::string_view) override {
    values[std::string(name)] = value;
  }
  void observe(std::string_view, double) override {}
  std::map<std::string, double> values;
};

class SupplyTest : public io::test::LoopTest {
 protected:
  SupplyTest() { server.serve("b0c06f000000", material.collateral); }

  void open(const CollateralSource& source) {
    SupplyOptions options;
    options.source = source;
    options.folder = folder.file("collateral");
    options.root = test::stand_in_root(platform);
    options.patience = patience;
    options.metrics = metrics;
    options.log = Logger([this](const LogRecord& r) { log += std::string(r.message) + "\n"; }, "t");
    auto made = Supply::create(context(), std::move(options), random());
    ASSERT_TRUE(made) << made.error().detail();
    supply = std::move(*made);
  }
  void open() { open({.url = server.url(), .ca_file = ca_file}); }

  void ask() {
    answer.reset();
    supply->need(who, material.quote, [this](Result<HeldPtr> held) { answer = std::move(held); });
    EXPECT_FALSE(answer) << "answered inside the call";
  }
  std::string need() {
    ask();
    if (!run_until([&] { return answer.has_value(); })) return "no answer";
    return *answer ? "held" : std::string(answer->error().code()) + ": " + answer->error().detail();
  }
  std::string path() const { return file_of(folder.file("collateral"), who); }
  void write(const std::string& text) {
    std::filesystem::create_directory(folder.file("collateral"));
    std::ofstream(path()) << text;
  }
  bool is_written() {
    return run_until([&] { return std::filesystem::exists(path()); });
  }

  test::TemporaryFolder folder;
  const std::string ca_file = folder.file("ca.pem");
  test::PccsServer server{ca_file};
  attest::sim::SimPlatform platform = attest::sim::SimPlatform::create(random(), now()).value();
  test::SimMaterial material = test::make_sim_defect(test::hardware(), platform, {}, now());
  const Platform who{TeeKind::tdx, test::kHardwareFmspc, PckCa::platform};
  Millis patience{60'000};
  std::shared_ptr<Counts> metrics = std::make_shared<Counts>();
  std::string log;
  std::unique_ptr<Supply> supply;
  std::optional<Result<HeldPtr>> answer;
};

TEST_F(SupplyTest, AServiceThatNobodyVouchesForIsNotAsked) {
  open({.url = server.url()});
  EXPECT_THAT(need(), HasSubstr("tls_failed"));
  EXPECT_TRUE(server.asked().empty());
}

TEST_F(SupplyTest, AServiceUnderAnotherNameIsNotAsked) {
  std::string url = server.url();
  url.replace(url.find("127.0.0.1"), 9, "localhost");
  open({.url = url, .ca_file = ca_file});
  EXPECT_THAT(need(), HasSubstr("tls_failed"));
  EXPECT_TRUE(server.asked().empty());
}

TEST_F(SupplyTest, BadOptionsAreRefusedAtTheStart) {
  for (const CollateralSource& source :
       {CollateralSource{.url = "http://127.0.0.1:1"}, CollateralSource{.url = "pccs"},
        CollateralSource{.url = "https://h/sgx/certification/v4"}, CollateralSource{.url = ""}}) {
    const auto made = Supply::create(context(), {.source = source}, random());
    ASSERT_FALSE(made) << source.url;
    EXPECT_EQ(made.error().kind(), ErrorKind::invalid_argument);
  }
  const auto made =
      Supply::create(context(), {.source = {.ca_file = folder.file("none")}}, random());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), "ca_file_unreadable");
}

TEST_F(SupplyTest, ADeadServiceIsNamedWithWhatToDo) {
  server.stop();
  open();
  EXPECT_THAT(need(), HasSubstr("there is no collateral of tdx b0c06f000000 (platform CA): nothing "
                                "listens at " +
                                server.url()));
  EXPECT_THAT(need(), HasSubstr("check \"url\" and \"ca_file\" in [collateral]"));
  EXPECT_THAT(log, HasSubstr("its peers are refused"));
  EXPECT_EQ(metrics->values["cocoon_collateral_fetches_total/failed"], 1);
}

TEST_F(SupplyTest, ARefusalIsExplained) {
  server.set_status(404);
  open();
  EXPECT_THAT(need(), HasSubstr("a PCCS may have to be filled first"));
}

TEST_F(SupplyTest, WhatTheServiceGivesMustFit) {
  const auto other = attest::sim::SimPlatform::create(random(), now()).value();
  server.serve("b0c06f000000",
               test::make_sim_defect(test::hardware(), other, {}, now()).collateral);
  open();
  EXPECT_THAT(need(), HasSubstr("collateral_unfit"));
  EXPECT_TRUE(supply->holdings()->empty());
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(SupplyTest, ASlowServiceIsNotWaitedForWithoutEnd) {
  patience = Millis(50);
  server.hold();
  open();
  EXPECT_THAT(need(), HasSubstr("collateral_timeout: " + server.url()));
  server.release();
  ASSERT_TRUE(run_until([&] { return !supply->holdings()->empty(); }));
  server.stop();
  EXPECT_EQ(need(), "held") << "what came late is there for the next";
}

TEST_F(SupplyTest, FetchesWhatVerifiesAndSaysSo) {
  open();
  EXPECT_EQ(need(), "held");
  EXPECT_EQ(**answer, supply->holdings()->at("tdx-b0c06f000000-platform"));
  EXPECT_THAT(server.asked(),
              Contains("/tdx/certification/v4/tcb?fmspc=b0c06f000000&update=early"));
  EXPECT_THAT(log, HasSubstr("collateral of tdx b0c06f000000 (platform CA) fetched from " +
                             server.url() + ": issued "));
  EXPECT_EQ(metrics->values["cocoon_collateral_fetches_total/done"], 1);
  EXPECT_EQ(metrics->values["cocoon_collateral_platforms"], 1);
  const Held& held = ***answer;
  EXPECT_EQ(metrics->values["cocoon_collateral_expires_timestamp_seconds"],
            static_cast<double>(to_unix_seconds(held.expires)));
  EXPECT_EQ(metrics->values["cocoon_collateral_issued_timestamp_seconds"],
            static_cast<double>(to_unix_seconds(held.issued)));
}

TEST_F(SupplyTest, StandardUpdatesAreAskedForWhereTheyAreWanted) {
  open({.url = server.url(), .update = CollateralSource::Update::standard, .ca_file = ca_file});
  EXPECT_EQ(need(), "held");
  EXPECT_THAT(server.asked(),
              Contains("/tdx/certification/v4/tcb?fmspc=b0c06f000000&update=standard"));
}

TEST_F(SupplyTest, WhatWasFetchedOutlivesTheProcessAndTheService) {
  open();
  EXPECT_EQ(need(), "held");
  ASSERT_TRUE(is_written());
  server.stop();
  open();
  EXPECT_EQ(need(), "held");
}

TEST_F(SupplyTest, TheFileIsForItsOwnerAndInTheLayoutOfTheTools) {
  open();
  EXPECT_EQ(need(), "held");
  ASSERT_TRUE(is_written());
  const auto read = read_collateral(path());
  ASSERT_TRUE(read) << read.error().detail();
  EXPECT_EQ(read->to_json(), material.collateral.to_json());
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(path()).permissions(), perms::owner_read | perms::owner_write);
  EXPECT_EQ(std::filesystem::status(folder.file("collateral")).permissions(), perms::owner_all);
  EXPECT_FALSE(std::filesystem::exists(path() + ".new"));
}

TEST_F(SupplyTest, ADamagedFileIsReportedAndFetchedAgain) {
  for (const std::string& damaged :
       {std::string("{"), std::string(), material.collateral.to_json().substr(0, 5000),
        std::string(7u << 20, ' ')}) {
    write(damaged);
    log.clear();
    open();
    EXPECT_EQ(need(), "held");
    EXPECT_THAT(log, HasSubstr("a file of collateral is not used: " + path()));
    EXPECT_TRUE(run_until([&] { return read_collateral(path()).has_value(); })) << "not mended";
  }
}

TEST_F(SupplyTest, AnExpiredFileIsNotUsed) {
  write(test::make_sim_defect(test::hardware(), platform, {}, now() - Seconds(90 * 24 * 3600))
            .collateral.to_json());
  open();
  EXPECT_EQ(need(), "held");
  EXPECT_THAT(log, HasSubstr("EXPIRED"));
  EXPECT_GT((**answer)->expires, now());
}

TEST_F(SupplyTest, AnotherPlatformsFileIsNotUsed) {
  write(test::make_sim_defect(test::hardware({1, 2, 3, 4, 5, 6}), platform, {}, now())
            .collateral.to_json());
  server.stop();
  open();
  EXPECT_THAT(need(), HasSubstr("connection_refused"));
  EXPECT_THAT(log, HasSubstr("TCB_INFO_MISMATCH:fmspc"));
}

TEST_F(SupplyTest, AFolderThatCannotBeWrittenCostsOnlyTheMemory) {
  std::ofstream(folder.file("collateral")) << "a file where the folder should be";
  open();
  EXPECT_EQ(need(), "held");
  EXPECT_TRUE(
      run_until([&] { return log.find("it is held in memory only") != std::string::npos; }));
  EXPECT_EQ(need(), "held");
}

TEST_F(SupplyTest, ABundleAloneIsEnough) {
  const std::string bundle = folder.file("");
  server.stop();
  open({.url = "", .bundle_dir = bundle});
  EXPECT_THAT(need(), HasSubstr("cocoon-attest fetch-collateral --tee tdx --fmspc b0c06f000000 "
                                "--ca platform --out " +
                                file_of(bundle, who)));
  std::ofstream(file_of(bundle, who)) << material.collateral.to_json();
  open({.url = "", .bundle_dir = bundle});
  EXPECT_EQ(need(), "held");
  EXPECT_TRUE(server.asked().empty());
}

TEST_F(SupplyTest, TheNewestOfAllFilesIsUsed) {
  const std::string bundle = folder.file("");
  const auto older =
      test::make_sim_defect(test::hardware(), platform, {}, now() - Seconds(10 * 24 * 3600));
  write(older.collateral.to_json());
  std::ofstream(file_of(bundle, who)) << material.collateral.to_json();
  open({.url = "", .bundle_dir = bundle});
  EXPECT_EQ(need(), "held");
  EXPECT_EQ(*(**answer)->json, material.collateral.to_json());
}

TEST_F(SupplyTest, WhoWaitsWhenItEndsIsNotCalled) {
  server.hold();
  open();
  ask();
  ASSERT_TRUE(run_until([&] { return !server.asked().empty(); }));
  supply.reset();
  server.release();
  for (int i = 0; i < 50; ++i) run_turn();
  EXPECT_FALSE(answer);
}

}  // namespace
}  // namespace cocoon::collateral
