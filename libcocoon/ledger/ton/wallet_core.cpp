#include "ledger/ton/wallet_core.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "ton/boc.h"

namespace cocoon::ledger {
namespace {

/// SENDRAWMSG: fees from the wallet's balance, not from the message's value. (The wallet demands
/// "ignore errors", too; sign_transfer sets it.)
constexpr std::uint8_t kFeesApart = 1;
/// How long a wallet that has too little waits for what earlier messages did not need: two hops.
constexpr Seconds kMoneyPatience = 2 * limits::kTonResend;

Error wrong_wallet(std::string_view why) {
  return Error(ErrorKind::upstream, "wallet_wrong",
               fmt::format("at the address of this account's wallet the ledger shows {}", why));
}

Error not_sent() {
  return Error(ErrorKind::timeout, "ledger_timeout",
               "this account's wallet could not send the message in time; it will not be sent");
}

Error wrong_number(std::uint32_t number, std::uint32_t seqno) {
  return Error(ErrorKind::invalid_argument, "transfer_number",
               number < seqno
                   ? fmt::format("this wallet has carried out its transfer number {} already, and "
                                 "is at {}: nothing was sent",
                                 number, seqno)
                   : fmt::format("this wallet's next transfer has number {}, not {}: nothing was "
                                 "sent",
                                 seqno, number));
}

Result<ton::OutMessage> message_of(const WalletOrder& order) {
  ton::InternalInfo info;
  info.destination = order.to;
  info.value = order.value;
  info.bounce = order.bounce;
  COCOON_TRY(auto cell, ton::to_cell(ton::Message{info, order.init, order.body}));
  return ton::OutMessage{std::move(cell), kFeesApart};
}

std::string in_ton(Nano amount) {
  return fmt::format("{}.{:09} TON", amount.value / 1'000'000'000, amount.value % 1'000'000'000);
}

}  // namespace

Result<WalletReading> read_wallet(const AccountReading& account, const AccountId& owner) {
  WalletReading out;
  out.balance = account.balance;
  out.time = account.time;
  if (account.status == AccountStatus::frozen) {
    return Error(ErrorKind::upstream, "wallet_frozen",
                 "this account's wallet is frozen: send it TON to bring it back");
  }
  if (account.status == AccountStatus::none) return out;
  if (account.code->hash() != ton::wallet_code(ton::WalletVersion::v5r1)->hash()) {
    return wrong_wallet("other code than a v5r1 wallet's");
  }
  ton::Slice in(account.data);
  const bool by_key = in.load_bit();
  out.deployed = true;
  out.seqno = in.load_u32();
  in.skip(32);
  const Hash key = in.load_hash();
  in.load_maybe_ref();  // extensions
  if (!in.finish("The wallet's data") || key != owner.bytes) {
    return wrong_wallet("data of another wallet");
  }
  if (!by_key) return wrong_wallet("a wallet that does not obey its key any more");
  return out;
}

WalletCore::WalletCore(crypto::SigningKey key, ton::WalletNetwork network)
    : key_(std::move(key)), wallet_(ton::default_wallet(ton::WalletVersion::v5r1, network)) {
  // (A key, constants and code always fit their cells.)
  init_ = ton::wallet_state(wallet_, key_.public_key()).value();
  address_ = ton::address_of(init_).value();
}

Status WalletCore::submit(OrderId id, WalletOrder order, Now now) {
  if (queue_.size() >= limits::kMaxTonOrders) {
    return Error(ErrorKind::busy, "ledger_queue_full", "too many messages wait for this wallet");
  }
  queue_.push_back({id, std::move(order), now.mono});
  return ok();
}

void WalletCore::on_time(Now now) {
  // They came in this order, so the oldest are in front.
  while (!queue_.empty() && now.mono - queue_.front().since > limits::kTonEffectPatience) {
    actions_.push_back(Refused{queue_.front().id, not_sent()});
    queue_.pop_front();
  }
}

void WalletCore::on_reading(const WalletReading& reading, Now now) {
  if (transfer_) on_transfer_reading(reading, now);
  if (queue_.empty()) short_since_.reset();
  if (!transfer_ && !queue_.empty()) start_transfer(reading, now);
}

bool WalletCore::all_ended(Now now) const {
  return now.unix > unix_seconds(last_valid_until_) + limits::kTonClockTolerance;
}

void WalletCore::on_transfer_reading(const WalletReading& reading, Now now) {
  Transfer& t = *transfer_;
  if (reading.seqno > t.seqno) {
    for (const Waiting& w : t.orders) actions_.push_back(Carried{w.id});
    lowest_seqno_ = reading.seqno;
    return transfer_.reset();
  }
  if (reading.seqno < t.seqno) {
    if (!all_ended(now)) return;
    for (const Waiting& w : t.orders) actions_.push_back(Refused{w.id, not_sent()});
    return transfer_.reset();
  }
  if (reading.time > unix_seconds(t.valid_until)) {
    // It was signed before, so it fits.
    (void)sign(t, reading, now);
  } else if (now.mono - t.handed_in >= limits::kTonResend) {
    hand_in(t, now);
  }
}

void WalletCore::start_transfer(const WalletReading& reading, Now now) {
  if (reading.seqno < lowest_seqno_ && !all_ended(now)) return;
  lowest_seqno_ = reading.seqno;
  refuse_other_numbers(reading.seqno);
  if (queue_.empty()) return;
  Transfer t;
  t.seqno = reading.seqno;
  t.orders = take_affordable(reading.balance);
  if (t.orders.empty()) return refuse_unaffordable(reading.balance, now);
  short_since_.reset();
  if (const Status made = sign(t, reading, now); !made) {
    for (const Waiting& w : t.orders) actions_.push_back(Refused{w.id, made.error()});
    return;
  }
  transfer_ = std::move(t);
}

/// Orders that may be sent under one number only, which the next transfer does not have.
void WalletCore::refuse_other_numbers(std::uint32_t seqno) {
  std::erase_if(queue_, [&](const Waiting& w) {
    if (!w.order.number || *w.order.number == seqno) return false;
    actions_.push_back(Refused{w.id, wrong_number(*w.order.number, seqno)});
    return true;
  });
}

/// Those in front that the balance reaches for, together.
std::vector<WalletCore::Waiting> WalletCore::take_affordable(Nano balance) {
  std::vector<Waiting> out;
  Nano needed{limits::kTonWalletReserveNano};
  while (!queue_.empty() && out.size() < limits::kMaxTonBatch) {
    const auto sum = checked_add(needed, queue_.front().order.value);
    if (!sum || *sum > balance) break;
    needed = *sum;
    out.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return out;
}

/// What earlier messages did not need is on its way back: some time is given for that.
void WalletCore::refuse_unaffordable(Nano balance, Now now) {
  if (!short_since_) short_since_ = now.mono;
  if (now.mono - *short_since_ < kMoneyPatience) return;
  const Nano needed =
      saturating_add(queue_.front().order.value, Nano{limits::kTonWalletReserveNano});
  actions_.push_back(Refused{
      queue_.front().id,
      Error(ErrorKind::payment, "wallet_empty",
            fmt::format("this account's wallet {} has {}, and the message needs {} for the moment: "
                        "send it some TON",
                        ton::to_friendly(address_, {.bounceable = false}), in_ton(balance),
                        in_ton(needed)))});
  queue_.pop_front();
}

Status WalletCore::sign(Transfer& t, const WalletReading& reading, Now now) {
  std::vector<ton::OutMessage> messages;
  for (const Waiting& w : t.orders) {
    COCOON_TRY(auto message, message_of(w.order));
    messages.push_back(std::move(message));
  }
  ton::Transfer transfer;
  transfer.seqno = t.seqno;
  transfer.messages = messages;
  transfer.valid_until = static_cast<std::uint32_t>(std::min<std::uint64_t>(
      to_unix_seconds(reading.time + limits::kTonTransferLifetime), UINT32_MAX - 1));
  COCOON_TRY(const ton::CellRef body, ton::sign_transfer(wallet_, key_, transfer));
  std::optional<ton::StateInit> init;
  if (!reading.deployed) init = init_;
  COCOON_TRY(const ton::CellRef external, ton::wallet_message(address_, body, init));
  COCOON_TRY(t.message, ton::serialize_boc(external));
  t.valid_until = transfer.valid_until;
  last_valid_until_ = std::max(last_valid_until_, t.valid_until);
  hand_in(t, now);
  return ok();
}

void WalletCore::hand_in(Transfer& t, Now now) {
  t.handed_in = now.mono;
  actions_.push_back(HandIn{t.message});
}

}  // namespace cocoon::ledger
