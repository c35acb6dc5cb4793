#include <fmt/format.h>

#include "billing/amount.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "commands.h"
#include "io/clock.h"
#include "ledger/local_ledger.h"
#include "registry/formats.h"
#include "registry/registry_text.h"

namespace cocoon::app {
namespace {

using billing::format_amount;
using billing::Registry;

/// A proxy's contract, and what the newest epoch record of its account says.
struct ProxyContract {
  billing::ProxyState state;
  std::optional<billing::EpochRecord> epoch;
};

/// Everything that is shown, read at one time.
struct Contents {
  Registry registry;
  std::optional<Registry> pending;
  std::vector<ProxyContract> proxies;
  std::vector<billing::ChannelState> channels;
  std::vector<std::pair<AccountId, Nano>> accounts;
  ledger::Audit audit;
};

Result<Contents> read(const std::string& file) {
  COCOON_TRY(ledger::LocalLedger ledger, ledger::LocalLedger::open(file));
  const UnixTime now = io::now().unix;
  COCOON_CHECK(ledger.advance(now));
  Contents c;
  COCOON_TRY(c.registry, ledger.registry(now));
  COCOON_TRY(c.pending, ledger.pending_registry(now));
  COCOON_TRY(auto proxies, ledger.proxies());
  for (billing::ProxyState& state : proxies) {
    COCOON_TRY(const auto newest, ledger.epoch(state.terms.account));
    c.proxies.push_back({std::move(state), newest ? std::optional(newest->value) : std::nullopt});
  }
  COCOON_TRY(c.channels, ledger.channels());
  COCOON_TRY(c.accounts, ledger.balances());
  COCOON_TRY(c.audit, ledger.audit());
  return c;
}

// --- For people ---

void print_contracts(const Contents& c) {
  fmt::print("\nproxy contracts:\n");
  for (const auto& [p, epoch] : c.proxies) {
    fmt::print("  {} {}\n    pool {}, fees {}, stake {}, workers paid {}\n",
               to_hex(p.terms.account.view()), to_string(p.phase), format_amount(p.pool),
               format_amount(p.fees), format_amount(p.stake), p.paid.size());
    if (epoch) {
      fmt::print("    epoch {}, reputation {}\n", epoch->epoch,
                 epoch->reputation == Hash{} ? "none" : to_hex(epoch->reputation));
    }
  }
  fmt::print("\nchannels:\n");
  for (const auto& s : c.channels) {
    fmt::print("  {} {}\n    client {}\n    proxy  {}\n", to_hex(s.id().view()), to_string(s.phase),
               to_hex(s.terms.client.view()), to_hex(s.terms.proxy.view()));
    fmt::print("    deposit {}, claimed {}, refunded {}{}\n", format_amount(s.deposited),
               format_amount(s.claimed), format_amount(s.refunded),
               s.phase == billing::ChannelPhase::closing ? ", final " + format_time(s.final_at)
                                                         : std::string());
  }
  fmt::print("\naccounts:\n");
  for (const auto& [account, amount] : c.accounts) {
    fmt::print("  {} {}\n", to_hex(account.view()), format_amount(amount));
  }
  fmt::print("\nmoney          issued {}, {}\n", format_amount(c.audit.issued),
             c.audit.balanced() ? "all accounted for" : "NOT ACCOUNTED FOR: the file is damaged");
}

// --- For programs ---

void amount(json::Writer& out, std::string_view key, Nano value) {
  out.key(key).u64(value.value);
}

void hex(json::Writer& out, std::string_view key, ByteView bytes) {
  out.key(key).string(to_hex(bytes));
}

void write_proxy(json::Writer& out, const ProxyContract& contract) {
  const auto& [p, epoch] = contract;
  out.begin_object();
  hex(out, "account", p.terms.account.view());
  out.key("phase").string(to_string(p.phase));
  amount(out, "pool_nano", p.pool);
  amount(out, "fees_nano", p.fees);
  amount(out, "stake_nano", p.stake);
  amount(out, "received_nano", p.received);
  amount(out, "fees_taken_nano", p.fees_taken);
  amount(out, "withdrawn_nano", p.withdrawn);
  out.key("final_at").u64(to_unix_seconds(p.final_at));
  if (epoch) {
    out.key("epoch").u64(epoch->epoch);
    hex(out, "reputation", epoch->reputation);
  }
  out.key("paid_nano").begin_object();
  for (const auto& [worker, paid] : p.paid) amount(out, to_hex(worker.view()), paid);
  out.end_object().end_object();
}

void write_channel(json::Writer& out, const billing::ChannelState& s) {
  out.begin_object();
  hex(out, "id", s.id().view());
  hex(out, "client", s.terms.client.view());
  hex(out, "proxy", s.terms.proxy.view());
  hex(out, "signer", s.terms.signer.view());
  out.key("phase").string(to_string(s.phase));
  amount(out, "deposited_nano", s.deposited);
  amount(out, "claimed_nano", s.claimed);
  amount(out, "settled_nano", s.settled);
  amount(out, "refunded_nano", s.refunded);
  amount(out, "balance_nano", s.balance);
  out.key("final_at").u64(to_unix_seconds(s.final_at)).end_object();
}

void write_money(json::Writer& out, const ledger::Audit& a) {
  out.key("money").begin_object();
  amount(out, "issued_nano", a.issued);
  amount(out, "accounts_nano", a.accounts);
  amount(out, "gas_nano", a.gas);
  amount(out, "messages_nano", a.messages);
  amount(out, "transfers_nano", a.transfers);
  amount(out, "channels_nano", a.channels);
  amount(out, "proxies_nano", a.proxies);
  out.key("balanced").boolean(a.balanced()).end_object();
}

std::string to_json(const Contents& c) {
  json::Writer out;
  out.begin_object().key("registry");
  write_registry(out, c.registry);
  if (c.pending) {
    out.key("pending_registry");
    write_registry(out, *c.pending);
  }
  out.key("proxy_contracts").begin_array();
  for (const auto& p : c.proxies) write_proxy(out, p);
  out.end_array().key("channels").begin_array();
  for (const auto& s : c.channels) write_channel(out, s);
  out.end_array().key("accounts").begin_object();
  for (const auto& [account, balance] : c.accounts) amount(out, to_hex(account.view()), balance);
  out.end_object();
  write_money(out, c.audit);
  out.end_object();
  return out.take();
}

}  // namespace

Status show(const std::string& file, bool json) {
  COCOON_TRY(const Contents contents, read(file));
  if (json) {
    fmt::print("{}\n", to_json(contents));
    return ok();
  }
  for (const std::string& line : registry_lines(contents.registry)) fmt::print("{}\n", line);
  if (contents.pending) {
    fmt::print("\npending: registry version {} counts from {} on\n", contents.pending->version,
               format_time(contents.pending->effective));
  }
  print_contracts(contents);
  return ok();
}

}  // namespace cocoon::app
