#include <fmt/format.h>

#include "billing/amount.h"
#include "codec/hex.h"
#include "commands.h"
#include "registry/formats.h"
#include "session.h"
#include "wallet_address.h"

namespace cocoon::app {

namespace {

/// How long what closes has to wait.
Status show_delay(Session& session, UnixTime final_at, std::string_view command) {
  COCOON_TRY(const UnixTime now, session.time());
  fmt::print("           {} {}; the ledger's clock shows {}. `cocoon-wallet {}` finishes it\n",
             now < final_at ? "waits until" : "has waited until", format_time(final_at),
             format_time(now), command);
  return ok();
}

Status show_channels(const Account& account, Session& session, const billing::Registry& registry) {
  for (const billing::ProxyEntry& proxy : registry.proxies) {
    COCOON_TRY(const auto view,
               session.read<ports::ChannelView>(ports::FindChannel{account.id(), proxy.account}));
    if (!view.channel) continue;
    const billing::ChannelState& c = *view.channel;
    fmt::print("channel    with {} {}: deposit {}, claimed {}\n", to_hex(proxy.account.view()),
               billing::to_string(c.phase), billing::format_amount(c.deposited),
               billing::format_amount(c.claimed));
    if (c.phase == billing::ChannelPhase::closing) {
      COCOON_CHECK(show_delay(session, c.final_at, "leave"));
    }
  }
  return ok();
}

Status show_contract(const Account& account, Session& session) {
  COCOON_TRY(const auto view, session.read<ports::ProxyView>(ports::ReadProxy{account.id()}));
  if (!view.proxy) {
    fmt::print("contract   none; `cocoon-wallet stake` deploys it\n");
    return ok();
  }
  const billing::ProxyState& p = *view.proxy;
  fmt::print("contract   {}: pool {}, stake {}, fees {} ({} unlocked), taken {}\n",
             billing::to_string(p.phase), billing::format_amount(p.pool),
             billing::format_amount(p.stake), billing::format_amount(p.fees),
             billing::format_amount(p.unlocked_fees()), billing::format_amount(p.fees_taken));
  if (p.phase == billing::ProxyPhase::closing) return show_delay(session, p.final_at, "withdraw");
  return ok();
}

Status show_payouts(const Account& account, Session& session, const billing::Registry& registry) {
  for (const billing::ProxyEntry& proxy : registry.proxies) {
    COCOON_TRY(const auto payout,
               session.read<ports::PayoutView>(ports::ReadPayout{proxy.account, account.id()}));
    fmt::print("payout     by {}: {}; {} back what it still owes\n", to_hex(proxy.account.view()),
               billing::format_amount(payout.paid), billing::format_amount(payout.backing));
  }
  return ok();
}

}  // namespace

Result<Exit> show(const Common& common) {
  COCOON_TRY(const Account account, open_account(common.files));
  fmt::print("account    {}\n", to_hex(account.id().view()));
  if (account.place.ledger.ton) {
    COCOON_TRY(const std::string wallet, wallet_address(account));
    fmt::print("wallet     {}\n", wallet);
  }
  COCOON_TRY(Session session, Session::open(account));
  COCOON_TRY(const auto balance,
             session.read<ports::BalanceView>(ports::ReadBalance{account.id()}));
  fmt::print("balance    {}\n", billing::format_amount(balance.balance));
  COCOON_TRY(const auto view, session.read<ports::RegistryView>(ports::ReadRegistry{}));
  switch (account.role()) {
    case AccountRole::client: COCOON_CHECK(show_channels(account, session, view.registry)); break;
    case AccountRole::proxy: COCOON_CHECK(show_contract(account, session)); break;
    case AccountRole::worker: COCOON_CHECK(show_payouts(account, session, view.registry)); break;
  }
  return Exit::done;
}

}  // namespace cocoon::app
