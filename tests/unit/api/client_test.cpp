#include "cocoon/client.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "billing/registry.h"
#include "cocoon/gateway.h"
#include "cocoon/proxy.h"
#include "cocoon/worker.h"
#include "io/tcp.h"
#include "ledger/local_ledger.h"
#include "unit/io/test_loop.h"
#include "unit/store/temporary_folder.h"

namespace cocoon {
namespace {

/// A client on a ledger without proxies: what it answers, it answers by itself.
class ApiTest : public io::test::LoopTest {
 protected:
  ApiTest() {
    ledger::Genesis genesis;
    genesis.registry.network = NetworkId{{1, 2, 3}};
    genesis.registry.prices = billing::reference_prices();
    genesis.registry.client_close_delay = Seconds{100};
    genesis.registry.proxy_close_delay = Seconds{200};
    genesis.registry.models.push_back({"demo/echo", 4096, 64});
    genesis.registry.min_deposit = Nano{100};
    genesis.registry.min_payout = Nano{1};
    genesis.registry.min_stake = Nano{100};
    const auto made = ledger::LocalLedger::create(folder_.file("ledger.sqlite"), genesis,
                                                  UnixTime(Seconds{1'700'000'000}));
    EXPECT_TRUE(made) << made.error().detail();
  }

  Loop loop() { return Loop::borrow(raw_loop()); }

  template <class Options>
  Options options(const std::string& name) const {
    Options out;
    out.ledger_path = folder_.file("ledger.sqlite");
    out.state_dir = folder_.file(name);
    return out;
  }

  std::unique_ptr<Client> make_client(std::vector<std::string> proxies = {}) {
    auto wanted = options<ClientOptions>("client");
    wanted.proxies = std::move(proxies);
    auto made = Client::create(loop(), std::move(wanted));
    EXPECT_TRUE(made) << made.error().detail();
    return std::make_unique<Client>(std::move(*made));
  }

  /// A client whose core runs: it has read the registry, and knows of no proxy.
  std::unique_ptr<Client> make_running_client() {
    auto client = make_client();
    EXPECT_TRUE(client->start());
    run_until([&] { return client->not_ready_reason().find("no proxy") != std::string::npos; });
    return client;
  }

  static InferenceRequest question() {
    InferenceRequest request;
    request.model = "demo/echo";
    request.body = R"({"model":"demo/echo","messages":[{"role":"user","content":"Hello!"}]})";
    return request;
  }

  /// A request that goes nowhere.
  static RequestHandle ask(Client& client, Callback<void(const RequestOutcome&)> on_done) {
    StreamCallbacks callbacks;
    callbacks.on_done = std::move(on_done);
    auto made = client.submit(question(), std::move(callbacks));
    EXPECT_TRUE(made) << made.error().detail();
    return std::move(*made);
  }

  /// Until nothing is left that would call back.
  void run_out() { EXPECT_EQ(uv_run(raw_loop(), UV_RUN_DEFAULT), 0); }

  template <class Node>
  void stop(Node& node) {
    bool stopped = false;
    node.stop(Millis(0), [&] { stopped = true; });
    run_until([&] { return stopped; });
  }

 private:
  test::TemporaryFolder folder_;
};

class ClientTest : public ApiTest {};

TEST_F(ClientTest, NothingIsCalledBackOnceACallbackHasDestroyedTheClient) {
  auto client = make_running_client();
  bool late = false;
  auto first = ask(*client, [&](const RequestOutcome&) { client.reset(); });
  auto second = ask(*client, [&](const RequestOutcome&) { late = client == nullptr; });
  bool models = false;
  client->models([&](const auto&) { models = client == nullptr; });
  first.cancel();
  second.cancel();  // both end in the next turn
  run_until([&] { return client == nullptr; });
  run_out();
  EXPECT_FALSE(late);
  EXPECT_FALSE(models);
}

TEST_F(ClientTest, CallbackThatDestroysItsOwnHandleRunsToItsEnd) {
  auto client = make_running_client();
  std::optional<RequestHandle> handle;
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> callback_lives = owned;
  std::optional<bool> lived;
  handle = ask(*client, [&handle, &callback_lives, &lived, owned](const RequestOutcome&) {
    // What the callback needs after the handle has gone, outside of it: it may be gone as well.
    std::optional<bool>& answer = lived;
    const std::weak_ptr<int> lives = callback_lives;
    handle.reset();
    answer = !lives.expired();
  });
  owned.reset();
  handle->cancel();
  run_until([&] { return lived.has_value(); });
  EXPECT_TRUE(*lived);
  client.reset();
  run_out();
}

TEST_F(ClientTest, DestroyedWhileItStopsItCallsNothingBack) {
  auto client = make_running_client();
  bool told = false;
  client->stop(Millis(0), [&] { told = true; });
  client.reset();
  run_out();
  EXPECT_FALSE(told);
}

TEST_F(ClientTest, DestroyedWhileItsHandlesCloseItCallsNothingBack) {
  auto client = make_client();
  bool told = false;
  client->stop(Millis(0), [&] { told = true; });  // it was never started: it closes at once
  client.reset();
  run_out();
  EXPECT_FALSE(told);
}

TEST_F(ClientTest, TermsOutOfRangeAreRefusedBySubmitItself) {
  const auto code = [](Client& client, const InferenceRequest& request) {
    const auto made = client.submit(request, {});
    if (made) return std::string("taken");
    EXPECT_EQ(made.error().kind(), ErrorKind::invalid_argument);
    return std::string(made.error().code());
  };
  const auto expect_refused = [&](Client& client) {
    InferenceRequest request = question();
    request.preference = static_cast<Preference>(3);
    EXPECT_EQ(code(client, request), "bad_preference");
    request = question();
    request.endpoint = static_cast<Endpoint>(5);
    EXPECT_EQ(code(client, request), "bad_endpoint");
    request.endpoint = static_cast<Endpoint>(0);
    EXPECT_EQ(code(client, request), "bad_endpoint");
    request = question();
    request.deadline = Millis(0);
    EXPECT_EQ(code(client, request), "bad_deadline");
    request = question();
    request.preference = Preference::fastest;
    request.endpoint = Endpoint::responses;
    request.body = R"({"model":"demo/echo","input":"Hello!"})";
    EXPECT_EQ(code(client, request), "taken");
  };
  auto client = make_client();
  ASSERT_TRUE(client->start());
  expect_refused(*client);  // the core does not run yet
  run_until([&] { return client->not_ready_reason().find("no proxy") != std::string::npos; });
  expect_refused(*client);
  stop(*client);
}

TEST_F(ClientTest, SecondStartIsAnErrorAndTheFirstGoesOn) {
  auto client = make_client();
  ASSERT_TRUE(client->start());
  bool done = false;
  const auto waiting = ask(*client, [&](const RequestOutcome&) { done = true; });
  const Status again = client->start();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(again.error().code(), "already_started");
  stop(*client);
  EXPECT_TRUE(done) << "what waited for the first start has to end";
}

TEST_F(ClientTest, StartAfterStopIsAnError) {
  auto client = make_client();
  stop(*client);
  const Status late = client->start();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), "already_stopped");
}

TEST_F(ClientTest, EveryStopIsAnsweredOnALaterTurn) {
  auto client = make_running_client();
  std::string order;
  client->stop(Millis(0), [&] { order += '1'; });
  client->stop(Millis(0), [&] { order += '2'; });
  EXPECT_EQ(order, "");
  run_until([&] { return order.size() == 2; });
  client->stop(Millis(0), [&] { order += '3'; });
  EXPECT_EQ(order, "12");
  run_until([&] { return order == "123"; });
}

TEST_F(ClientTest, WhatWaitsAtTheEndOfTheGraceEndsBeforeTheStopIsAnswered) {
  std::vector<io::Connection> silent;  // never a word of TLS: the request waits for this proxy
  auto proxy = io::Listener::open(context(), {.host = "127.0.0.1"}, {},
                                  [&](io::Connection c) { silent.push_back(std::move(c)); });
  ASSERT_TRUE(proxy);
  auto client = make_client({proxy->address().text()});
  ASSERT_TRUE(client->start());
  run_until([&] { return !silent.empty(); });
  std::string order;
  std::optional<RequestOutcome> got;
  const auto waiting = ask(*client, [&](const RequestOutcome& outcome) {
    order += 'r';
    got = outcome;
    silent.clear();  // else the goodbye to it takes its time
  });
  client->stop(Millis(0), [&] { order += 's'; });
  EXPECT_EQ(order, "");
  run_until([&] { return order.find('s') != std::string::npos; });
  EXPECT_EQ(order, "rs");
  ASSERT_TRUE(got);
  ASSERT_FALSE(got->status);
  EXPECT_EQ(got->status.error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(got->status.error().code(), "draining");
  EXPECT_FALSE(got->charged);
}

TEST_F(ClientTest, StopThatDestroysTheClientEndsTheOtherStops) {
  auto client = make_running_client();
  bool late = false;
  client->stop(Millis(0), [&] { client.reset(); });
  client->stop(Millis(0), [&] { late = true; });
  run_until([&] { return client == nullptr; });
  run_out();
  EXPECT_FALSE(late);
}

/// What a host's code throws is not for the library's books, nor for its loop's C frames.
class HostDeathTest : public ApiTest {
 protected:
  [[noreturn]] static void fail() { throw std::runtime_error("by the host"); }
};

TEST_F(HostDeathTest, ACallbackThatThrowsEndsTheProcess) {
  EXPECT_DEATH(
      {
        auto client = make_running_client();
        auto request = ask(*client, [](const RequestOutcome&) { fail(); });
        request.cancel();
        run_until([] { return false; });
      },
      "by the host");
}

TEST_F(HostDeathTest, ALogThatThrowsEndsTheProcess) {
  EXPECT_DEATH(
      {
        auto wanted = options<ClientOptions>("client");
        wanted.log = [](const LogRecord&) { fail(); };
        auto client = Client::create(loop(), wanted);
        if (client) (void)client->start();
      },
      "by the host");
}

TEST_F(HostDeathTest, MetricsThatThrowEndTheProcess) {
  struct Throwing final : Metrics {
    void add(std::string_view, double, std::string_view) override { fail(); }
    void set(std::string_view, double, std::string_view) override { fail(); }
    void observe(std::string_view, double) override { fail(); }
  };
  EXPECT_DEATH(
      {
        auto wanted = options<ClientOptions>("client");
        wanted.metrics = std::make_shared<Throwing>();
        auto client = Client::create(loop(), wanted);
        if (client) (void)client->start();
      },
      "by the host");
}

class GatewayTest : public ApiTest {
 protected:
  /// A client that nobody stopped ends its threads behind its destructor: the loop is theirs until
  /// then.
  ~GatewayTest() override {
    client_.reset();
    run_out();
  }

  Gateway make_gateway() {
    GatewayOptions wanted;
    wanted.listen = "127.0.0.1:0";
    auto made = Gateway::create(loop(), *client_, wanted);
    EXPECT_TRUE(made) << made.error().detail();
    EXPECT_TRUE(made->start());
    return std::move(*made);
  }
  std::unique_ptr<Client> client_ = make_client();
};

TEST_F(GatewayTest, EveryStopIsAnsweredOnALaterTurn) {
  Gateway gateway = make_gateway();
  std::string order;
  gateway.stop(Millis(0), [&] { order += '1'; });
  gateway.stop(Millis(0), [&] { order += '2'; });
  run_until([&] { return order.size() == 2; });
  gateway.stop(Millis(0), [&] { order += '3'; });
  EXPECT_EQ(order, "12");
  run_until([&] { return order == "123"; });
}

TEST_F(GatewayTest, DestroyedWhileItStopsItCallsNothingBack) {
  bool told = false;
  {
    Gateway gateway = make_gateway();
    gateway.stop(Millis(0), [&] { told = true; });
    run_turn();
  }
  run_out();
  EXPECT_FALSE(told);
}

class NodeTest : public ApiTest {};

TEST_F(NodeTest, SecondStartOfAProxyIsAnError) {
  auto wanted = options<ProxyOptions>("proxy");
  wanted.listen = "127.0.0.1:0";
  auto proxy = Proxy::create(loop(), wanted);
  ASSERT_TRUE(proxy) << proxy.error().detail();
  ASSERT_TRUE(proxy->start());
  const std::string address = proxy->address();
  const Status again = proxy->start();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), "already_started");
  EXPECT_EQ(proxy->address(), address) << "it listens where it did";
  stop(*proxy);
}

TEST_F(NodeTest, SecondStartOfAWorkerIsAnError) {
  auto wanted = options<WorkerOptions>("worker");
  wanted.engine_url = "http://127.0.0.1:1";
  wanted.models = {"demo/echo"};
  auto worker = Worker::create(loop(), wanted);
  ASSERT_TRUE(worker) << worker.error().detail();
  ASSERT_TRUE(worker->start());
  const Status again = worker->start();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), "already_started");
  stop(*worker);
}

}  // namespace
}  // namespace cocoon
