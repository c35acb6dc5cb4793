#include "ledger/ton/wallet.h"

#include "io/clock.h"
#include "ton/contract_address.h"

namespace cocoon::ledger {

Wallet::Wallet(const io::Context& context, Toncenter& toncenter, const crypto::SigningKey& key,
               ton::WalletNetwork network, Millis poll, Logger log)
    : toncenter_(toncenter),
      owner_(key.account_id()),
      core_(key.duplicate(), network),
      poll_(poll),
      log_(std::move(log)),
      next_look_(context, [this] { look(); }),
      alive_(std::make_shared<bool>(true)) {
  // (A key, constants and code always fit their cells.)
  address_ = ton::account_wallet(owner_, network).value();
}

void Wallet::send(WalletOrder order, Callback<void(Status)> done) {
  const WalletCore::OrderId id = ++last_order_;
  waiting_.emplace(id, std::move(done));
  if (Status taken = core_.submit(id, std::move(order), io::now()); !taken) {
    refused_.emplace_back(id, std::move(taken));
  }
  if (!looking_) next_look_.set_in(Millis{0});
}

void Wallet::look() {
  if (looking_) return;
  looking_ = true;
  toncenter_.account(address_, [this](const Result<AccountReading>& a) { looked(a); });
}

void Wallet::looked(const Result<AccountReading>& account) {
  looking_ = false;
  const Now now = io::now();
  const auto reading =
      account ? read_wallet(*account, owner_) : Result<WalletReading>(account.error());
  if (reading) {
    problem_.clear();
    core_.on_reading(*reading, now);
  } else {
    report(reading.error().detail());
  }
  core_.on_time(now);
  if (!core_.idle()) next_look_.set_in(poll_);
  act();
}

void Wallet::report(std::string problem) {
  if (problem_.empty()) {
    log_.warning("cannot read this account's wallet, messages wait: {}", problem);
  }
  problem_ = std::move(problem);
}

void Wallet::act() {
  std::vector<std::pair<WalletCore::OrderId, Status>> resolved = std::exchange(refused_, {});
  for (auto& action : core_.take_actions()) {
    if (auto* message = std::get_if<WalletCore::HandIn>(&action)) {
      toncenter_.hand_in(message->message, [this](const Status& taken) {
        // Often no fault: an earlier copy was carried out.
        if (!taken) log_.debug("a transfer was not taken: {}", taken.error().detail());
      });
    } else if (const auto* carried = std::get_if<WalletCore::Carried>(&action)) {
      resolved.emplace_back(carried->order, ok());
    } else {
      auto& refused = std::get<WalletCore::Refused>(action);
      resolved.emplace_back(refused.order, std::move(refused.error));
    }
  }
  const std::weak_ptr<bool> alive = alive_;
  for (auto& [id, how] : resolved) {
    auto node = waiting_.extract(id);
    if (node) node.mapped()(std::move(how));
    if (alive.expired()) return;
  }
}

}  // namespace cocoon::ledger
