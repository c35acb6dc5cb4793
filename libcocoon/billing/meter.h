#pragma once
/// @file The accounts that the cores keep of each other's promises. Pure state machines: nothing
/// here signs, stores or sends; the core does, in the order that the comments demand.
///
/// Snapshots are for the node's store. Each account survives the loss of its newest snapshots: it
/// then owes less or is owed less, and adopts a higher statement that bears its own signature.

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/money.h"
#include "base/time.h"
#include "billing/channel_contract.h"
#include "billing/proxy_contract.h"
#include "billing/voucher.h"
#include "cocoon/result.h"

namespace cocoon::billing {

// --- Client: one channel ---

struct ClientLimits {
  /// The most that a rogue proxy can take beyond what it proved to have served.
  Nano max_exposure;
  /// Acknowledge at the latest when so much was spent since the last voucher: below the proxies'
  /// unacknowledged limit.
  Nano acknowledge_every;
};

/// Whether a new voucher should go out.
enum class VoucherNeed : std::uint8_t {
  none,
  worthwhile,  ///< acknowledges enough to be worth a signature; may wait for the end of the turn
  required     ///< what runs is not covered: sign and send before anything else
};

/// What stands behind a charge.
enum class Proof : std::uint8_t {
  none,    ///< the proxy's word (a cut stream, a restart): counts against max_exposure
  receipt  ///< a receipt that was verified, or an answer that was itself received
};

class ClientMeter {
 public:
  ClientMeter(NetworkId network, ChannelId channel, AccountId signer, AccountId leftovers,
              ClientLimits limits);

  /// From the ledger. A closing or closed channel admits nothing more.
  void set_channel(const ChannelState& state);

  /// Takes a request in: its cap is covered by what is, or will be, authorised.
  /// Afterwards voucher_need() says whether a voucher must precede the request.
  /// Errors: payment/channel_not_open, payment/deposit_exhausted (top up),
  /// payment/exposure_exhausted (the proxy owes proof of what it charged), busy/caps_in_use (it
  /// fits once running requests have ended), invalid_argument/duplicate_request.
  Status admit(const RequestHash& request, Nano cap);

  /// A request has ended at `cost`. Errors: not_found/unknown_request,
  /// protocol/charge_over_cap: the proxy charged more than the cap; nothing is acknowledged.
  Status settle(const RequestHash& request, Nano cost, Proof proof);

  /// Later proof of a charge that was settled without one. At most what is unproved is moved.
  void prove(Nano cost);

  VoucherNeed voucher_need() const;
  /// Something was settled that no voucher acknowledges yet.
  bool owes_acknowledgement() const { return acknowledged_ > signed_spent_; }
  /// The voucher to sign now: acknowledges everything settled and authorises as far ahead as the
  /// limits allow. Signing it is recorded; send it before the requests that it covers.
  Voucher next_voucher();

  /// The proxy shows a voucher: adopted only where it is this signer's own.
  /// Errors: unauthorized/bad_signature, protocol/wrong_network, protocol/wrong_channel.
  Status adopt(const SignedVoucher& voucher);

  /// After a restart, when requests that the lost snapshots knew may have been charged: takes the
  /// proxy's word, without proof, as far as this signer's own vouchers authorised the charge.
  void adopt_charged(Nano charged);

  /// As the ledger was last read.
  bool is_open() const { return open_; }
  Nano spent() const { return acknowledged_; }
  /// Little more than what may be at risk is left of the deposit: look whether it was topped up.
  bool deposit_is_low() const;
  Nano authorised() const { return authorised_; }
  Nano running() const { return running_total_; }
  Nano unproved() const { return floor_sub(acknowledged_, proved_); }
  /// What a request's cap may be at most now, before or after signing.
  Nano available() const;
  std::size_t running_count() const { return running_.size(); }
  /// The requests that run, with their caps.
  const std::unordered_map<RequestHash, Nano>& running_requests() const { return running_; }

  /// Requests that ran when the snapshot was taken are running in the restored meter: settle them
  /// by the proxy's word (Proof::none), at most at their cap.
  Bytes snapshot() const;
  /// Errors: io/bad_snapshot.
  Status restore(ByteView snapshot);

 private:
  Nano authorisation_limit() const;
  void adopt_amounts(Nano spent, Nano authorised);

  NetworkId network_;
  ChannelId channel_;
  AccountId signer_;
  AccountId leftovers_;
  ClientLimits limits_;
  bool open_ = false;
  Nano deposit_;
  Nano proved_;        ///< Σ costs with proof
  Nano acknowledged_;  ///< ≥ proved_
  Nano signed_spent_;  ///< in the newest voucher
  Nano authorised_;    ///< in the newest voucher; only grows
  Nano running_total_;
  std::unordered_map<RequestHash, Nano> running_;
};

// --- Proxy: one channel ---

struct ProxyLimits {
  /// The most that a rogue client can have used and not acknowledged.
  Nano max_unacknowledged;
  /// Redeem at the latest when so much is acknowledged and not redeemed.
  Nano value_at_risk;
  /// What redeeming costs; see Worth.
  Nano redeem_fee;
};

/// What a message that brings money in has to be worth beside its fee.
enum class Worth : std::uint8_t {
  usual,    ///< the fee is at most 0.5 % of it, and it is at risk otherwise
  backing,  ///< at most 5 %: the workers' vouchers need it, or the role stops
  any       ///< the operator asks for it
};

/// The least that Worth::backing demands.
Nano least_for_backing(Nano fee);

class ProxyMeter {
 public:
  ProxyMeter(NetworkId network, ChannelId channel, AccountId signer, AccountId own_account,
             ProxyLimits limits);

  /// From the ledger.
  void set_channel(const ChannelState& state);

  /// A voucher from the client. An older one than is held is ignored without error.
  /// Errors: unauthorized/bad_signature, protocol/wrong_network, protocol/wrong_channel.
  Status accept(const SignedVoucher& voucher);

  /// The client shows what this proxy has acknowledged: adopted only where it is its own.
  /// Errors: unauthorized/bad_signature, protocol/wrong_network, protocol/wrong_channel.
  Status adopt(const SignedStatement& statement);

  /// Reserves `cap`. Errors: payment/channel_not_open, payment/not_authorised (a higher voucher is
  /// needed), payment/deposit_exhausted (top up), payment/unacknowledged (acknowledge what was
  /// used), invalid_argument/duplicate_request.
  Status reserve(const RequestHash& request, Nano cap);

  /// Ends a reservation with its cost; zero where nothing is charged.
  /// Errors: not_found/unknown_request, protocol/charge_over_cap (nothing is charged then).
  Status charge(const RequestHash& request, Nano cost);

  /// As the ledger was last read.
  bool is_open() const { return phase_ == ChannelPhase::open; }
  Nano charged() const { return charged_; }
  Nano reserved() const { return reserved_total_; }
  Nano acknowledged() const;                 ///< by the newest voucher
  Nano authorised() const;                   ///< by the newest voucher
  Nano deposit() const { return deposit_; }  ///< as the ledger was last read
  Nano unacknowledged() const;
  const std::optional<SignedVoucher>& voucher() const { return voucher_; }
  UsageStatement statement() const { return {network_, channel_, charged_}; }

  /// Charged, and not claimed on the ledger: what a client that closes its channel unseen keeps.
  Nano unclaimed() const {
    return phase_ == ChannelPhase::closed ? Nano{0} : floor_sub(charged_, claimed_);
  }
  /// What the ledger would pay for the newest voucher now.
  Nano redeemable() const;
  /// The voucher to redeem now, if it is worth that.
  std::optional<Redeem> redeem_due(Worth worth = Worth::usual) const;
  /// What to present now that the channel closes: exactly what was charged.
  std::optional<Present> present_due() const;

  /// Reservations are not part of a snapshot: a request that ran at a crash is not charged.
  Bytes snapshot() const;
  /// Errors: io/bad_snapshot.
  Status restore(ByteView snapshot);

 private:
  NetworkId network_;
  ChannelId channel_;
  AccountId signer_;
  AccountId own_account_;
  ProxyLimits limits_;
  ChannelPhase phase_ = ChannelPhase::closed;
  Nano deposit_;
  Nano claimed_;  ///< on the ledger
  Nano charged_;
  Nano reserved_total_;
  std::optional<SignedVoucher> voucher_;
  std::unordered_map<RequestHash, Nano> reserved_;
};

// --- Proxy: all workers ---

/// What a proxy owes its workers. A voucher is raised only as far as pool and stake on the ledger
/// cover all vouchers that are out.
class PayoutBook {
 public:
  PayoutBook(NetworkId network, AccountId proxy) : network_(network), proxy_(proxy) {}

  /// From the ledger, as one consistent state.
  void set_contract(const ProxyState& state);

  /// A completed request earned `share` for `worker`. Errors: too_large/amount_overflow.
  Status owe(const AccountId& worker, Nano share);

  /// Raises the worker's voucher as far as is owed and backed; nothing where it stays as it is.
  /// Store the snapshot before sending the signed voucher.
  std::optional<PayoutVoucher> raise(const AccountId& worker);
  /// The newest voucher that is out for the worker; nothing where none is.
  std::optional<PayoutVoucher> newest(const AccountId& worker) const;
  /// Workers whose voucher is below what they are owed.
  std::vector<AccountId> waiting() const;

  /// A worker shows a voucher: adopted only where it is this proxy's own.
  /// Errors: unauthorized/bad_signature, protocol/wrong_network, protocol/wrong_proxy.
  Status adopt(const SignedPayout& voucher);

  Nano owed(const AccountId& worker) const;
  Nano vouched(const AccountId& worker) const;
  /// Σ of vouchers that are out and not paid: at most backing().
  Nano unpaid() const;
  Nano backing() const { return backing_; }
  /// Σ owed and not vouched, less what the backing has room for: what the workers' shares of
  /// redeemed vouchers have to bring.
  Nano unbacked() const;

  /// One worker's account, for a store that holds a row per worker; empty if unknown.
  Bytes snapshot(const AccountId& worker) const;
  /// Errors: io/bad_snapshot.
  Status restore(ByteView snapshot);

 private:
  struct Account {
    Nano owed;
    Nano vouched;
    Nano paid;
  };

  NetworkId network_;
  AccountId proxy_;
  Nano backing_;
  Nano unpaid_total_;
  std::map<AccountId, Account> accounts_;
};

// --- Worker: one proxy ---

struct WorkerLimits {
  /// The most that a rogue proxy can leave unpaid.
  Nano max_unpaid;
  /// Worth cashing (the registry's min_payout).
  Nano min_payout;
  /// What cashing costs.
  Nano cash_fee{};
};

class WorkerMeter {
 public:
  WorkerMeter(NetworkId network, AccountId proxy, AccountId own_account, WorkerLimits limits);

  /// Before a run: what it may earn at most. Errors: payment/max_unpaid,
  /// payment/over_max_unpaid (whatever is paid), invalid_argument/duplicate_request.
  Status reserve(const RunId& run, Nano most);
  /// After a run: what it did earn. Errors: not_found/unknown_request, internal/charge_over_cap.
  Status earn(const RunId& run, Nano share);
  /// After a run that was cut: what an honest proxy owes for it, if all that this worker sent has
  /// been forwarded. Nothing proves that, so it is claimed from nobody; but until the proxy pays
  /// it, or forgive() does, it counts towards max_unpaid; at most what was reserved.
  /// Errors: not_found/unknown_request.
  Status cut(const RunId& run, Nano share);
  /// Of what was cut and has not been paid, `amount` is not waited for any longer.
  void forgive(Nano amount) { cut_ = floor_sub(cut_, amount); }

  /// Whether another request may be taken at all.
  bool accepts() const;

  /// The proxy's voucher. An older one is ignored without error.
  /// Errors: unauthorized/bad_signature, protocol/wrong_network, protocol/wrong_proxy,
  /// protocol/wrong_worker.
  Status accept(const SignedPayout& voucher);
  /// From the ledger: sent to this worker so far, what of it has arrived for good, and what pool
  /// and stake could pay now.
  void set_contract(Nano paid, Nano arrived, Nano backing);

  Nano owed() const { return owed_; }
  Nano arrived() const { return arrived_; }
  /// Owed and not arrived: at most max_unpaid. A voucher is a promise, not money:
  /// the proxy may have promised the same pool to several workers.
  Nano unpaid() const;
  /// Owed and not even promised.
  Nano unvouched() const;
  const std::optional<SignedPayout>& voucher() const { return voucher_; }
  /// The voucher to cash, if what could be paid now is worth that.
  std::optional<SignedPayout> cash_out_due(Worth worth = Worth::usual) const;
  /// Whether the voucher promises enough to be cashed, if only the contract backs it: time to look.
  bool worth_cashing() const;

  Bytes snapshot() const;
  /// Errors: io/bad_snapshot.
  Status restore(ByteView snapshot);

 private:
  Nano at_risk() const;
  Result<Nano> release(const RunId& run);
  void raise_owed(Nano owed);
  Nano promised() const;
  Nano usual_cash_out() const;
  Nano least_cash_out(Worth worth) const;

  NetworkId network_;
  AccountId proxy_;
  AccountId own_account_;
  WorkerLimits limits_;
  Nano owed_;
  Nano paid_;
  Nano arrived_;
  Nano backing_;
  Nano cut_;  ///< sent of answers that were cut, beyond owed_; a restart forgives it
  Nano reserved_total_;
  bool refused_ = false;  ///< the last reservation, for max_unpaid
  std::optional<SignedPayout> voucher_;
  std::unordered_map<RunId, Nano> reserved_;
};

}  // namespace cocoon::billing
