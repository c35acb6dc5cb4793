#include "contracts.h"

#include <fmt/format.h>

#include <functional>

#include "codec/hex.h"
#include "ledger/ton/contract_views.h"
#include "ton/contract_address.h"
#include "ton/contract_state.h"

namespace cocoon::app {
namespace {

using Address = std::optional<ton::Address>;

std::string_view phase_name(ton::ContractPhase phase) {
  switch (phase) {
    case ton::ContractPhase::open: return "open";
    case ton::ContractPhase::closing: return "closing";
    case ton::ContractPhase::closed: break;
  }
  return "closed";
}

/// Whether the contract is where its own data says that it must be.
void add_place(Sheet& sheet, const Address& at, const Result<ton::Address>& expected) {
  if (at && expected) sheet.flag("address_follows", *at == *expected);
}

Status describe_channel(Sheet& sheet, const ledger::AccountReading& account, const Address& at) {
  COCOON_TRY(const auto c, ton::parse_channel_data(account.data));
  sheet.text("contract", "channel").text("phase", std::string(phase_name(c.phase)));
  add_place(sheet, at, ledger::channel_at({c.network, c.root}, c.id));
  sheet.hash("network", c.network.view()).hash("channel", c.id.view());
  sheet.hash("client", c.client.view()).hash("proxy", c.proxy.view());
  sheet.hash("signer", c.signer.view()).hash("nonce", c.nonce);
  sheet.amount("deposited", c.deposited).amount("claimed", c.claimed);
  sheet.amount("settled", c.settled).amount("refunded", c.refunded);
  sheet.amount("best_spent", c.best_spent).amount("best_authorised", c.best_authorised);
  sheet.hash("leftovers", c.leftovers.view()).time("final_at", c.final_at);
  sheet.duration("close_delay", c.close_delay_seconds).amount("rent", c.rent);
  sheet.amount("min_deposit", c.min_deposit);
  sheet.text("root", to_raw(c.root)).text("proxy_contract", to_raw(c.proxy_contract));
  return ok();
}

Status describe_proxy(Sheet& sheet, const ledger::AccountReading& account, const Address& at) {
  COCOON_TRY(const auto p, ton::parse_proxy_data(account.data));
  sheet.text("contract", "proxy").text("phase", std::string(phase_name(p.phase)));
  add_place(sheet, at, ledger::proxy_at({p.network, p.root}, p.account));
  sheet.hash("network", p.network.view()).hash("account", p.account.view());
  sheet.number("worker_share_e4", p.worker_share_e4);
  sheet.amount("pool", p.pool).amount("fees", p.fees).amount("stake", p.stake);
  sheet.amount("received", p.received).amount("staked", p.staked);
  sheet.amount("pool_total", p.pool_total).amount("delivered", p.delivered);
  sheet.amount("fees_taken", p.fees_taken).amount("withdrawn", p.withdrawn);
  sheet.time("final_at", p.final_at).duration("withdraw_delay", p.withdraw_delay_seconds);
  sheet.amount("min_stake", p.min_stake).text("root", to_raw(p.root));
  std::vector<std::string> paid;
  for (const auto& [worker, sum] : p.paid) {
    paid.push_back(fmt::format("{} {}", to_hex(worker.view()), sum.value));
  }
  sheet.list("paid_nano", paid);
  return ok();
}

Status describe_epoch(Sheet& sheet, const ledger::AccountReading& account, const Address& at) {
  COCOON_TRY(const auto e, ton::parse_epoch_data(account.data));
  sheet.text("contract", "epoch");
  add_place(sheet, at, ledger::epoch_at({e.network, {}}, e.account));
  sheet.hash("network", e.network.view()).hash("account", e.account.view());
  if (!e.newest) return ok();
  sheet.hash("record", e.newest->statement);
  sheet.flag("record_is_signed",
             crypto::verify(e.account.bytes, e.newest->statement, e.newest->signature));
  if (const auto record = billing::EpochRecord::decode(e.newest->statement)) {
    sheet.number("epoch", record->epoch).hash("reputation", record->reputation);
  }
  return ok();
}

/// A registry that readers would refuse is no secret: why is told in its place.
void add_registry(Sheet& sheet, std::string_view name, const Result<billing::Registry>& registry) {
  if (registry) {
    sheet.registry(name, *registry);
  } else {
    sheet.text(name, "refused: " + registry.error().detail());
  }
}

Status describe_root(Sheet& sheet, const ledger::AccountReading& account, const Address& at) {
  COCOON_TRY(const auto root, ton::parse_root_data(account.data));
  const ledger::TonSite site{root.network, at.value_or(ton::Address{})};
  sheet.text("contract", "root").hash("network", root.network.view());
  add_registry(sheet, "registry", view_registry(site, account));
  if (!root.next || root.next->effective <= to_unix_seconds(account.time)) return ok();
  ledger::AccountReading later = account;
  later.time = UnixTime::max();  // when what waits is in force
  add_registry(sheet, "waiting", view_registry(site, later));
  return ok();
}

using Describe = std::function<Status(Sheet&, const ledger::AccountReading&, const Address&)>;

/// By its code: what it must be.
Describe by_code(const Hash& code) {
  const auto epoch = ton::first_epoch({}, {});
  if (code == ton::channel_code_hash()) return describe_channel;
  if (code == ton::proxy_contract_code_hash()) return describe_proxy;
  if (epoch && code == (*epoch->code)->hash()) return describe_epoch;
  return {};
}

/// What needs no look at the data. @return whether that is all that there is to say
bool name_by_code(Sheet& sheet, const Hash& code) {
  const auto shell = ton::first_channel({}, {});
  if (shell && code == (*shell->code)->hash()) {
    sheet.text("contract", "shell").text("known_by", "code");
    return true;
  }
  for (const auto version :
       {ton::WalletVersion::v3r2, ton::WalletVersion::v4r2, ton::WalletVersion::v5r1}) {
    if (code != ton::wallet_code(version)->hash()) continue;
    sheet.text("contract", fmt::format("wallet {}", ton::to_string(version)));
    sheet.text("known_by", "code");
    return true;
  }
  return false;
}

Error unknown(const std::string& why) {
  return Error(ErrorKind::invalid_argument, "contract_unknown", why);
}

}  // namespace

Status describe(Sheet& sheet, const ledger::AccountReading& account, const Address& at) {
  if (account.code) {
    const Hash& code = account.code->hash();
    sheet.hash("code_hash", code);
    if (name_by_code(sheet, code)) return ok();
    if (const Describe known = by_code(code)) {
      const Status told = known(sheet, account, at);
      if (!told) return unknown("its code is known, and its data is not: " + told.error().detail());
      sheet.text("known_by", "code");
      return ok();
    }
  }
  for (const Describe& one : {Describe(describe_root), Describe(describe_channel),
                              Describe(describe_proxy), Describe(describe_epoch)}) {
    if (!one(sheet, account, at)) continue;
    sheet.text("known_by", "layout");
    return ok();
  }
  if (!describe_live(sheet, account.data)) {
    return unknown("its data is that of no contract that this program knows");
  }
  sheet.text("known_by", "layout");
  return ok();
}

}  // namespace cocoon::app
