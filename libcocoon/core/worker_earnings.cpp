/// WorkerCore: what proxies owe this worker, their vouchers, and when it cashes them.

#include "core/listed_proxy.h"
#include "core/store_keys.h"
#include "core/worker_core.h"

namespace cocoon::core {
namespace {

/// What a proxy was sent of answers that were cut, and does not pay, is forgiven at a rate of
/// max_unpaid an hour: of some of it an honest proxy knows nothing, because it never forwarded it.
constexpr std::uint64_t kForgivenIn = Seconds(3600) / limits::kPayoutInterval;

}  // namespace

void WorkerCore::on_payout(ProxyLink& proxy, const wire::Payout& message, Now now) {
  auto payout = billing::decode_signed<billing::PayoutVoucher>(message.voucher, message.signature);
  if (!payout) return fail_proxy(proxy, payout.error(), now);
  billing::WorkerMeter& meter = meter_of(proxy.account);
  const bool accepted = meter.accepts();
  if (auto status = meter.accept(*payout); !status) return fail_proxy(proxy, status.error(), now);
  proxy.failures.proved();
  proxy.rating = message.rating;
  dirty_ = true;
  if (draining_) store_earnings();  // nothing may come after it that would
  if (meter.accepts() != accepted) send_status(proxy);
  // By value at risk, not by the clock alone: a worker that earns fast would reach max_unpaid, and
  // refuse, before the next look.
  if (meter.worth_cashing()) settle(proxy.account, meter, billing::Worth::usual);
}

void WorkerCore::on_payout_answer(const ForPayout& payout, const LedgerAnswer& answer) {
  // Whatever came of a cash-out: see what was paid.
  if (payout.step == PayoutStep::cash) return ask_payout(payout.proxy, PayoutStep::confirm);
  payout_calls_[payout.proxy] = false;
  if (!answer) return;
  const auto* view = std::get_if<ports::PayoutView>(&*answer);
  if (view == nullptr) return;
  billing::WorkerMeter& meter = meter_of(payout.proxy);
  meter.set_contract(view->paid, view->arrived, view->backing);
  dirty_ = true;
  send_status_to_all();
  // What backs the voucher may be known only now. Not again after a cash-out: where the ledger
  // refuses it, this would go round without a pause.
  const bool last = draining_ || !check_listed(*registry_.current(), payout.proxy);
  const auto worth = last ? billing::Worth::backing : billing::Worth::usual;
  if (payout.step == PayoutStep::look && meter.cash_out_due(worth)) {
    settle(payout.proxy, meter, worth);
  }
}

void WorkerCore::ask_payout(const AccountId& proxy, PayoutStep step) {
  call_ledger(ports::ReadPayout{proxy, identity_.account.account_id()}, ForPayout{proxy, step});
}

billing::WorkerMeter& WorkerCore::meter_of(const AccountId& proxy) {
  const auto at = meters_.find(proxy);
  if (at != meters_.end()) return at->second;
  const billing::Registry& registry = *registry_.current();
  const billing::WorkerLimits limits{options_.max_unpaid, registry.min_payout,
                                     registry.message_fee};
  auto& meter = meters_
                    .emplace(proxy, billing::WorkerMeter(identity_.network, proxy,
                                                         identity_.account.account_id(), limits))
                    .first->second;
  for (const ports::StoreEntry& entry : restored_) {
    if (entry.key != store_key(kEarningsKey, proxy.view())) continue;
    if (auto status = meter.restore(entry.value); !status) {
      report(LogLevel::error, "stored earnings are unusable: " + status.error().detail());
    }
  }
  return meter;
}

/// Cashes what `proxy` owes where that is due, else looks what it paid; one at a time.
void WorkerCore::settle(const AccountId& proxy, const billing::WorkerMeter& meter,
                        billing::Worth worth) {
  bool& busy = payout_calls_[proxy];
  if (busy) return;
  busy = true;
  if (auto voucher = meter.cash_out_due(worth)) {
    call_ledger(ports::CashOutVoucher{*voucher}, ForPayout{proxy, PayoutStep::cash});
  } else {
    ask_payout(proxy, PayoutStep::look);
  }
}

void WorkerCore::settle_periodically(Now, billing::Worth worth) {
  for (auto& [account, meter] : meters_) {
    meter.forgive(Nano{options_.max_unpaid.value / kForgivenIn});
    settle(account, meter, worth);
  }
  store_earnings();
}

/// A proxy that is connected sends the voucher for the last answers as soon as it has forwarded
/// them. It says so if they come to less than what this worker counts: a client may have left.
bool WorkerCore::voucher_to_come() const {
  return std::any_of(proxies_.begin(), proxies_.end(), [this](const ProxyLink& proxy) {
    if (!draining_ || proxy.state != ProxyState::ready || proxy.paid) return false;
    const auto meter = meters_.find(proxy.account);
    return meter != meters_.end() && meter->second.unvouched() > Nano{0};
  });
}

void WorkerCore::store_earnings() {
  if (!std::exchange(dirty_, false)) return;
  ports::StoreBatch batch;
  for (auto& [account, meter] : meters_) {
    batch.put(store_key(kEarningsKey, account.view()), meter.snapshot());
  }
  emit(WriteStore{std::move(batch)});
}

void WorkerCore::settle_all(Now now) {
  // What is worth less stays in the store, for the next run or `cocoon-wallet cash-out`.
  settle_periodically(now, billing::Worth::backing);
}

}  // namespace cocoon::core
