/// The proxy's commands.

#include <fmt/format.h>

#include "ask_first.h"
#include "billing/amount.h"
#include "billing/meter.h"
#include "codec/hex.h"
#include "commands.h"
#include "core/store_keys.h"
#include "kept_state.h"
#include "registry/formats.h"
#include "session.h"

namespace cocoon::app {

namespace {

struct Proxy {
  Account account;
  Session session;

  static Result<Proxy> open(const Common& common) {
    COCOON_TRY(Account account, open_account(common.files));
    if (account.role() != AccountRole::proxy) {
      return Error(ErrorKind::invalid_argument, "bad_value",
                   "stake and fees are a proxy's: give --proxy");
    }
    COCOON_TRY(Session session, Session::open(account));
    return Proxy{std::move(account), std::move(session)};
  }

  Result<std::optional<billing::ProxyState>> find() {
    COCOON_TRY(auto view, session.read<ports::ProxyView>(ports::ReadProxy{account.id()}));
    return std::move(view.proxy);
  }
  /// Errors: not_found/no_contract.
  Result<billing::ProxyState> existing() {
    COCOON_TRY(auto proxy, find());
    if (proxy) return std::move(*proxy);
    return Error(ErrorKind::not_found, "no_contract",
                 "this proxy has no contract; `cocoon-wallet stake` deploys it");
  }
};

void print(const billing::ProxyState& proxy) {
  fmt::print("contract {}: pool {}, fees {}, stake {}, fees taken {}, withdrawn {}\n",
             billing::to_string(proxy.phase), billing::format_amount(proxy.pool),
             billing::format_amount(proxy.fees), billing::format_amount(proxy.stake),
             billing::format_amount(proxy.fees_taken), billing::format_amount(proxy.withdrawn));
}

Status check_open(const billing::ProxyState& proxy) {
  if (proxy.phase == billing::ProxyPhase::open) return ok();
  return Error(ErrorKind::payment, "proxy_not_open",
               fmt::format("this proxy's contract is {}, takes no stake and is never opened again: "
                           "to run a proxy once more, make a new account",
                           billing::to_string(proxy.phase)));
}

/// Vouchers outlast the contract's closing, so workers can cash them during the delay; for the rest
/// nothing is left afterwards. Says what that is, by worker. @return the sum
Result<Nano> without_vouchers(KeptState& kept, const Account& account,
                              const billing::ProxyState& contract) {
  billing::PayoutBook book(contract.terms.network, account.id());
  COCOON_TRY(const auto entries, kept.load(core::kPayoutKey));
  for (const KeptState::Entry& entry : entries) COCOON_CHECK(book.restore(entry.snapshot));
  book.set_contract(contract);
  Nano sum;
  for (const AccountId& worker : book.waiting()) {
    const Nano rest = floor_sub(book.owed(worker), book.vouched(worker));
    fmt::print("worker     {}: owed {}, vouchers for {}\n", to_hex(worker.view()),
               billing::format_amount(book.owed(worker)),
               billing::format_amount(book.vouched(worker)));
    sum = saturating_add(sum, rest);
  }
  return sum;
}

/// The state of the proxy, which stays stopped while that is held. Nothing: it has never run here.
/// Errors: payment/workers_unpaid unless `leave_unpaid`; those of KeptState::open().
Result<std::optional<KeptState>> check_paid(const Account& account,
                                            const billing::ProxyState& contract,
                                            bool leave_unpaid) {
  auto kept = KeptState::open(account.place);
  if (!kept && kept.error().code() == "no_state") return std::optional<KeptState>();
  if (!kept) return std::move(kept).error();
  COCOON_TRY(const Nano sum, without_vouchers(*kept, account, contract));
  if (sum == Nano{} || leave_unpaid) return std::optional<KeptState>(std::move(*kept));
  return Error(ErrorKind::payment, "workers_unpaid",
               fmt::format("workers are owed {} for which they have no voucher, and would lose it. "
                           "Give `cocoon-wallet redeem`, so that the contract backs it, run the "
                           "proxy until they have connected, and stop it; or withdraw in spite of "
                           "it with --leave-unpaid",
                           billing::format_amount(sum)));
}

}  // namespace

Result<Exit> stake(const Common& common, const std::string& amount) {
  COCOON_TRY(const Nano total, billing::parse_amount(amount));
  COCOON_TRY(Proxy proxy, Proxy::open(common));
  COCOON_TRY(const auto there, proxy.find());
  if (there) COCOON_CHECK(check_open(*there));
  const Nano before = there ? there->staked : Nano{};
  if (!there || before < total) {
    COCOON_CHECK(ask_first(
        fmt::format("{} are staked; workers are paid from them where clients' payments do not "
                    "reach",
                    billing::format_amount(floor_sub(total, before))),
        common.yes));
    COCOON_CHECK(there ? proxy.session.write(ports::AddProxyStake{total})
                       : proxy.session.write(ports::DeployProxy{total}));
  }
  COCOON_TRY(const auto after, proxy.existing());
  print(after);
  return Exit::done;
}

Result<Exit> take_fees(const Common& common) {
  COCOON_TRY(Proxy proxy, Proxy::open(common));
  COCOON_TRY(const auto before, proxy.existing());
  if (before.unlocked_fees() == Nano{}) {
    print(before);
    fmt::print("No fees are unlocked: they unlock as workers are paid.\n");
    return Exit::done;
  }
  COCOON_CHECK(ask_first(
      fmt::format("{} go to the proxy's wallet", billing::format_amount(before.unlocked_fees())),
      common.yes));
  COCOON_CHECK(proxy.session.write(ports::TakeProxyFees{}));
  COCOON_TRY(const auto after, proxy.existing());
  print(after);
  return Exit::done;
}

Result<Exit> withdraw(const Common& common, bool leave_unpaid) {
  COCOON_TRY(Proxy proxy, Proxy::open(common));
  COCOON_TRY(auto contract, proxy.existing());
  std::optional<KeptState> stopped;
  if (contract.phase != billing::ProxyPhase::closed) {
    COCOON_TRY(stopped, check_paid(proxy.account, contract, leave_unpaid));
  }
  if (contract.phase == billing::ProxyPhase::open) {
    COCOON_CHECK(ask_first(
        fmt::format("The proxy's contract is closed for ever: after a delay of {} stake and "
                    "remainder come back",
                    format_duration(contract.terms.withdraw_delay)),
        common.yes));
    COCOON_CHECK(proxy.session.write(ports::StartProxyWithdrawal{}));
    COCOON_TRY(contract, proxy.existing());
  }
  if (contract.phase == billing::ProxyPhase::closing) {
    const auto done = proxy.session.write(ports::FinishProxyWithdrawal{});
    if (!done && done.error().code() != "too_early") return done.error();
    if (!done) {
      print(contract);
      COCOON_TRY(const UnixTime now, proxy.session.time());
      fmt::print(
          "Workers may cash until {}; the ledger's clock shows {}. Then give this command "
          "again.\n",
          format_time(contract.final_at), format_time(now));
      return Exit::not_yet;
    }
    COCOON_TRY(contract, proxy.existing());
  }
  print(contract);
  return Exit::done;
}

}  // namespace cocoon::app
