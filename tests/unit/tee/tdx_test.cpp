#include "tee/tdx.h"

#include <future>
#include <thread>

#include "attest/quote.h"
#include "support/qgs_server.h"
#include "tee/source.h"
#include "tee/td_report.h"
#include "unit/io/test_loop.h"
#include "unit/tee/guest_test.h"

namespace cocoon::tee {
namespace {

using test::GuestCall;
using test::QgsServer;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Tdx : public GuestTest {
 protected:
  TdxMachine machine() const {
    return {configfs(), device(), {.unix_path = folder_.file("qgs.socket")}};
  }
  /// A service that makes sound quotes of the reports that it gets.
  QgsServer service() const {
    return QgsServer(machine().qgs.unix_path, [](const Bytes& question) {
      return std::vector<Bytes>{
          QgsServer::quote_answer(quote_over(QgsServer::report_data_of(question)))};
    });
  }
  Result<Bytes> ask() {
    Result<Bytes> out = Bytes();
    in_guest([&] { out = tdx_quotes(machine())(some_report_data()); });
    return out;
  }
};

// --- the device ---

TEST_F(Tdx, NoDevice) {
  const auto report = read_td_report(folder_.file("nowhere"), some_report_data());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), "no_tdx_device");
  EXPECT_THAT(report.error().detail(),
              AllOf(HasSubstr("nowhere: no such file"), HasSubstr("no TDX guest"),
                    HasSubstr("modprobe tdx_guest")));
}

TEST_F(Tdx, ADeviceThatMayNotBeOpened) {
  start_guest([](Behaviour& b) {
    b.before = [](GuestCall& call) { return call.attribute == "device" ? EACCES : 0; };
  });
  in_guest([&] {
    const auto report = read_td_report(device(), some_report_data());
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code(), "no_tdx_device");
    EXPECT_THAT(report.error().detail(), HasSubstr("give this user access"));
  });
}

TEST_F(Tdx, SomethingElseThanTheDevice) {
  const auto report = read_td_report("/dev/null", some_report_data());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), "td_report_failed");
  EXPECT_THAT(report.error().detail(), HasSubstr("/dev/null gives no TDREPORT"));
}

TEST_F(Tdx, TheDevicesReportIsOverTheData) {
  start_guest();
  in_guest([&] {
    const auto report = read_td_report(device(), some_report_data());
    ASSERT_TRUE(report) << report.error().detail();
    EXPECT_EQ(report->size(), 1024U);
    EXPECT_EQ(to_array<64>(ByteView(*report).subspan(128, 64)), some_report_data());
  });
}

// --- which way ---

TEST_F(Tdx, WhereNeitherWayWorksBothAreExplained) {
  std::filesystem::remove_all(configfs());
  const auto quote = tdx_quotes(machine())(some_report_data());
  ASSERT_FALSE(quote);
  EXPECT_EQ(quote.error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(quote.error().code(), "tdx_unavailable");
  EXPECT_THAT(quote.error().detail(),
              AllOf(HasSubstr("by configfs-tsm: " + configfs() + " does not exist"),
                    HasSubstr("by QGS: " + device() + ": no such file"),
                    HasSubstr("cocoon-attest source")));
}

TEST_F(Tdx, TheServiceIsNotAskedWhereConfigfsWorks) {
  start_guest();
  const auto quote = ask();
  ASSERT_TRUE(quote) << quote.error().detail();
  EXPECT_EQ(guest_->reports(), 1);
}

TEST_F(Tdx, TheServiceIsAskedWhereThereIsNoConfigfs) {
  std::filesystem::remove_all(configfs());
  start_guest();
  const auto running = service();
  const auto quote = ask();
  ASSERT_TRUE(quote) << quote.error().detail();
  EXPECT_EQ(attest::parse_quote(*quote).value().report_data(), some_report_data());
}

TEST_F(Tdx, TheServiceIsAskedWhereTheHostRefusesTheKernel) {
  start_guest([](Behaviour& b) {
    b.before = [](GuestCall& call) { return call.attribute == "outblob" ? EIO : 0; };
  });
  const auto running = service();
  const auto quote = ask();
  ASSERT_TRUE(quote) << quote.error().detail();
  EXPECT_EQ(attest::parse_quote(*quote).value().report_data(), some_report_data());
}

// --- what a node gets ---

TEST(CheckQuote, KeepsTheReasonWhereThereIsNone) {
  const auto quote = check_quote(Error(ErrorKind::timeout, "tsm_timeout", "late"), {});
  ASSERT_FALSE(quote);
  EXPECT_EQ(quote.error().code(), "tsm_timeout");
}

TEST(CheckQuote, RefusesWhatIsNoQuote) {
  const auto quote = check_quote(Bytes(5000), {});
  ASSERT_FALSE(quote);
  EXPECT_EQ(quote.error().kind(), ErrorKind::attestation);
  EXPECT_EQ(quote.error().code(), "quote_format");
}

class NodeSource : public io::test::LoopTest {
 protected:
  io::JobPool start_jobs() {
    io::JobPoolOptions options;
    options.name = "tee-test";
    options.queue_bounds = {1, 0, 0};
    return io::JobPool::start(context(), options).value();
  }
  /// What a source gives whose machine answers `made`.
  Result<Bytes> ask(const MakeQuote& make) {
    auto jobs = start_jobs();
    Source source(make, {}, false, jobs);
    std::optional<Result<Bytes>> answer;
    source.quote(some_report_data(), [&](Result<Bytes> quote) { answer = std::move(quote); });
    EXPECT_FALSE(answer) << "answered inside the call";
    run_until([&] { return answer.has_value(); });
    return *answer;
  }
};

TEST_F(NodeSource, NeverGivesAQuoteOverOtherData) {
  const auto quote = ask([](ByteArray<64> data) {
    data[63] ^= 1;
    return Result<Bytes>(quote_over(data));
  });
  ASSERT_FALSE(quote);
  EXPECT_EQ(quote.error().kind(), ErrorKind::attestation);
  EXPECT_EQ(quote.error().code(), "quote_of_other_data");
}

TEST_F(NodeSource, NeverGivesWhatIsNoQuote) {
  const auto quote = ask([](const auto&) { return Result<Bytes>(Bytes(5000)); });
  ASSERT_FALSE(quote);
  EXPECT_EQ(quote.error().code(), "quote_format");
}

TEST_F(NodeSource, RefusesMoreThanItsJobsCanHold) {
  auto jobs = start_jobs();
  std::promise<void> gate;
  Source source(
      [open = gate.get_future().share()](const auto& data) {
        open.wait();
        return Result<Bytes>(quote_over(data));
      },
      {}, false, jobs);
  std::vector<Result<Bytes>> answers;
  const auto ask_one = [&] {
    source.quote(some_report_data(), [&](Result<Bytes> quote) { answers.push_back(quote); });
  };
  ask_one();
  run_until([&] { return jobs.waiting(io::JobClass::urgent) == 0; });
  ask_one();
  EXPECT_EQ(answers.size(), 0U);
  ask_one();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].error().kind(), ErrorKind::busy);
  gate.set_value();
  run_until([&] { return answers.size() == 3; });
  EXPECT_TRUE(answers[1] && answers[2]);
}

TEST_F(NodeSource, MakesQuotesOnAnotherThread) {
  std::thread::id maker;
  const auto quote = ask([&](const auto& data) {
    maker = std::this_thread::get_id();
    return Result<Bytes>(quote_over(data));
  });
  ASSERT_TRUE(quote) << quote.error().detail();
  EXPECT_NE(maker, std::this_thread::get_id());
}

}  // namespace
}  // namespace cocoon::tee
