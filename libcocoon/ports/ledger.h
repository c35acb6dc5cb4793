#pragma once
/// @file Ledger port, as values: what a node asks of the ledger and what comes back. One request,
/// one answer. A write answers when it is confirmed or has bounced; until then it is pending.
///
/// A node sends as one account, which the port holds (`self`). An answer that is an Error (kind
/// unavailable or timeout) means that nobody knows whether a write will still be carried out: read
/// the state again. All writes may be repeated without harm, but those that bring an amount: a
/// voucher pays once.

#include <cstdint>
#include <optional>
#include <variant>

#include "base/ids.h"
#include "base/money.h"
#include "base/time.h"
#include "billing/admission.h"
#include "billing/contract.h"
#include "billing/registry.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"

namespace cocoon::ports {

// --- Reads ---

/// Answered by RegistryView.
struct ReadRegistry {};
/// The beacon at `height`, or the newest. Answered by Beacon, or Error not_found/beacon_unknown.
struct ReadBeacon {
  std::optional<std::uint64_t> height;
};
/// Answered by ChannelView.
struct ReadChannel {
  ChannelId channel;
};
/// The newest channel between these accounts that is not closed. Answered by ChannelView.
struct FindChannel {
  AccountId client;
  AccountId proxy;
};
/// Answered by ProxyView.
struct ReadProxy {
  AccountId account;
};
/// One worker's account with one proxy. Answered by PayoutView.
struct ReadPayout {
  AccountId proxy;
  AccountId worker;
};
/// Answered by EpochView.
struct ReadEpoch {
  AccountId account;
};
/// What an account's wallet holds. Answered by BalanceView.
struct ReadBalance {
  AccountId account;
};

// --- Writes, all answered by Confirmed or Bounced ---

/// Opens a channel with `self` as client and signer. The nonce tells this pair's channels apart,
/// and was never used before. Brings the deposit and the rent of the registry in force.
struct OpenChannel {
  AccountId proxy;
  ByteArray<16> nonce{};
  Nano deposit;
};
/// Brings what lacks until `deposited` was paid in as deposit, over the channel's whole life. What
/// is still under way is not seen: repeated while it is, it brings the amount twice.
struct TopUpChannel {
  ChannelId channel;
  Nano deposited;
};
/// The contract of `self` as a proxy.
struct DeployProxy {
  Nano stake;
};
/// Brings what lacks until `staked` was paid in as stake, over the contract's whole life; likewise.
struct AddProxyStake {
  Nano staked;
};
/// Stake and remainder of `self`: begins the delay, and takes them once that is over.
struct StartProxyWithdrawal {};
struct FinishProxyWithdrawal {};

/// Of `self`.
struct PublishEpoch {
  billing::SignedEpoch record;
};
struct RedeemVoucher {
  ChannelId channel;
  billing::SignedVoucher voucher;
};
struct PresentVoucher {
  ChannelId channel;
  billing::SignedVoucher voucher;
  Nano claim;  ///< at most what the voucher authorises
};
struct CashOutVoucher {
  billing::SignedPayout voucher;
};
struct StartChannelClose {
  ChannelId channel;
};
struct FinaliseChannel {
  ChannelId channel;
};
struct CloseChannelByAgreement {
  billing::Signed<billing::CloseAgreement> by_signer;
  crypto::Signature by_proxy{};
};
/// The proxy's unlocked fees, to its own account.
struct TakeProxyFees {};

using LedgerRequest =
    std::variant<ReadRegistry, ReadBeacon, ReadChannel, FindChannel, ReadProxy, ReadPayout,
                 ReadEpoch, ReadBalance, OpenChannel, TopUpChannel, DeployProxy, AddProxyStake,
                 StartProxyWithdrawal, FinishProxyWithdrawal, PublishEpoch, RedeemVoucher,
                 PresentVoucher, CashOutVoucher, StartChannelClose, FinaliseChannel,
                 CloseChannelByAgreement, TakeProxyFees>;

// --- Answers ---

struct RegistryView {
  billing::Registry registry;
};
/// A recent point of the ledger, by which evidence proves its age.
struct Beacon {
  Hash hash{};
  std::uint64_t height = 0;
  UnixTime time{};
  friend bool operator==(const Beacon&, const Beacon&) = default;
};
struct ChannelView {
  std::optional<billing::ChannelState> channel;  ///< empty: there is none
};
struct ProxyView {
  std::optional<billing::ProxyState> proxy;  ///< empty: there is none
};
struct PayoutView {
  Nano paid;     ///< sent to this worker so far, and not bounced
  Nano arrived;  ///< of that, what is no longer under way
  Nano backing;  ///< pool + stake
};
struct EpochView {
  std::optional<billing::SignedEpoch> newest;
};
struct BalanceView {
  Nano balance;
};
/// The write has taken effect.
struct Confirmed {};
/// The ledger refused the write; nothing has changed.
struct Bounced {
  Error error;
};

using LedgerReply = std::variant<RegistryView, Beacon, ChannelView, ProxyView, PayoutView,
                                 EpochView, BalanceView, Confirmed, Bounced>;

class Ledger {
 public:
  virtual ~Ledger() = default;

  /// `done` is called once, on the owner's loop, never from inside call().
  /// Errors: unavailable/ledger_unavailable, io/ledger_failed.
  virtual void call(LedgerRequest request, Callback<void(Result<LedgerReply>)> done) = 0;

  /// `changed` is called on the owner's loop whenever ReadRegistry may answer otherwise than
  /// before.
  virtual void watch_registry(Callback<void()> changed) = 0;
};

}  // namespace cocoon::ports
