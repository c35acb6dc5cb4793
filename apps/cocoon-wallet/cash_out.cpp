/// A stopped worker's proxies: presents what they have signed.

#include <fmt/format.h>

#include <algorithm>

#include "ask_first.h"
#include "billing/amount.h"
#include "billing/meter.h"
#include "codec/hex.h"
#include "commands.h"
#include "core/store_keys.h"
#include "kept_state.h"
#include "session.h"
#include "write_all.h"

namespace cocoon::app {
namespace {

using billing::format_amount;

Nano vouched(const billing::WorkerMeter& meter) {
  return meter.voucher() ? meter.voucher()->value.owed : Nano{};
}

void print(const AccountId& proxy, const billing::WorkerMeter& meter,
           const ports::PayoutView& payout) {
  fmt::print("proxy      {}: owes {}, vouchers for {}, paid {}; its contract backs {}\n",
             to_hex(proxy.view()), format_amount(meter.owed()), format_amount(vouched(meter)),
             format_amount(payout.paid), format_amount(payout.backing));
  if (meter.unvouched() != Nano{}) {
    fmt::print(
        "           without a voucher: {}; the proxy signs for it once its contract backs "
        "it, while the worker is connected\n",
        format_amount(meter.unvouched()));
  }
}

Result<std::vector<DueWrite>> all_due(KeptState& kept, Session& session, const AccountId& self) {
  COCOON_TRY(const auto registry, session.read<ports::RegistryView>(ports::ReadRegistry{}));
  COCOON_TRY(const auto entries, kept.load(core::kEarningsKey));
  std::vector<DueWrite> out;
  for (const KeptState::Entry& entry : entries) {
    const AccountId proxy{entry.id};
    // No limits: what is due at any worth does not depend on them.
    billing::WorkerMeter meter(registry.registry.network, proxy, self, {});
    if (const Status restored = meter.restore(entry.snapshot); !restored) {
      fmt::print("proxy      {}: {}\n", to_hex(proxy.view()), restored.error().detail());
      continue;
    }
    COCOON_TRY(const auto payout, session.read<ports::PayoutView>(ports::ReadPayout{proxy, self}));
    meter.set_contract(payout.paid, payout.arrived, payout.backing);
    print(proxy, meter, payout);
    if (auto voucher = meter.cash_out_due(billing::Worth::any)) {
      const Nano pays = std::min(floor_sub(vouched(meter), payout.paid), payout.backing);
      out.push_back(DueWrite{"proxy " + to_hex(proxy.view()), pays,
                             ports::CashOutVoucher{std::move(*voucher)}});
    }
  }
  return out;
}

}  // namespace

Result<Exit> cash_out(const Common& common) {
  COCOON_TRY(const Account account, open_account(common.files));
  if (account.role() != AccountRole::worker) {
    return Error(ErrorKind::invalid_argument, "bad_value",
                 "proxies' vouchers are a worker's: give --worker");
  }
  COCOON_TRY(KeptState kept, KeptState::open(account.place));
  COCOON_TRY(Session session, Session::open(account));
  COCOON_TRY(auto writes, all_due(kept, session, account.id()));
  if (writes.empty()) {
    fmt::print("Nothing is to be cashed.\n");
    return Exit::done;
  }
  COCOON_CHECK(ask_first(fmt::format("{} are paid out by {} messages, to the worker's wallet",
                                     format_amount(total_of(writes)), writes.size()),
                         common.yes));
  return write_all(session, std::move(writes));
}

}  // namespace cocoon::app
