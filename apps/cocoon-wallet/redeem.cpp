/// A stopped proxy's clients: presents what they have signed.

#include <fmt/format.h>

#include <algorithm>

#include "ask_first.h"
#include "billing/amount.h"
#include "billing/meter.h"
#include "codec/hex.h"
#include "commands.h"
#include "core/store_keys.h"
#include "kept_state.h"
#include "registry/formats.h"
#include "session.h"
#include "write_all.h"

namespace cocoon::app {
namespace {

using billing::format_amount;

/// What the meter has due: while the channel closes, all that was charged and authorised.
std::optional<DueWrite> due(const billing::ProxyMeter& meter,
                            const billing::ChannelState& channel) {
  const std::string name = "channel " + to_hex(channel.id().view());
  if (const auto present = meter.present_due()) {
    return DueWrite{name, floor_sub(present->claim, channel.claimed),
                    ports::PresentVoucher{channel.id(), present->voucher, present->claim}};
  }
  if (const auto redeem = meter.redeem_due(billing::Worth::any)) {
    const Nano claim = std::min(meter.acknowledged(), channel.deposited);
    return DueWrite{name, floor_sub(claim, channel.claimed),
                    ports::RedeemVoucher{channel.id(), redeem->voucher}};
  }
  return std::nullopt;
}

void print(const billing::ProxyMeter& meter, const billing::ChannelState& channel) {
  fmt::print("channel    {} {}: charged {}, vouchers for {}, claimed {} of {}\n",
             to_hex(channel.id().view()), billing::to_string(channel.phase),
             format_amount(meter.charged()), format_amount(meter.acknowledged()),
             format_amount(channel.claimed), format_amount(channel.deposited));
  if (channel.phase == billing::ChannelPhase::closing) {
    fmt::print("           may be finalised from {} on\n", format_time(channel.final_at));
  }
}

Result<std::vector<DueWrite>> all_due(KeptState& kept, Session& session, const AccountId& self) {
  std::vector<DueWrite> out;
  COCOON_TRY(const auto entries, kept.load(core::kChannelKey));
  for (const KeptState::Entry& entry : entries) {
    const ChannelId id{entry.id};
    COCOON_TRY(const auto view, session.read<ports::ChannelView>(ports::ReadChannel{id}));
    if (!view.channel || view.channel->terms.proxy != self) {
      fmt::print("channel    {}: the ledger shows no such channel of this proxy\n",
                 to_hex(id.view()));
      continue;
    }
    // No limits: what is due at any worth does not depend on them.
    billing::ProxyMeter meter(view.channel->terms.network, id, view.channel->terms.signer, self,
                              {});
    if (const Status restored = meter.restore(entry.snapshot); !restored) {
      fmt::print("channel    {}: {}\n", to_hex(id.view()), restored.error().detail());
      continue;
    }
    meter.set_channel(*view.channel);
    print(meter, *view.channel);
    if (auto write = due(meter, *view.channel)) out.push_back(std::move(*write));
  }
  return out;
}

}  // namespace

Result<Exit> redeem(const Common& common) {
  COCOON_TRY(const Account account, open_account(common.files));
  if (account.role() != AccountRole::proxy) {
    return Error(ErrorKind::invalid_argument, "bad_value",
                 "clients' vouchers are a proxy's: give --proxy");
  }
  COCOON_TRY(KeptState kept, KeptState::open(account.place));
  COCOON_TRY(Session session, Session::open(account));
  COCOON_TRY(auto writes, all_due(kept, session, account.id()));
  if (writes.empty()) {
    fmt::print("Nothing is to be redeemed.\n");
    return Exit::done;
  }
  COCOON_CHECK(ask_first(fmt::format("{} are claimed by {} messages, to the proxy's contract",
                                     format_amount(total_of(writes)), writes.size()),
                         common.yes));
  return write_all(session, std::move(writes));
}

}  // namespace cocoon::app
