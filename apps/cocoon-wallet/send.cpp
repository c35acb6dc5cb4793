/// TON out of the account's wallet.

#include <fmt/format.h>

#include "ask_first.h"
#include "base/limits.h"
#include "billing/amount.h"
#include "codec/utf8.h"
#include "commands.h"
#include "ton/builder.h"
#include "ton/contract_address.h"
#include "ton_desk/ton_desk.h"
#include "ton_place.h"

namespace cocoon::app {
namespace {

/// About what a wallet pays for a transfer to another one (docs/contracts.md: "the wallet's own
/// part of each", and the message's way).
constexpr Nano kUsualFee{5'000'000};
/// Text that fits one cell beside the 32 zero bits that say that it is text.
constexpr std::size_t kMaxMemoBytes = 123;

Error misuse(std::string detail) {
  return Error(ErrorKind::invalid_argument, "bad_value", std::move(detail));
}

struct Receiver {
  ton::Address address;
  bool bounce = true;
};

/// Where the friendly form does not say so, what is sent comes back where nobody takes it.
Result<Receiver> parse_receiver(const std::string& text, bool testnet) {
  COCOON_TRY(const ton::ParsedAddress parsed, ton::parse_address(text));
  const auto workchain = parsed.address.workchain;
  if (workchain != ton::kBasechain && workchain != ton::kMasterchain) {
    return misuse(fmt::format("--to {}: there is no workchain {}", text, workchain));
  }
  if (parsed.flags && parsed.flags->testnet && !testnet) {
    return misuse(
        fmt::format("--to {}: this form is for test networks only, and the "
                    "configuration's network is none",
                    text));
  }
  return Receiver{parsed.address, !parsed.flags || parsed.flags->bounceable};
}

Result<ton::CellRef> memo_body(const std::string& memo) {
  if (memo.empty()) return ton::Cell::empty();
  if (memo.size() > kMaxMemoBytes || !is_utf8(memo)) {
    return misuse(fmt::format("--memo: at most {} bytes of UTF-8 are expected", kMaxMemoBytes));
  }
  return ton::Builder().store_uint(0, 32).store_bytes(as_bytes(memo)).finish();
}

/// Whether somebody is there to take it. Errors: invalid_argument/bad_value.
Status check_receiver(TonDesk& desk, const Receiver& to, bool testnet) {
  if (!to.bounce) return ok();
  COCOON_TRY(const auto there, desk.account(to.address));
  if (there.status == ledger::AccountStatus::active) return ok();
  return misuse(fmt::format(
      "--to: nothing is installed at this address, so what is sent would come back. If it is a new "
      "wallet, give its address as {}",
      ton::to_friendly(to.address, {.bounceable = false, .testnet = testnet})));
}

Status check_balance(const ledger::WalletReading& wallet, Nano amount) {
  const Nano needed = saturating_add(amount, Nano{limits::kTonWalletReserveNano});
  if (wallet.balance >= needed) return ok();
  return Error(ErrorKind::payment, "wallet_empty",
               fmt::format("the wallet has {}, and {} are needed: {} have to stay for fees",
                           billing::format_amount(wallet.balance), billing::format_amount(needed),
                           billing::format_amount(Nano{limits::kTonWalletReserveNano})));
}

struct Sender {
  Account account;
  TonDesk desk;
  bool testnet;

  static Result<Sender> open(const Common& common) {
    COCOON_TRY(Account account, open_account(common.files));
    COCOON_TRY(auto options, ton_options(account.place, "sending TON"));
    COCOON_TRY(TonDesk desk, TonDesk::open(std::move(options)));
    const bool testnet = account.place.ledger.ton->testnet;
    return Sender{std::move(account), std::move(desk), testnet};
  }

  Result<ledger::WalletReading> wallet() {
    COCOON_TRY(const auto at, ton::account_wallet(account.id(), desk.options().site.wallets));
    COCOON_TRY(const auto reading, desk.account(at));
    return ledger::read_wallet(reading, account.id());
  }
};

}  // namespace

Result<Exit> send(const Common& common, const SendCommand& command) {
  COCOON_TRY(const Nano amount, billing::parse_amount(command.amount));
  if (amount == Nano{}) return misuse("--amount: nothing is to be sent");
  COCOON_TRY(const ton::CellRef body, memo_body(command.memo));
  COCOON_TRY(Sender sender, Sender::open(common));
  COCOON_TRY(const Receiver to, parse_receiver(command.to, sender.testnet));
  COCOON_CHECK(check_receiver(sender.desk, to, sender.testnet));
  COCOON_TRY(const auto before, sender.wallet());
  const std::uint32_t number = command.number.value_or(before.seqno);
  // (Another number is refused below, whatever was left after it was sent.)
  if (number == before.seqno) COCOON_CHECK(check_balance(before, amount));
  COCOON_CHECK(ask_first(
      fmt::format(
          "{} of {} go to {}{}; fees are about {}. It is this wallet's transfer number {}",
          billing::format_amount(amount), billing::format_amount(before.balance),
          ton::to_friendly(to.address, {.bounceable = to.bounce, .testnet = sender.testnet}),
          to.bounce ? "" : ", which cannot send it back", billing::format_amount(kUsualFee),
          number),
      common.yes));
  fmt::print("number     {}\n", number);
  std::fflush(stdout);
  if (Status sent =
          sender.desk.send(sender.account.key, {to.address, amount, body, {}, to.bounce, number});
      !sent) {
    if (sent.error().kind() != ErrorKind::timeout) return std::move(sent).error();
    return std::move(sent).error().within(
        fmt::format("it may be given again with --number {}, which pays once", number));
  }
  COCOON_TRY(const auto after, sender.wallet());
  fmt::print("sent       {}\nbalance    {}\n", billing::format_amount(amount),
             billing::format_amount(after.balance));
  return Exit::done;
}

}  // namespace cocoon::app
