#pragma once
/// @file The rules of the proxy contract, as one pure function: what clients' channels paid in, the
/// proxy's stake, and what workers were paid. Source: economics.md "Money out".

#include <map>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/money.h"
#include "base/time.h"
#include "billing/transfer.h"
#include "billing/voucher.h"
#include "cocoon/result.h"

namespace cocoon::billing {

enum class ProxyPhase : std::uint8_t {
  open = 1,
  closing = 2,  ///< stake and remainder leave at `final_at`
  closed = 3    ///< takes nothing more; still pays workers what bounced back
};
std::string_view to_string(ProxyPhase phase);

struct ProxyTerms {
  NetworkId network;
  AccountId account;  ///< signs payout vouchers
  /// From start of closing to withdrawal: longer than any channel's close delay.
  Seconds withdraw_delay{0};
  Nano min_stake;
  friend bool operator==(const ProxyTerms&, const ProxyTerms&) = default;
};

/// Invariant at all times: received + staked = pool + fees + stake + due + Σ paid + fees_taken +
/// withdrawn.
struct ProxyState {
  ProxyTerms terms;
  ProxyPhase phase = ProxyPhase::open;
  std::uint32_t worker_share_e4 = 0;  ///< how what comes in is split
  Nano pool;                          ///< the workers' share of what was received, less payouts
  Nano fees;                          ///< the proxy's share, not yet taken
  Nano stake;                         ///< pays workers where the pool does not reach
  Nano due;                           ///< a withdrawal that bounced; may be sent again
  Nano received;                      ///< all from channels
  Nano staked;                        ///< all from the proxy as stake
  Nano pool_total;  ///< all that ever went to the pool; received = pool_total + all fees
  Nano delivered;   ///< payouts that have arrived for good
  Nano fees_taken;
  Nano withdrawn;
  UnixTime final_at{};
  std::map<AccountId, Nano> paid;  ///< per worker, sent and not bounced

  /// What workers can be paid from.
  Nano backing() const { return saturating_add(pool, stake); }
  Nano paid_to(const AccountId& worker) const;
  /// How much of the fees may be taken now: in proportion to delivered payouts.
  Nano unlocked_fees() const;

  Bytes encode() const;
  /// Errors: io/bad_proxy_state.
  static Result<ProxyState> decode(ByteView bytes);
  friend bool operator==(const ProxyState&, const ProxyState&) = default;
};

// --- Messages ---

/// Comes with the stake. Errors: proxy_exists, stake_too_small.
struct DeployProxy {
  ProxyTerms terms;
  std::uint32_t worker_share_e4 = 0;
  Nano stake;
};
/// Errors: proxy_not_open.
struct AddStake {
  Nano amount;
};
/// From a channel, split by the worker's share. Errors: proxy_closed, not_deployed.
struct Receive {
  Nano amount;
};
/// By anybody who holds the voucher; pays min(owed − paid, pool + stake) to the worker.
/// Errors: bad_signature, wrong_network, wrong_proxy, nothing_to_pay.
struct CashOut {
  SignedPayout voucher;
};
/// A payout has arrived and cannot bounce any more.
struct PayoutDelivered {
  Nano amount;
};
/// By the proxy. Errors: wrong_sender, nothing_to_pay.
struct TakeFees {
  AccountId sender;
};
/// By the proxy. Errors: wrong_sender, proxy_not_open.
struct StartWithdrawal {
  AccountId sender;
};
/// By the proxy, once `final_at` has come; in a closed contract, sends a bounced withdrawal again.
/// Errors: wrong_sender, proxy_not_closing, too_early, nothing_to_pay.
struct FinishWithdrawal {
  AccountId sender;
};
/// The registry's worker share has changed.
struct SetWorkerShare {
  std::uint32_t worker_share_e4 = 0;
};
/// A transfer of this contract came back.
struct ProxyBounce {
  Transfer transfer;
};

using ProxyMessage =
    std::variant<DeployProxy, AddStake, Receive, CashOut, PayoutDelivered, TakeFees,
                 StartWithdrawal, FinishWithdrawal, SetWorkerShare, ProxyBounce>;

struct ProxyStep {
  ProxyState state;
  std::vector<Transfer> transfers;
};

/// The one transition function; see apply() of channel_contract.h.
Result<ProxyStep> apply(const std::optional<ProxyState>& state, const ProxyMessage& message,
                        UnixTime now);

}  // namespace cocoon::billing
