/// The client's commands.

#include <fmt/format.h>

#include "ask_first.h"
#include "base/limits.h"
#include "billing/amount.h"
#include "codec/hex.h"
#include "commands.h"
#include "io/clock.h"
#include "ledger/ton/contract_views.h"
#include "registry/formats.h"
#include "session.h"

namespace cocoon::app {

namespace {

Error misuse(std::string detail) {
  return Error(ErrorKind::invalid_argument, "bad_value", std::move(detail));
}

Result<AccountId> parse_proxy(const std::string& text) {
  const auto id = array_from_hex<32>(text);
  if (!id) return misuse("--proxy \"" + text + "\": expected an account, 64 hexadecimal digits");
  return AccountId{*id};
}

/// The client's account, a ledger, and one proxy.
struct Client {
  Account account;
  Session session;
  AccountId proxy;

  static Result<Client> open(const Common& common, const ChannelCommand& command) {
    COCOON_TRY(Account account, open_account(common.files));
    if (account.role() != AccountRole::client)
      return misuse("channels are a client's: give --client");
    COCOON_TRY(const AccountId proxy, parse_proxy(command.proxy));
    COCOON_TRY(Session session, Session::open(account));
    return Client{std::move(account), std::move(session), proxy};
  }

  Result<std::optional<billing::ChannelState>> find() {
    COCOON_TRY(auto view,
               session.read<ports::ChannelView>(ports::FindChannel{account.id(), proxy}));
    return std::move(view.channel);
  }
  /// Errors: not_found/no_channel.
  Result<billing::ChannelState> existing() {
    COCOON_TRY(auto channel, find());
    if (channel) return std::move(*channel);
    return Error(ErrorKind::not_found, "no_channel",
                 "there is no open channel with this proxy; `cocoon-wallet open` opens one");
  }
  /// A deposit for a proxy that withdraws is of no use: it takes no more requests.
  /// Errors: payment/proxy_not_open.
  Status check_proxy_open() {
    COCOON_TRY(const auto view, session.read<ports::ProxyView>(ports::ReadProxy{proxy}));
    if (!view.proxy || view.proxy->phase == billing::ProxyPhase::open) return ok();
    return Error(
        ErrorKind::payment, "proxy_not_open",
        fmt::format("the contract of proxy {} is {}: it takes no more requests; choose "
                    "another one, and `cocoon-wallet leave` gets back what a channel holds",
                    to_hex(proxy.view()), billing::to_string(view.proxy->phase)));
  }
  Result<billing::ChannelState> read(const ChannelId& id) {
    COCOON_TRY(auto view, session.read<ports::ChannelView>(ports::ReadChannel{id}));
    if (view.channel) return std::move(*view.channel);
    return Error(ErrorKind::not_found, "no_channel", "the ledger does not show the channel");
  }
  /// The first nonce of this pair that was never used.
  Result<ByteArray<16>> free_nonce(const NetworkId& network) {
    for (std::uint32_t n = 0; n < limits::kMaxTonChannelsPerPair; ++n) {
      const auto nonce = ledger::channel_nonce(network, account.id(), proxy, n);
      const ChannelId id =
          billing::channel_address(network, account.id(), proxy, account.id(), nonce);
      COCOON_TRY(const auto view, session.read<ports::ChannelView>(ports::ReadChannel{id}));
      if (!view.channel) return nonce;
    }
    return Error(ErrorKind::too_large, "too_many_channels",
                 "this client has opened too many channels with this proxy: use a new account");
  }
};

void print(const billing::ChannelState& channel) {
  fmt::print("channel {} {}: deposit {}, claimed {}, refunded {}\n", to_hex(channel.id().view()),
             billing::to_string(channel.phase), billing::format_amount(channel.deposited),
             billing::format_amount(channel.claimed), billing::format_amount(channel.refunded));
}

}  // namespace

Result<Exit> open_channel(const Common& common, const ChannelCommand& command) {
  COCOON_TRY(const Nano deposit, billing::parse_amount(command.amount));
  COCOON_TRY(Client client, Client::open(common, command));
  COCOON_TRY(const auto there, client.find());
  if (there) {
    print(*there);
    fmt::print("It is there already; `cocoon-wallet top-up` raises its deposit.\n");
    return Exit::done;
  }
  COCOON_CHECK(client.check_proxy_open());
  COCOON_TRY(const auto view, client.session.read<ports::RegistryView>(ports::ReadRegistry{}));
  COCOON_CHECK(ask_first(fmt::format("{} are deposited for proxy {}, and {} kept as rent",
                                     billing::format_amount(deposit), command.proxy,
                                     billing::format_amount(view.registry.tombstone_rent)),
                         common.yes));
  COCOON_TRY(const auto nonce, client.free_nonce(view.registry.network));
  COCOON_CHECK(client.session.write(ports::OpenChannel{client.proxy, nonce, deposit}));
  COCOON_TRY(const auto channel, client.existing());
  print(channel);
  return Exit::done;
}

Result<Exit> top_up(const Common& common, const ChannelCommand& command) {
  COCOON_TRY(const Nano total, billing::parse_amount(command.amount));
  COCOON_TRY(Client client, Client::open(common, command));
  COCOON_TRY(const auto channel, client.existing());
  if (channel.deposited < total) {
    COCOON_CHECK(client.check_proxy_open());
    COCOON_CHECK(ask_first(fmt::format("{} are added to the deposit of {}",
                                       billing::format_amount(floor_sub(total, channel.deposited)),
                                       billing::format_amount(channel.deposited)),
                           common.yes));
    COCOON_CHECK(client.session.write(ports::TopUpChannel{channel.id(), total}));
  }
  COCOON_TRY(const auto after, client.existing());
  print(after);
  return Exit::done;
}

Result<Exit> leave(const Common& common, const ChannelCommand& command) {
  COCOON_TRY(Client client, Client::open(common, command));
  COCOON_TRY(auto channel, client.existing());
  if (channel.phase == billing::ChannelPhase::open) {
    COCOON_CHECK(ask_first(
        fmt::format("The channel with {} is closed: after a delay of {} what is left of {} comes "
                    "back",
                    command.proxy, format_duration(channel.terms.close_delay),
                    billing::format_amount(channel.deposited)),
        common.yes));
    COCOON_CHECK(client.session.write(ports::StartChannelClose{channel.id()}));
    COCOON_TRY(channel, client.read(channel.id()));
  }
  if (channel.phase == billing::ChannelPhase::closing) {
    const auto done = client.session.write(ports::FinaliseChannel{channel.id()});
    if (!done && done.error().code() != "too_early") return done.error();
    if (!done) {
      print(channel);
      COCOON_TRY(const UnixTime now, client.session.time());
      fmt::print(
          "The proxy may claim what vouchers authorise until {}; the ledger's clock shows {}. "
          "Then give this command again.\n",
          format_time(channel.final_at), format_time(now));
      return Exit::not_yet;
    }
    COCOON_TRY(channel, client.read(channel.id()));
  }
  print(channel);
  return Exit::done;
}

}  // namespace cocoon::app
