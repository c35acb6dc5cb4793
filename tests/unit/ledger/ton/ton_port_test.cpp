// The port against servers that answer what a test wants. Against the contracts themselves:
// tests/ton_ledger.

#include "ledger/ton/ton_port.h"

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "io/clock.h"
#include "ledger/ton/registry_files.h"
#include "support/seeded_random.h"
#include "ton/boc.h"
#include "unit/billing/seeded.h"
#include "unit/io/scripted_server.h"
#include "unit/io/test_loop.h"
#include "unit/ledger/ton/shown.h"
#include "unit/store/temporary_folder.h"

namespace cocoon::ledger {
namespace {

namespace vec = ton::test;
using billing::test::key;
using io::test::ScriptedServer;

std::string boc(const ton::CellRef& cell) {
  return to_base64(ton::serialize_boc(cell).value());
}

class TonPortTest : public io::test::LoopTest {
 protected:
  TonPortTest()
      : server_(context(), io::Address::parse("127.0.0.1:0").value(),
                [this](const std::string& request, ScriptedServer::Peer& peer) {
                  const auto begin = request.find("/api/v2/") + 8;
                  answer(request.substr(begin, request.find(' ', begin) - begin), peer);
                }) {
    options_.site = shown_.site();
    options_.api.endpoints = {{server_.url("/api/v2"), "", 1000}};
    options_.keepers = {{key(1).account_id()}, 1};
    options_.registry_file = folder_.file("registry.signed");
    options_.registry_cache = folder_.file("registry.cache");
    options_.poll = options_.registry_poll = Millis{5};
  }

  void answer(const std::string& path, ScriptedServer::Peer& peer) {
    asked_.push_back(path);
    const auto at = answers_.find(path);
    const std::string body = at == answers_.end()
                                 ? R"({"ok":false,"error":"LITE_SERVER_UNKNOWN","code":500})"
                                 : at->second;
    peer.send("HTTP/1.1 " + std::string(at == answers_.end() ? "500" : "200") +
              " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  void show(const ton::Address& address, const AccountReading& a) {
    const bool active = a.status == AccountStatus::active;
    answers_[ask_account(address).path] =
        R"({"ok":true,"result":{"balance":")" + std::to_string(a.balance.value) + R"(","code":")" +
        (active ? boc(a.code) : "") + R"(","data":")" + (active ? boc(a.data) : "") +
        R"(","last_transaction_id":{"lt":")" + std::to_string(a.last_lt) + R"(","hash":")" +
        to_base64(Bytes(32, 1)) + R"("},"sync_utime":)" +
        std::to_string(to_unix_seconds(io::now().unix)) + R"(,"state":")" +
        (active ? "active" : "uninitialized") + R"("}})";
  }

  Result<std::unique_ptr<TonLedgerPort>> open() {
    return TonLedgerPort::open(context(), options_, key(7), random_);
  }
  Result<ports::LedgerReply> ask(TonLedgerPort& port, ports::LedgerRequest request) {
    std::optional<Result<ports::LedgerReply>> got;
    port.call(std::move(request), [&](Result<ports::LedgerReply> r) { got.emplace(std::move(r)); });
    EXPECT_FALSE(got) << "answered inside the call";
    run_until([&] { return got.has_value(); });
    return got ? std::move(*got) : Error(ErrorKind::internal, "no_answer", "");
  }

  test::Shown shown_;
  cocoon::test::TemporaryFolder folder_;
  cocoon::test::SplitMix random_{3};
  std::map<std::string, std::string> answers_;
  std::vector<std::string> asked_;
  ScriptedServer server_;
  TonLedgerOptions options_;
};

TEST_F(TonPortTest, RefusesOptionsThatCannotWork) {
  const auto refused = [&] {
    const auto port = open();
    return port ? std::string_view() : port.error().code();
  };
  options_.keepers.needed = 2;
  EXPECT_EQ(refused(), "bad_option");
  options_.keepers = {};
  EXPECT_EQ(refused(), "bad_option");
  options_.keepers = {{key(1).account_id()}, 1};
  options_.api.endpoints.clear();
  EXPECT_EQ(refused(), "bad_option");
  options_.api.endpoints = {{server_.url(), "", 0}};
  options_.registry_file = folder_.file("");  // a folder
  EXPECT_EQ(refused(), "registry_file_unreadable");
}

TEST_F(TonPortTest, HasNoRegistryThatNobodySigned) {
  show(options_.site.root, shown_.registry());
  const auto port = open().value();
  const auto reply = ask(*port, ports::ReadRegistry{});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code(), "registry_missing");
  EXPECT_NE(reply.error().detail().find("registry_file"), std::string::npos);
}

TEST_F(TonPortTest, ReadsTheNewestBeaconAndOlderOnes) {
  const std::string id =
      R"({"workchain":-1,"shard":"-9223372036854775808","seqno":42,"root_hash":")" +
      to_base64(Bytes(32, 5)) + R"("})";
  const auto port = open().value();
  EXPECT_FALSE(ask(*port, ports::ReadBeacon{}));
  answers_[ask_head().path] = R"({"ok":true,"result":{"last":)" + id + "}}";
  EXPECT_FALSE(ask(*port, ports::ReadBeacon{}));
  answers_[ask_block(42).path] =
      R"({"ok":true,"result":{"id":)" + id + R"(,"gen_utime":1700000000}})";
  for (const auto& height : {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(42)}) {
    const auto reply = ask(*port, ports::ReadBeacon{height});
    ASSERT_TRUE(reply) << reply.error().detail();
    const auto& beacon = std::get<ports::Beacon>(*reply);
    EXPECT_EQ(beacon.height, 42u);
    EXPECT_EQ(beacon.hash[0], 5);
    EXPECT_EQ(beacon.time, unix_seconds(1'700'000'000));
  }
  EXPECT_FALSE(ask(*port, ports::ReadBeacon{41}));
  EXPECT_EQ(ask(*port, ports::ReadBeacon{UINT64_MAX}).error().code(), "beacon_unknown");
}

TEST_F(TonPortTest, AnswersReadsFromTheContractsStates) {
  const auto port = open().value();
  show(channel_at(options_.site, shown_.channel_id()).value(), shown_.channel());
  show(proxy_at(options_.site, shown_.account("proxy")).value(), shown_.proxy());
  show(epoch_at(options_.site, shown_.account("worker")).value(), shown_.epoch());
  const auto channel = ask(*port, ports::ReadChannel{shown_.channel_id()});
  ASSERT_TRUE(channel) << channel.error().detail();
  EXPECT_EQ(std::get<ports::ChannelView>(*channel).channel->id(), shown_.channel_id());
  const auto payout =
      ask(*port, ports::ReadPayout{shown_.account("proxy"), shown_.account("worker")});
  ASSERT_TRUE(payout) << payout.error().detail();
  EXPECT_EQ(std::get<ports::PayoutView>(*payout).paid, Nano{500'000'000});
  EXPECT_EQ(std::get<ports::PayoutView>(*payout).arrived, Nano{500'000'000});
  const auto epoch = ask(*port, ports::ReadEpoch{shown_.account("worker")});
  ASSERT_TRUE(epoch) << epoch.error().detail();
  EXPECT_EQ(std::get<ports::EpochView>(*epoch).newest->value.epoch, 5u);
}

TEST_F(TonPortTest, FindsChannelsByTheirNumbers) {
  const AccountId client = shown_.account("client");
  const AccountId proxy = shown_.account("proxy");
  const auto at = [&](std::uint32_t n) {
    return channel_at(options_.site, billing::channel_address(
                                         options_.site.network, client, proxy, client,
                                         channel_nonce(options_.site.network, client, proxy, n)))
        .value();
  };
  const auto port = open().value();
  show(at(0), {});
  const auto none = ask(*port, ports::FindChannel{client, proxy});
  ASSERT_TRUE(none) << none.error().detail();
  EXPECT_FALSE(std::get<ports::ChannelView>(*none).channel);
  // Another channel's state in its place is refused, not skipped.
  AccountReading other = shown_.channel();
  other.last_lt = 2;
  show(at(0), other);
  const auto lie = ask(*port, ports::FindChannel{client, proxy});
  ASSERT_FALSE(lie);
  EXPECT_EQ(lie.error().code(), "ledger_contract_wrong");
}

TEST_F(TonPortTest, SendsNothingThatTheContractWouldRefuse) {
  const auto port = open().value();
  show(channel_at(options_.site, shown_.channel_id()).value(), shown_.channel());
  const auto reply = ask(*port, ports::StartChannelClose{shown_.channel_id()});
  ASSERT_TRUE(reply) << reply.error().detail();
  EXPECT_TRUE(std::holds_alternative<ports::Bounced>(*reply));
  EXPECT_EQ(asked_.size(), 1u);
}

TEST_F(TonPortTest, DoesNotTakeTheApisWordForAWrite) {
  // A wallet whose number moves and a sendBoc that says ok, but a record that stays empty.
  const auto self = key(7);
  const auto wallet = ton::account_wallet(self.account_id(), ton::WalletNetwork::mainnet).value();
  const auto record = billing::sign(
      billing::EpochRecord::make(options_.site.network, 1, key(8).boot_key_id()), self);
  const auto epoch = epoch_at(options_.site, self.account_id()).value();
  show(epoch, {});
  AccountReading funded;
  funded.balance = Nano{5'000'000'000};
  show(wallet, funded);
  answers_["sendBoc"] = R"({"ok":true,"result":{"@type":"ok"}})";
  const auto port = open().value();
  std::optional<Result<ports::LedgerReply>> got;
  port->call(ports::PublishEpoch{record},
             [&](Result<ports::LedgerReply> r) { got.emplace(std::move(r)); });
  const auto times_asked = [&](const std::string& path) {
    return std::count(asked_.begin(), asked_.end(), path);
  };
  run_until([&] { return times_asked("sendBoc") == 1; });
  AccountReading moved = funded;
  moved.status = AccountStatus::active;
  moved.last_lt = 9;
  const auto id = ton::default_wallet(ton::WalletVersion::v5r1);
  moved.code = ton::wallet_code(ton::WalletVersion::v5r1);
  moved.data = ton::Builder()
                   .store_bit(true)
                   .store_uint(1, 32)
                   .store_uint(id.number, 32)
                   .store_bytes(self.public_key())
                   .store_bit(false)
                   .finish()
                   .value();
  show(wallet, moved);
  const auto looks = times_asked(ask_account(epoch).path);
  run_until([&] { return times_asked(ask_account(epoch).path) > looks + 3; });
  EXPECT_FALSE(got);
  // The state says it: then it is so.
  AccountReading published = shown_.epoch();
  published.last_lt = 10;
  published.data =
      ton::Builder()
          .store_bytes(options_.site.network.view())
          .store_bytes(self.account_id().view())
          .store_bit(true)
          .store_bytes(record.signature)
          .store_ref(ton::Builder().store_bytes(record.value.encode()).finish().value())
          .finish()
          .value();
  show(epoch, published);
  run_until([&] { return got.has_value(); });
  ASSERT_TRUE(*got) << got->error().detail();
  EXPECT_TRUE(std::holds_alternative<ports::Confirmed>(**got));
  EXPECT_EQ(times_asked("sendBoc"), 1);
}

TEST_F(TonPortTest, MayBeDestroyedByWhomItCalls) {
  auto port = open().value();
  show(channel_at(options_.site, shown_.channel_id()).value(), shown_.channel());
  int called = 0;
  const auto gone = [&](const Result<ports::LedgerReply>&) {
    ++called;
    port.reset();
  };
  port->call(ports::ReadRegistry{}, gone);
  port->call(ports::ReadBeacon{UINT64_MAX}, gone);
  port->call(ports::StartChannelClose{shown_.channel_id()}, gone);
  port->call(ports::ReadChannel{shown_.channel_id()}, gone);
  run_until([&] { return called > 0; });
  for (int i = 0; i < 10; ++i) run_turn();
  EXPECT_EQ(called, 1);
}

}  // namespace
}  // namespace cocoon::ledger
