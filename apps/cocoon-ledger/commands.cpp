#include "commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "billing/amount.h"
#include "codec/hex.h"
#include "crypto/system_random.h"
#include "io/address.h"
#include "io/clock.h"
#include "ledger/local_ledger.h"
#include "registry/formats.h"
#include "settings.h"
#include "values.h"

namespace cocoon::app {
namespace {

using billing::Registry;
using ledger::LocalLedger;
using ledger::MessageKind;
using ledger::Progress;

UnixTime now() {
  return io::now().unix;
}

Error misuse(std::string detail) {
  return Error(ErrorKind::invalid_argument, "bad_value", std::move(detail));
}

Result<AccountId> parse_account(std::string_view text) {
  COCOON_TRY(const Hash bytes, parse_hash(text, "account"));
  return AccountId{bytes};
}

Result<ChannelId> parse_channel(std::string_view text) {
  COCOON_TRY(const Hash bytes, parse_hash(text, "channel"));
  return ChannelId{bytes};
}

/// Where others can be told to connect: not at the address that means "all of mine", which who
/// dials it takes for its own.
bool is_endpoint(const std::string& text) {
  const auto address = io::Address::parse(text);
  return address && !address->is_unix() && address->port != 0 && address->host != "0.0.0.0" &&
         address->host != "::";
}

/// Sends a message and waits until it has arrived, with everything that it set going.
Status carry_out(LocalLedger& ledger, const ledger::LocalMessage& message) {
  COCOON_TRY(const ledger::MessageId id, ledger.submit(message, now()));
  for (;;) {
    COCOON_CHECK(ledger.advance(now()));
    COCOON_TRY(auto status, ledger.status(id));
    if (status.progress == Progress::bounced) return std::move(*status.error);
    COCOON_TRY(const auto due, ledger.next_due());
    if (status.progress == Progress::confirmed && !due) return ok();
    std::this_thread::sleep_until(*due + Millis{1});
  }
}

/// Puts `entry` into a sorted list. Errors: already_allowed.
template <class T, class Less>
Status insert(std::vector<T>& list, T entry, Less less, std::string_view what) {
  const auto at = std::lower_bound(list.begin(), list.end(), entry, less);
  if (at != list.end() && !less(entry, *at)) {
    return Error(ErrorKind::invalid_argument, "already_allowed",
                 fmt::format("the registry has this {} already", what));
  }
  list.insert(at, std::move(entry));
  return ok();
}

/// Errors: not_allowed.
template <class T, class Same>
Status erase(std::vector<T>& list, Same same, std::string_view what) {
  const auto at = std::find_if(list.begin(), list.end(), same);
  if (at == list.end()) {
    return Error(ErrorKind::not_found, "not_allowed",
                 fmt::format("the registry has no such {}", what));
  }
  list.erase(at);
  return ok();
}

std::vector<Hash>* image_list(Registry& registry, std::string_view kind) {
  if (kind == "proxy-image") return &registry.proxy_images;
  if (kind == "worker-image") return &registry.worker_images;
  if (kind == "gpu") return &registry.gpu_measurements;
  return nullptr;
}

Status edit(LocalLedger& ledger, const LocalLedger::RegistryEdit& change) {
  const UnixTime at = now();
  COCOON_TRY(const Registry result, ledger.edit_registry(change, at));
  if (result.effective > at) {
    fmt::print("registry version {} counts from {} on\n", result.version,
               format_time(result.effective));
  } else {
    fmt::print("registry version {}\n", result.version);
  }
  return ok();
}

Status allow_model(LocalLedger& ledger, const AllowCommand& c) {
  if (c.max_output_tokens == 0) return misuse("--max-output must be at least 1");
  return edit(ledger, [&](Registry& r) {
    return insert(
        r.models, billing::ModelEntry{c.value, c.max_output_tokens, c.template_allowance},
        [](const auto& a, const auto& b) { return a.id < b.id; }, "model");
  });
}

Status allow_proxy(LocalLedger& ledger, const AllowCommand& c) {
  COCOON_TRY(const AccountId account, parse_account(c.value));
  // Looked at before there is a contract with a stake in it. All clients dial what stands here.
  if (!is_endpoint(c.endpoint)) {
    return misuse("a proxy needs --endpoint HOST:PORT (or [IPV6]:PORT), where clients reach it" +
                  (c.endpoint.empty() ? "" : "; found \"" + c.endpoint + "\""));
  }
  COCOON_TRY(const Registry rules, ledger.registry(now()));
  Nano stake = rules.min_stake;
  if (!c.stake.empty()) {
    COCOON_TRY(stake, billing::parse_amount(c.stake));
  }
  // The contract first: a proxy that is listed can be paid. One that was removed keeps its own.
  COCOON_TRY(const auto deployed, ledger.proxy(account));
  if (!deployed) COCOON_CHECK(carry_out(ledger, ledger::deploy_proxy(account, stake)));
  return edit(ledger, [&](Registry& r) {
    return insert(
        r.proxies, billing::ProxyEntry{account, c.endpoint},
        [](const auto& a, const auto& b) { return a.account < b.account; }, "proxy");
  });
}

/// What a channel's holder reads after a step of its closing.
void print_channel(const billing::ChannelState& c) {
  if (c.phase == billing::ChannelPhase::closing) {
    fmt::print("closing; finalise with the same command from {} on\n", format_time(c.final_at));
    return;
  }
  fmt::print("{}; to the proxy {}, refunded {}\n", to_string(c.phase),
             billing::format_amount(c.settled), billing::format_amount(c.refunded));
}

Result<billing::ChannelState> existing_channel(LocalLedger& ledger, const ChannelId& id) {
  COCOON_TRY(auto found, ledger.channel(id));
  if (found) return std::move(*found);
  return Error(ErrorKind::not_found, "channel_unknown", "the ledger has no such channel");
}

}  // namespace

Status init(const std::string& file, const InitCommand& command) {
  COCOON_CHECK(crypto::initialise());
  ledger::Genesis genesis;
  genesis.registry = default_registry();
  genesis.registry.version = 1;
  crypto::SystemRandom random;
  genesis.registry.network.bytes = random.array<16>();
  COCOON_CHECK(apply_settings(command.settings, genesis.registry));
  COCOON_TRY(genesis.confirmation_delay, parse_duration(command.confirmation_delay));
  COCOON_TRY(const Millis governance, parse_duration(command.governance_delay));
  genesis.governance_delay = std::chrono::duration_cast<Seconds>(governance);
  COCOON_TRY(const LocalLedger made, LocalLedger::create(file, genesis, now()));
  fmt::print("network {}\n", to_hex(genesis.registry.network.view()));
  return ok();
}

Status set(const std::string& file, const RegistrySettings& settings) {
  COCOON_TRY(LocalLedger ledger, LocalLedger::open(file));
  return edit(ledger, [&](Registry& r) { return apply_settings(settings, r); });
}

Status allow(const std::string& file, const AllowCommand& command) {
  COCOON_TRY(LocalLedger ledger, LocalLedger::open(file));
  if (command.kind == "model") return allow_model(ledger, command);
  if (command.kind == "proxy") return allow_proxy(ledger, command);
  COCOON_TRY(const Hash image, parse_hash(command.value, "measurement"));
  return edit(ledger, [&](Registry& r) {
    return insert(*image_list(r, command.kind), image, std::less<Hash>(), "measurement");
  });
}

Status remove(const std::string& file, const RemoveCommand& command) {
  COCOON_TRY(LocalLedger ledger, LocalLedger::open(file));
  if (command.kind == "model") {
    return edit(ledger, [&](Registry& r) {
      return erase(
          r.models, [&](const auto& m) { return m.id == command.value; }, "model");
    });
  }
  COCOON_TRY(const Hash value, parse_hash(command.value, command.kind));
  if (command.kind == "proxy") {
    return edit(ledger, [&](Registry& r) {
      return erase(
          r.proxies, [&](const auto& p) { return p.account.bytes == value; }, "proxy");
    });
  }
  return edit(ledger, [&](Registry& r) {
    return erase(
        *image_list(r, command.kind), [&](const Hash& h) { return h == value; }, "measurement");
  });
}

Status open(const std::string& file, const OpenCommand& command) {
  COCOON_CHECK(crypto::initialise());
  COCOON_TRY(LocalLedger ledger, LocalLedger::open(file));
  COCOON_TRY(const Registry rules, ledger.registry(now()));
  billing::ChannelTerms terms;
  terms.network = rules.network;
  COCOON_TRY(terms.client, parse_account(command.client));
  COCOON_TRY(terms.proxy, parse_account(command.proxy));
  terms.signer = terms.client;
  if (!command.signer.empty()) {
    COCOON_TRY(terms.signer, parse_account(command.signer));
  }
  COCOON_TRY(const Nano deposit, billing::parse_amount(command.deposit));
  terms.rent = rules.tombstone_rent;
  crypto::SystemRandom random;
  terms.nonce = random.array<16>();
  COCOON_CHECK(carry_out(ledger, ledger::open_channel(terms, deposit)));
  fmt::print("{}\n", to_hex(terms.address().view()));
  return ok();
}

Status top_up(const std::string& file, const TopUpCommand& command) {
  COCOON_TRY(LocalLedger ledger, LocalLedger::open(file));
  COCOON_TRY(const ChannelId id, parse_channel(command.channel));
  COCOON_TRY(const Nano amount, billing::parse_amount(command.amount));
  COCOON_TRY(const auto channel, existing_channel(ledger, id));
  COCOON_CHECK(carry_out(ledger, ledger::top_up(channel.terms.client, id, amount)));
  COCOON_TRY(const auto after, existing_channel(ledger, id));
  fmt::print("deposit {}\n", billing::format_amount(after.deposited));
  return ok();
}

Status close(const std::string& file, const std::string& channel) {
  COCOON_TRY(LocalLedger ledger, LocalLedger::open(file));
  COCOON_TRY(const ChannelId id, parse_channel(channel));
  COCOON_TRY(const auto before, existing_channel(ledger, id));
  MessageKind step = MessageKind::start_close;
  if (before.phase == billing::ChannelPhase::closing) step = MessageKind::finalise;
  if (before.phase == billing::ChannelPhase::closed) step = MessageKind::resend;
  if (step == MessageKind::finalise && now() < before.final_at) {
    print_channel(before);
    return Error(ErrorKind::invalid_argument, "too_early",
                 "the proxy may still present vouchers until " + format_time(before.final_at));
  }
  COCOON_CHECK(carry_out(ledger, ledger::channel_order(step, before.terms.client, id)));
  COCOON_TRY(const auto after, existing_channel(ledger, id));
  print_channel(after);
  return ok();
}

Status withdraw(const std::string& file, const std::string& proxy) {
  COCOON_TRY(LocalLedger ledger, LocalLedger::open(file));
  COCOON_TRY(const AccountId account, parse_account(proxy));
  COCOON_TRY(const auto before, ledger.proxy(account));
  const bool start = before && before->phase == billing::ProxyPhase::open;
  const MessageKind step = start ? MessageKind::start_withdrawal : MessageKind::finish_withdrawal;
  COCOON_CHECK(carry_out(ledger, ledger::proxy_order(step, account)));
  COCOON_TRY(const auto after, ledger.proxy(account));
  if (start) {
    fmt::print("closing; withdraw with the same command from {} on\n",
               format_time(after->final_at));
  } else {
    fmt::print("withdrawn {}\n", billing::format_amount(after->withdrawn));
  }
  return ok();
}

}  // namespace cocoon::app
