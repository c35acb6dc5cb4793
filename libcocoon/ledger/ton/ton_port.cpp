#include "ledger/ton/ton_port.h"

#include <deque>

#include "io/turn.h"
#include "ledger/ton/pending_writes.h"
#include "ledger/ton/registry_watch.h"
#include "ledger/ton/wallet.h"
#include "ton/contract_address.h"

namespace cocoon::ledger {
namespace {

using Done = Callback<void(Result<ports::LedgerReply>)>;

RegistryWatchOptions watch_options(const TonLedgerOptions& o) {
  return {o.site,          o.keepers, o.registry_file, o.registry_cache, o.registry_max_age,
          o.registry_poll, o.log};
}

}  // namespace

class TonLedgerPort::State {
 public:
  static Result<std::unique_ptr<State>> open(const io::Context& context, TonLedgerOptions options,
                                             const crypto::SigningKey& account, Random& random) {
    auto state = std::unique_ptr<State>(new State(context, options.site, account.account_id()));
    options.api.log = options.log;
    COCOON_TRY(state->toncenter_, Toncenter::create(context, options.api, random));
    COCOON_TRY(state->registry_,
               RegistryWatch::open(context, *state->toncenter_, watch_options(options)));
    state->wallet_.emplace(context, *state->toncenter_, account, options.site.wallets, options.poll,
                           options.log);
    state->writes_.emplace(context, *state->toncenter_, *state->wallet_, options.poll);
    return state;
  }

  void call(ports::LedgerRequest request, Done done) {
    std::visit([&](auto& r) { on(std::move(r), std::move(done)); }, request);
  }
  void watch(Callback<void()> changed) { registry_->watch(std::move(changed)); }
  void send(WalletOrder order, Callback<void(Status)> done) {
    wallet_->send(std::move(order), std::move(done));
  }

 private:
  struct Refused {
    Error error;
    Done done;
  };

  State(const io::Context& context, TonSite site, AccountId self)
      : site_(site),
        self_(self),
        refuse_(context, io::TurnPhase::work, [this] { answer_refused(); }),
        alive_(std::make_shared<bool>(true)) {}

  // --- Reads ---

  void on(const ports::ReadRegistry&, Done done) {
    registry_->read([done = std::move(done)](Result<billing::Registry> r) mutable {
      if (!r) return done(std::move(r).error());
      done(ports::LedgerReply(ports::RegistryView{std::move(*r)}));
    });
  }

  void on(const ports::ReadBeacon& r, Done done) {
    if (r.height) return read_block(*r.height, std::move(done));
    toncenter_->head([this, done = std::move(done)](const Result<ChainHead>& head) mutable {
      if (!head) return done(head.error());
      read_block(head->seqno, std::move(done));
    });
  }

  void on(const ports::ReadChannel& r, Done done) {
    read_account(channel_at(site_, r.channel), std::move(done),
                 [site = site_, r](const AccountReading& account) -> Result<ports::LedgerReply> {
                   COCOON_TRY(auto channel, view_channel(site, r.channel, account));
                   return ports::LedgerReply(ports::ChannelView{std::move(channel)});
                 });
  }

  void on(const ports::FindChannel& r, Done done) { find_channel(r, 0, {}, std::move(done)); }

  void on(const ports::ReadProxy& r, Done done) {
    read_account(proxy_at(site_, r.account), std::move(done),
                 [site = site_, r](const AccountReading& account) -> Result<ports::LedgerReply> {
                   COCOON_TRY(auto proxy, view_proxy(site, r.account, account));
                   return ports::LedgerReply(ports::ProxyView{std::move(proxy)});
                 });
  }

  void on(const ports::ReadPayout& r, Done done) {
    read_account(proxy_at(site_, r.proxy), std::move(done),
                 [site = site_, r](const AccountReading& account) -> Result<ports::LedgerReply> {
                   COCOON_TRY(const auto proxy, view_proxy(site, r.proxy, account));
                   if (!proxy) return ports::LedgerReply(ports::PayoutView{});
                   // Payouts do not bounce here: what is paid has arrived.
                   const Nano paid = proxy->paid_to(r.worker);
                   return ports::LedgerReply(ports::PayoutView{paid, paid, proxy->backing()});
                 });
  }

  void on(const ports::ReadBalance& r, Done done) {
    read_account(ton::account_wallet(r.account, site_.wallets), std::move(done),
                 [](const AccountReading& account) -> Result<ports::LedgerReply> {
                   return ports::LedgerReply(ports::BalanceView{account.balance});
                 });
  }

  void on(const ports::ReadEpoch& r, Done done) {
    read_account(epoch_at(site_, r.account), std::move(done),
                 [site = site_, r](const AccountReading& account) -> Result<ports::LedgerReply> {
                   COCOON_TRY(auto epoch, view_epoch(site, r.account, account));
                   return ports::LedgerReply(ports::EpochView{std::move(epoch)});
                 });
  }

  /// @param look see Toncenter::view()
  void read_account(const Result<ton::Address>& at, Done done,
                    Callback<Result<ports::LedgerReply>(const AccountReading&)> look) {
    if (!at) return refuse(at.error(), std::move(done));
    toncenter_->view<ports::LedgerReply>(*at, std::move(look), std::move(done));
  }

  void read_block(std::uint64_t height, Done done) {
    if (height > UINT32_MAX) {
      return refuse(Error(ErrorKind::not_found, "beacon_unknown", "there is no such block"),
                    std::move(done));
    }
    toncenter_->block(
        static_cast<std::uint32_t>(height),
        [done = std::move(done)](const Result<BlockReading>& block) mutable {
          if (!block) return done(block.error());
          done(ports::LedgerReply(ports::Beacon{block->root_hash, block->seqno, block->time}));
        });
  }

  /// Looks at one channel after the other, up to the first that was never opened.
  void find_channel(ports::FindChannel asked, std::uint32_t n, ports::ChannelView newest,
                    Done done) {
    const ChannelId id =
        billing::channel_address(site_.network, asked.client, asked.proxy, asked.client,
                                 channel_nonce(site_.network, asked.client, asked.proxy, n));
    const auto at = channel_at(site_, id);
    if (!at || n == limits::kMaxTonChannelsPerPair) {
      return refuse(at ? Error(ErrorKind::too_large, "ledger_failed",
                               "this client has opened more than 256 channels with this proxy: use "
                               "a new account")
                       : at.error(),
                    std::move(done));
    }
    using Found = std::optional<billing::ChannelState>;
    toncenter_->view<Found>(
        *at, [site = site_, id](const AccountReading& a) { return view_channel(site, id, a); },
        [this, asked, n, newest = std::move(newest),
         done = std::move(done)](Result<Found> channel) mutable {
          if (!channel) return done(std::move(channel).error());
          if (!*channel) return done(ports::LedgerReply(std::move(newest)));
          if ((*channel)->phase != billing::ChannelPhase::closed) {
            newest.channel = std::move(*channel);
          }
          find_channel(asked, n + 1, std::move(newest), std::move(done));
        });
  }

  // --- Writes ---

  template <class Request>
  void on(Request request, Done done) {
    Write write(std::move(request));
    if (PlannedWrite::needs_registry(write)) return by_root(std::move(write), std::move(done));
    start(std::move(write), nullptr, std::move(done));
  }

  /// The registry that counts is the root's own, whatever keepers have signed.
  void by_root(Write write, Done done) {
    toncenter_->view<billing::Registry>(
        site_.root,
        [site = site_](const AccountReading& root) { return view_registry(site, root); },
        [this, write = std::move(write),
         done = std::move(done)](Result<billing::Registry> registry) mutable {
          if (!registry) return done(std::move(registry).error());
          start(std::move(write), &*registry, std::move(done));
        });
  }

  void start(Write write, const billing::Registry* registry, Done done) {
    auto planned = PlannedWrite::plan(site_, self_, std::move(write), registry);
    if (!planned) return refuse(planned.error(), std::move(done));
    writes_->start(std::move(*planned), std::move(done));
  }

  void refuse(Error error, Done done) {
    refused_.push_back({std::move(error), std::move(done)});
    refuse_.arm();
  }

  void answer_refused() {
    const std::weak_ptr<bool> alive = alive_;
    while (!alive.expired() && !refused_.empty()) {
      Refused r = std::move(refused_.front());
      refused_.pop_front();
      r.done(std::move(r.error));
    }
  }

  TonSite site_;
  AccountId self_;
  std::deque<Refused> refused_;
  io::TurnHook refuse_;
  std::shared_ptr<bool> alive_;
  // Declared first, gone last: what uses it has no callbacks left by then.
  std::unique_ptr<Toncenter> toncenter_;
  std::unique_ptr<RegistryWatch> registry_;
  std::optional<Wallet> wallet_;
  std::optional<PendingWrites> writes_;
};

TonLedgerPort::TonLedgerPort(std::unique_ptr<State> state) : state_(std::move(state)) {}
TonLedgerPort::~TonLedgerPort() = default;

Result<std::unique_ptr<TonLedgerPort>> TonLedgerPort::open(const io::Context& context,
                                                           TonLedgerOptions options,
                                                           const crypto::SigningKey& account,
                                                           Random& random) {
  COCOON_TRY(auto state, State::open(context, std::move(options), account, random));
  return std::unique_ptr<TonLedgerPort>(new TonLedgerPort(std::move(state)));
}

void TonLedgerPort::call(ports::LedgerRequest request, Done done) {
  state_->call(std::move(request), std::move(done));
}

void TonLedgerPort::watch_registry(Callback<void()> changed) {
  state_->watch(std::move(changed));
}

void TonLedgerPort::send(WalletOrder order, Callback<void(Status)> done) {
  state_->send(std::move(order), std::move(done));
}

}  // namespace cocoon::ledger
