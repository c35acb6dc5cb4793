#include "ledger/ton/toncenter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "codec/base64.h"
#include "io/clock.h"
#include "support/seeded_random.h"
#include "ton/boc.h"
#include "ton/builder.h"
#include "unit/io/scripted_server.h"
#include "unit/io/test_loop.h"

namespace cocoon::ledger {
namespace {

using io::test::ScriptedServer;

std::string http(int status, const std::string& body, const std::string& fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string account_body(std::uint64_t lt, UnixTime time = io::now().unix, unsigned data = 1) {
  const auto cell = [](unsigned n) {
    return to_base64(ton::serialize_boc(ton::Builder().store_uint(n, 32).finish().value()).value());
  };
  return R"({"ok":true,"result":{"balance":"5","code":")" + cell(0) + R"(","data":")" + cell(data) +
         R"(","last_transaction_id":{"lt":")" + std::to_string(lt) + R"(","hash":")" +
         to_base64(Bytes(32, static_cast<std::uint8_t>(lt))) + R"("},"sync_utime":)" +
         std::to_string(to_unix_seconds(time)) + R"(,"state":"active"}})";
}

/// Two servers with scripts of their own, and what came of the questions.
class ToncenterTest : public io::test::LoopTest {
 protected:
  struct Server {
    Server(const io::Context& context)
        : server(context, io::Address::parse("127.0.0.1:0").value(),
                 [this](const std::string& request, ScriptedServer::Peer& peer) {
                   requests.push_back(request);
                   if (!answer.empty()) peer.send(answer);
                 }) {}
    std::string answer;  ///< empty: none at all
    std::vector<std::string> requests;
    ScriptedServer server;
  };

  void open(Millis patience = Seconds{30}, double rate = 1000) {
    ToncenterOptions options;
    options.endpoints = {{first_.server.url("/api/v2"), "a-key", rate},
                         {second_.server.url("/api/v2/"), "", rate}};
    options.patience = patience;
    auto made = Toncenter::create(context(), std::move(options), random_);
    ASSERT_TRUE(made) << made.error().detail();
    toncenter_ = std::move(*made);
  }

  Result<AccountReading> account(const ton::Address& address = {}) {
    std::optional<Result<AccountReading>> got;
    toncenter_->account(address, [&](Result<AccountReading> r) { got.emplace(std::move(r)); });
    EXPECT_FALSE(got) << "answered inside the call";
    run_until([&] { return got.has_value(); });
    return got ? std::move(*got) : Error(ErrorKind::internal, "no_answer", "");
  }

  cocoon::test::SplitMix random_{7};
  Server first_{context()};
  Server second_{context()};
  std::unique_ptr<Toncenter> toncenter_;
};

TEST_F(ToncenterTest, SaysWhatWasWrongWithEachEndpoint) {
  open();
  first_.answer = http(502, "<html>bad gateway</html>");
  second_.answer = http(500, R"({"ok":false,"error":"LITE_SERVER_NOTREADY","code":500})");
  const auto got = account();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(got.error().code(), "ledger_unavailable");
  for (const std::string& part :
       {first_.server.url(), std::string("502"), second_.server.url(),
        std::string("LITE_SERVER_NOTREADY"), std::string("getAddressInformation")}) {
    EXPECT_NE(got.error().detail().find(part), std::string::npos) << got.error().detail();
  }
}

TEST_F(ToncenterTest, AsksTheNextOneWhereOneFailsInAnyWay) {
  const std::string good = http(200, account_body(10));
  for (const std::string& bad :
       {http(200, "{}"), http(200, account_body(10).substr(0, 100)), http(404, "no"),
        std::string("not HTTP at all\r\n\r\n"), http(200, account_body(10, UnixTime(Seconds{5}))),
        http(200, std::string(100, '[')), http(301, "", "Location: http://127.0.0.1:1/\r\n")}) {
    open();
    first_.answer = bad;
    second_.answer = good;
    const auto got = account();
    ASSERT_TRUE(got) << bad << got.error().detail();
    EXPECT_EQ(got->last_lt, 10u);
  }
}

TEST_F(ToncenterTest, AsksTheNextOneWhereOneIsOutOfReach) {
  ToncenterOptions options;
  options.endpoints = {{"http://127.0.0.1:1/api/v2", "", 0},
                       {second_.server.url("/api/v2"), "", 0}};
  toncenter_ = Toncenter::create(context(), std::move(options), random_).value();
  second_.answer = http(200, account_body(10));
  const auto got = account();
  ASSERT_TRUE(got) << got.error().detail();
}

TEST_F(ToncenterTest, DoesNotBelieveWhatGoesBackwards) {
  open();
  first_.answer = http(200, account_body(10));
  ASSERT_TRUE(account());
  first_.answer = http(200, account_body(9));
  second_.answer = http(200, account_body(11));
  const auto got = account();
  ASSERT_TRUE(got) << got.error().detail();
  EXPECT_EQ(got->last_lt, 11u);
}

TEST_F(ToncenterTest, RecoversFromALiarThatRanAhead) {
  open();
  first_.answer = http(200, account_body(1'000'000));
  ASSERT_TRUE(account());
  first_.answer = http(200, account_body(10));
  second_.answer = http(200, account_body(10));
  const auto refused = account();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail().find("older state"), std::string::npos);
  const auto got = account();
  ASSERT_TRUE(got) << got.error().detail();
  EXPECT_EQ(got->last_lt, 10u);
}

TEST_F(ToncenterTest, WaitsWhereItIsToldToAndAsksAgain) {
  ToncenterOptions options;
  options.endpoints = {{first_.server.url("/api/v2"), "", 1000}};
  toncenter_ = Toncenter::create(context(), std::move(options), random_).value();
  first_.answer = http(429, "{}", "Retry-After: 1\r\n");
  std::optional<Result<AccountReading>> got;
  toncenter_->account({}, [&](Result<AccountReading> r) { got.emplace(std::move(r)); });
  run_until([&] { return first_.requests.size() == 1; });
  const auto before = io::now().mono;
  first_.answer = http(200, account_body(10));
  run_until([&] { return got.has_value(); });
  ASSERT_TRUE(*got) << got->error().detail();
  EXPECT_GE(io::now().mono - before, Millis{900});
  EXPECT_EQ(first_.requests.size(), 2u);
}

TEST_F(ToncenterTest, GivesUpWhenPatienceEnds) {
  open(Millis{300});
  first_.answer = http(429, "{}", "Retry-After: 100\r\n");
  second_.answer = first_.answer;
  const auto got = account();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), "ledger_timeout");
  EXPECT_NE(got.error().detail().find("429"), std::string::npos) << got.error().detail();
}

TEST_F(ToncenterTest, SendsTheKeyToItsOwnEndpointOnly) {
  open();
  first_.answer = http(500, "{}");
  second_.answer = http(200, account_body(10));
  ASSERT_TRUE(account());
  ASSERT_EQ(first_.requests.size(), 1u);
  ASSERT_EQ(second_.requests.size(), 1u);
  EXPECT_NE(first_.requests[0].find("X-API-Key: a-key\r\n"), std::string::npos);
  EXPECT_EQ(second_.requests[0].find("a-key"), std::string::npos);
  EXPECT_EQ(second_.requests[0].rfind("GET /api/v2/getAddressInformation?address=EQ", 0), 0u)
      << second_.requests[0];
}

TEST_F(ToncenterTest, HandsAMessageToEveryoneUntilOneTakesIt) {
  open();
  first_.answer = http(500, R"({"ok":false,"error":"cannot apply external message","code":500})");
  second_.answer = http(200, R"({"ok":true,"result":{"@type":"ok"}})");
  std::optional<Status> got;
  toncenter_->hand_in(Bytes{1, 2, 3}, [&](Status s) { got.emplace(std::move(s)); });
  run_until([&] { return got.has_value(); });
  EXPECT_TRUE(*got);
  EXPECT_NE(first_.requests[0].find(R"({"boc":"AQID"})"), std::string::npos);
  // A refused message is no reason to let the endpoint rest.
  first_.answer = http(200, account_body(10));
  ASSERT_TRUE(account());
  EXPECT_EQ(first_.requests.size(), 2u);
}

TEST_F(ToncenterTest, KeepsItsRate) {
  open(Seconds{30}, 20);
  first_.answer = second_.answer = http(200, account_body(10));
  int answered = 0;
  const auto before = io::now().mono;
  for (int i = 0; i < 60; ++i) {
    toncenter_->account({}, [&](Result<AccountReading> r) {
      EXPECT_TRUE(r);
      ++answered;
    });
  }
  run_until([&] { return answered == 60; });
  // 40 at once (a second's worth of each), the others at 40 a second.
  EXPECT_GE(io::now().mono - before, Millis{400});
}

TEST_F(ToncenterTest, CallsNobodyOnceItIsGone) {
  open();
  bool called = false;
  toncenter_->account({}, [&](const Result<AccountReading>&) { called = true; });
  run_until([&] { return first_.requests.size() == 1; });
  toncenter_.reset();
  first_.server.peer(0).send(http(200, account_body(10)));
  run_turn();
  EXPECT_FALSE(called);
}

TEST_F(ToncenterTest, MayBeDestroyedByWhomItCalls) {
  open();
  first_.answer = http(200, account_body(10));
  int called = 0;
  for (int i = 0; i < 3; ++i) {
    toncenter_->account({}, [&](const Result<AccountReading>&) {
      ++called;
      toncenter_.reset();
    });
  }
  run_until([&] { return called > 0; });
  run_turn();
  EXPECT_EQ(called, 1);
}

TEST_F(ToncenterTest, ReadsAnswersOffTheLoop) {
  open();
  first_.answer = http(200, account_body(10));
  std::optional<Result<std::thread::id>> got;
  toncenter_->view<std::thread::id>(
      {},
      [](const AccountReading& a) -> Result<std::thread::id> {
        EXPECT_EQ(a.last_lt, 10u);
        return std::this_thread::get_id();
      },
      [&](Result<std::thread::id> r) { got.emplace(std::move(r)); });
  run_until([&] { return got.has_value(); });
  ASSERT_TRUE(*got) << got->error().detail();
  EXPECT_NE(**got, std::this_thread::get_id());
}

TEST_F(ToncenterTest, PassesOnWhatAViewRefuses) {
  open();
  first_.answer = http(200, account_body(10));
  std::optional<Result<int>> got;
  toncenter_->view<int>(
      {},
      [](const AccountReading&) -> Result<int> {
        return Error(ErrorKind::upstream, "ledger_contract_wrong", "not so");
      },
      [&](Result<int> r) { got.emplace(std::move(r)); });
  run_until([&] { return got.has_value(); });
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code(), "ledger_contract_wrong");
  EXPECT_TRUE(second_.requests.empty()) << "the endpoint answered well";
}

TEST_F(ToncenterTest, BelievesAnswersInTheOrderInWhichTheyCame) {
  open();
  first_.answer = http(200, account_body(10));
  std::promise<void> let_go;
  std::vector<std::uint64_t> order;
  const auto view = [&](Callback<Result<std::uint64_t>(const AccountReading&)> look) {
    toncenter_->view<std::uint64_t>({}, std::move(look), [&](const Result<std::uint64_t>& lt) {
      ASSERT_TRUE(lt) << lt.error().detail();
      order.push_back(*lt);
    });
  };
  std::atomic<bool> reading = false;
  view([&](const AccountReading& a) -> Result<std::uint64_t> {
    reading = true;
    let_go.get_future().wait();
    return a.last_lt;
  });
  run_until([&] { return reading.load(); });
  // While the first is being read, a newer state is asked for and comes.
  first_.answer = http(200, account_body(11));
  view([](const AccountReading& a) -> Result<std::uint64_t> { return a.last_lt; });
  run_until([&] { return first_.requests.size() == 2; });
  run_turn();
  EXPECT_TRUE(order.empty());
  let_go.set_value();
  run_until([&] { return order.size() == 2; });
  EXPECT_EQ(order, (std::vector<std::uint64_t>{10, 11}));
  EXPECT_TRUE(second_.requests.empty()) << "the first was taken for an older state";
}

TEST_F(ToncenterTest, CallsNobodyWhereItGoesWhileAnAnswerIsRead) {
  open();
  first_.answer = http(200, account_body(10));
  std::promise<void> let_go;
  std::atomic<bool> reading = false;
  bool called = false;
  toncenter_->view<int>(
      {},
      [&](const AccountReading&) -> Result<int> {
        reading = true;
        let_go.get_future().wait();
        return 1;
      },
      [&](const Result<int>&) { called = true; });
  run_until([&] { return reading.load(); });
  toncenter_.reset();
  let_go.set_value();
  run_turn();
  EXPECT_FALSE(called);
}

TEST_F(ToncenterTest, AsksNoMoreThanItCanRead) {
  open();
  first_.answer = http(200, account_body(10));
  std::promise<void> let_go;
  bool first_one = true;  // on the reading thread alone
  std::size_t answered = 0;
  constexpr std::size_t kQuestions = 3 * limits::kTonConnections;
  for (std::size_t i = 0; i < kQuestions; ++i) {
    toncenter_->view<int>(
        {},
        [&](const AccountReading&) -> Result<int> {
          if (std::exchange(first_one, false)) let_go.get_future().wait();
          return 1;
        },
        [&](const Result<int>& r) {
          EXPECT_TRUE(r) << r.error().detail();
          ++answered;
        });
  }
  run_until([&] { return first_.requests.size() == limits::kTonConnections; });
  for (int i = 0; i < 10; ++i) run_turn();
  EXPECT_EQ(first_.requests.size(), limits::kTonConnections);
  let_go.set_value();
  run_until([&] { return answered == kQuestions; });
}

}  // namespace
}  // namespace cocoon::ledger
