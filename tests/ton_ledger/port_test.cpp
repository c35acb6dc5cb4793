// The ledger port against the contracts as they are, in the real TVM.

#include <fmt/format.h>

#include "codec/hex.h"
#include "io/clock.h"
#include "ton/builder.h"
#include "ton/contract_message.h"
#include "ton_ledger/market.h"

namespace cocoon::ledger::test {
namespace {

class TonPort : public Market {};

TEST_F(TonPort, RefusesWritesToWhatIsNotThere) {
  channel_id_ = ChannelId{Hash{1}};
  expect_bounced(*proxy_, ports::RedeemVoucher{channel_id_, voucher(1, 1)}, "not_deployed");
  expect_bounced(*worker_, ports::CashOutVoucher{payout(kTon)}, "not_deployed");
  expect_bounced(*proxy_, ports::TakeProxyFees{}, "not_deployed");
  EXPECT_FALSE(expect<ports::ChannelView>(*client_, ports::ReadChannel{channel_id_}).channel);
  EXPECT_EQ(
      expect<ports::PayoutView>(*worker_, ports::ReadPayout{id_of("proxy"), id_of("worker")}).paid,
      Nano{0});
}

TEST_F(TonPort, TheNewestBlockIsABeacon) {
  const auto beacon = expect<ports::Beacon>(*proxy_, ports::ReadBeacon{});
  EXPECT_GT(beacon.height, 0u);
  EXPECT_NE(beacon.hash, Hash{});
  EXPECT_LT(io::now().unix - beacon.time, Seconds{60});
  EXPECT_EQ(expect<ports::Beacon>(*worker_, ports::ReadBeacon{beacon.height}), beacon);
}

TEST_F(TonPort, PublishesEpochsThatOnlyGrow) {
  const AccountId proxy = id_of("proxy");
  const auto record = [&](std::uint64_t epoch, std::string_view boot_key) {
    return billing::sign(
        billing::EpochRecord::make(site_.network, epoch, key_of(boot_key).boot_key_id()),
        key_of("proxy"));
  };
  EXPECT_FALSE(expect<ports::EpochView>(*client_, ports::ReadEpoch{proxy}).newest);
  expect_confirmed(*proxy_, ports::PublishEpoch{record(1, "boot")});
  expect_confirmed(*proxy_, ports::PublishEpoch{record(1, "boot")});
  expect_bounced(*proxy_, ports::PublishEpoch{record(1, "another")}, "epoch_not_newer");
  expect_confirmed(*proxy_, ports::PublishEpoch{record(2, "another")});
  expect_bounced(*proxy_, ports::PublishEpoch{record(1, "boot")}, "epoch_not_newer");
  EXPECT_EQ(expect<ports::EpochView>(*client_, ports::ReadEpoch{proxy}).newest,
            record(2, "another"));
}

TEST_F(TonPort, PaysFromTheClientToTheWorker) {
  do_business();
  EXPECT_EQ(channel().deposited, Nano{kDeposit});
  EXPECT_EQ(proxy_contract().stake, Nano{10 * kTon});

  // In: what vouchers say was spent, once.
  expect_bounced(*client_, ports::RedeemVoucher{channel_id_, voucher(kTon, kTon)}, "wrong_sender");
  auto forged = voucher(kTon, kTon);
  forged.value.spent = Nano{2 * kTon};
  expect_bounced(*proxy_, ports::RedeemVoucher{channel_id_, forged}, "bad_signature");
  expect_confirmed(*proxy_, ports::RedeemVoucher{channel_id_, voucher(4 * kTon, 5 * kTon)});
  EXPECT_EQ(channel().claimed, Nano{4 * kTon});
  expect_bounced(*proxy_, ports::RedeemVoucher{channel_id_, voucher(4 * kTon, 5 * kTon)},
                 "nothing_to_pay");

  // Out: what the proxy owes its worker, once.
  const ports::ReadPayout reading{id_of("proxy"), id_of("worker")};
  while (proxy_contract().received != Nano{4 * kTon}) {
  }
  EXPECT_EQ(expect<ports::PayoutView>(*worker_, reading).backing,
            Nano{10 * kTon + 4 * kTon * 95 / 100});
  expect_confirmed(*worker_, ports::CashOutVoucher{payout(2 * kTon)});
  EXPECT_EQ(expect<ports::PayoutView>(*worker_, reading).paid, Nano{2 * kTon});
  expect_bounced(*worker_, ports::CashOutVoucher{payout(2 * kTon)}, "nothing_to_pay");
  expect_confirmed(*proxy_, ports::TakeProxyFees{});
  EXPECT_EQ(proxy_contract().fees_taken, Nano{4 * kTon * 5 / 100 * 2 * 100 / (4 * 95)});
}

TEST_F(TonPort, ClosesAChannelByItsDelay) {
  do_business();
  expect_confirmed(*client_, ports::StartChannelClose{channel_id_});
  expect_bounced(*client_, ports::StartChannelClose{channel_id_}, "channel_not_open");
  expect_bounced(*proxy_,
                 ports::PresentVoucher{channel_id_, voucher(kTon, 2 * kTon), Nano{3 * kTon}},
                 "claim_not_authorised");
  expect_confirmed(*proxy_,
                   ports::PresentVoucher{channel_id_, voucher(kTon, 2 * kTon), Nano{2 * kTon}});
  expect_bounced(*client_, ports::FinaliseChannel{channel_id_}, "too_early");
  tell("time", R"({"advance":43201})");
  expect_confirmed(*client_, ports::FinaliseChannel{channel_id_});
  EXPECT_EQ(channel().refunded, Nano{kDeposit - 2 * kTon});
  EXPECT_EQ(channel().settled, Nano{2 * kTon});
  // It is closed: the next one has the next nonce.
  const ports::FindChannel find{id_of("client"), id_of("proxy")};
  EXPECT_FALSE(expect<ports::ChannelView>(*client_, find).channel);
  const auto nonce = channel_nonce(site_.network, find.client, find.proxy, 1);
  ASSERT_TRUE(
      send(*client_, site_.root, kDeposit + kTon / 4,
           ton::open_channel_body({find.client, find.proxy, find.client, nonce, Nano{kDeposit}})
               .value()));
  std::optional<billing::ChannelState> second;
  while (!second) second = expect<ports::ChannelView>(*client_, find).channel;
  EXPECT_EQ(second->terms.nonce, nonce);
}

TEST_F(TonPort, ClosesAChannelByAgreement) {
  do_business();
  const auto agreement = billing::sign(
      billing::CloseAgreement{site_.network, channel_id_, Nano{3 * kTon}, id_of("client")},
      key_of("client"));
  const auto by_proxy = key_of("proxy").sign(agreement.value.encode());
  expect_bounced(*proxy_, ports::CloseChannelByAgreement{agreement, agreement.signature},
                 "bad_signature");
  expect_confirmed(*proxy_, ports::CloseChannelByAgreement{agreement, by_proxy});
  EXPECT_EQ(channel().phase, billing::ChannelPhase::closed);
  EXPECT_EQ(channel().settled, Nano{3 * kTon});
}

TEST_F(TonPort, CarriesOutManyWritesAtOnceInFewTransfers) {
  do_business();
  int confirmed = 0;
  for (std::uint64_t i = 1; i <= 30; ++i) {
    proxy_->call(ports::RedeemVoucher{channel_id_, voucher(i * kTon / 10, 5 * kTon)},
                 [&](const Result<ports::LedgerReply>& r) {
                   ASSERT_TRUE(r) << r.error().detail();
                   ++confirmed;
                 });
  }
  run_until([&] { return confirmed == 30; });
  EXPECT_EQ(channel().claimed, Nano{3 * kTon});
}

// --- Trouble ---

TEST_F(TonPort, PaysOnceWhateverTheNetworkDoes) {
  do_business();
  std::uint64_t spent = 0;
  for (const std::string fault :
       {R"({"drop":1})", R"({"duplicate":5})", R"({"order":"reverse"})", R"({"stale":2})",
        R"({"errors":[{"kind":"500","times":3}]})", R"({"errors":[{"kind":"429","times":2}]})",
        R"({"errors":[{"kind":"cut","times":2,"methods":["sendBoc"],"after":true}]})",
        R"({"errors":[{"kind":"504","times":1,"methods":["sendBoc"]}]})"}) {
    SCOPED_TRACE(fault);
    spent += kTon / 10;
    faults(fault);
    Result<ports::LedgerReply> reply =
        ask(*proxy_, ports::RedeemVoucher{channel_id_, voucher(spent, kTon)});
    no_faults();
    // A first look that fails is reported; a repetition does no harm.
    if (!reply) reply = ask(*proxy_, ports::RedeemVoucher{channel_id_, voucher(spent, kTon)});
    ASSERT_TRUE(reply) << reply.error().detail();
    EXPECT_EQ(channel().claimed, Nano{spent});
  }
}

TEST_F(TonPort, SignsAnewWhatHasExpired) {
  do_business();
  faults(R"({"drop":1})");
  std::optional<Result<ports::LedgerReply>> got;
  proxy_->call(ports::RedeemVoucher{channel_id_, voucher(kTon, kTon)},
               [&](Result<ports::LedgerReply> r) { got.emplace(std::move(r)); });
  const auto dropped = [&] {
    return tell("faults", "{}").find(R"("drop":0)") != std::string::npos;
  };
  while (!dropped()) {
  }
  tell("time", R"({"advance":100})");
  run_until([&] { return got.has_value(); });
  ASSERT_TRUE(*got) << got->error().detail();
  EXPECT_TRUE(std::holds_alternative<ports::Confirmed>(**got));
  EXPECT_EQ(channel().claimed, Nano{kTon});
}

TEST_F(TonPort, ANodeThatCrashedRepeatsItsWriteWithoutHarm) {
  do_business();
  for (int i = 0; i < 3; ++i) {
    proxy_->call(ports::RedeemVoucher{channel_id_, voucher(kTon, kTon)},
                 [](const Result<ports::LedgerReply>&) { FAIL() << "called though gone"; });
    for (int turn = 0; turn < 20 * (i + 1); ++turn) run_turn();
    proxy_ = open("proxy");
  }
  const auto reply = ask(*proxy_, ports::RedeemVoucher{channel_id_, voucher(kTon, kTon)});
  ASSERT_TRUE(reply) << reply.error().detail();
  EXPECT_EQ(channel().claimed, Nano{kTon});
  EXPECT_EQ(channel().settled, Nano{kTon});
}

TEST_F(TonPort, ALiarCanOnlyRefuse) {
  do_business();
  const auto lie = [&](const ton::Address& about, const std::string& set) {
    faults(
        fmt::format(R"({{"lies":[{{"method":"getAddressInformation","address":"{}","set":{}}}]}})",
                    ton::to_raw(about), set));
  };
  const ports::RedeemVoucher redeem{channel_id_, voucher(kTon, kTon)};
  // There is no channel.
  lie(channel_at(site_, channel_id_).value(), R"({"state":"uninitialized","code":"","data":""})");
  const auto gone = ask(*proxy_, redeem);
  ASSERT_TRUE(gone);
  EXPECT_TRUE(std::holds_alternative<ports::Bounced>(*gone));
  // The truth contradicts the lie, once.
  no_faults();
  const ports::ReadChannel read{channel_id_};
  const auto contradiction = ask(*proxy_, read);
  ASSERT_FALSE(contradiction);
  EXPECT_NE(contradiction.error().detail().find("another state"), std::string::npos);
  EXPECT_TRUE(expect<ports::ChannelView>(*proxy_, read).channel);
  // It is another contract's state, or other code.
  const auto proxy_at_ = proxy_at(site_, id_of("proxy")).value();
  lie(proxy_at_, R"({"state":"active","code":"te6cckEBAQEAAgAAAEysuc0="})");
  const auto other_code = ask(*worker_, ports::CashOutVoucher{payout(kTon)});
  ASSERT_FALSE(other_code);
  EXPECT_NE(other_code.error().detail().find("code"), std::string::npos)
      << other_code.error().detail();
  // The ledger is in another year.
  lie(channel_at(site_, channel_id_).value(), R"({"sync_utime":1600000000})");
  ASSERT_FALSE(ask(*proxy_, redeem));
  // The wallet has nothing.
  lie(wallet_of("proxy"), R"({"balance":"1"})");
  expect_bounced(*proxy_, redeem, "wallet_empty");
  no_faults();
  expect_confirmed(*proxy_, redeem);
  EXPECT_EQ(channel().claimed, Nano{kTon});
}

// --- The registry ---

TEST_F(TonPort, ServesTheSignedRegistryLessWhatTheLedgerTookBack) {
  const auto before = expect<ports::RegistryView>(*proxy_, ports::ReadRegistry{}).registry;
  EXPECT_EQ(before.models.size(), 1u);
  EXPECT_EQ(before.proxies.size(), 1u);
  bool changed = false;
  proxy_->watch_registry([&] { changed = true; });
  auto owner = open("owner");
  // Lets a new worker image in, without the keepers: that does not count.
  ASSERT_TRUE(send(*owner, site_.root, kTon / 5,
                   ton::Builder()
                       .store_uint(0x43430013, 32)
                       .store_uint(1, 8)
                       .store_bytes(Hash{0x33})
                       .store_maybe_ref(std::nullopt)
                       .finish()
                       .value()));
  // Takes an image back: that counts at once.
  Hash image;
  image.fill(0x22);
  ASSERT_TRUE(send(*owner, site_.root, kTon / 5,
                   ton::Builder()
                       .store_uint(0x43430011, 32)
                       .store_uint(1, 8)
                       .store_bytes(image)
                       .finish()
                       .value()));
  run_until([&] { return changed; });
  const auto after = expect<ports::RegistryView>(*proxy_, ports::ReadRegistry{}).registry;
  EXPECT_TRUE(after.worker_images.empty());
  EXPECT_EQ(after.proxy_images, before.proxy_images);
  EXPECT_EQ(after.version, before.version);
}

TEST_F(TonPort, StartsFromItsDiskWhileTheLedgerIsAway) {
  const auto before = expect<ports::RegistryView>(*proxy_, ports::ReadRegistry{}).registry;
  while (!std::filesystem::exists(folder_.file("proxy.registry"))) run_turn();
  proxy_.reset();
  faults(R"({"errors":[{"kind":"500"}]})");
  proxy_ = open("proxy");
  EXPECT_EQ(expect<ports::RegistryView>(*proxy_, ports::ReadRegistry{}).registry, before);
  EXPECT_FALSE(ask(*proxy_, ports::ReadProxy{id_of("proxy")}));
  no_faults();
}

}  // namespace
}  // namespace cocoon::ledger::test
