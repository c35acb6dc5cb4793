#pragma once
/// @file The rules of the channel contract, as one pure function. The local ledger stores its
/// states, tests generate histories with it, and a TVM contract is compared against it.
/// Source: economics.md "Money in".

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

enum class ChannelPhase : std::uint8_t {
  open = 1,
  closing = 2,
  closed = 3  ///< a tombstone: it stays for ever, so that no redeploy revives old vouchers
};
std::string_view to_string(ChannelPhase phase);

/// What is fixed when a channel is opened; its address commits to the parties and the nonce.
struct ChannelTerms {
  NetworkId network;
  AccountId client;
  AccountId proxy;
  AccountId signer;  ///< the one key whose vouchers count
  ByteArray<16> nonce{};
  Seconds close_delay{0};  ///< from start of closing to finalisation
  Nano min_deposit;
  Nano rent;  ///< paid at opening beside the deposit; stays in the tombstone

  ChannelId address() const;
  friend bool operator==(const ChannelTerms&, const ChannelTerms&) = default;
};

/// Invariants at all times: deposited + terms.rent = balance + settled + refunded, and claimed +
/// refunded ≤ deposited, so that the rent is never spent.
struct ChannelState {
  ChannelTerms terms;
  ChannelPhase phase = ChannelPhase::open;
  Nano deposited;   ///< all that was paid in as deposit
  Nano balance;     ///< what the contract holds, rent included
  Nano claimed;     ///< all that vouchers have entitled the proxy to; only grows; ≤ deposited
  Nano settled;     ///< sent to the proxy contract and not bounced; ≤ claimed
  Nano refunded;    ///< sent to `leftovers` and not bounced; nothing before it is closed
  Nano best_spent;  ///< of the newest voucher that was seen
  Nano best_authorised;  ///< of the newest voucher that was seen
  AccountId leftovers;   ///< of the newest voucher; the client before any
  UnixTime final_at{};   ///< while closing: from when it may be finalised

  ChannelId id() const { return terms.address(); }
  /// What a proxy may still count on: deposited while it is open, else what is left to claim.
  Nano unclaimed() const { return floor_sub(deposited, claimed); }

  Bytes encode() const;
  /// Errors: io/bad_channel_state (a stored state that this version did not write).
  static Result<ChannelState> decode(ByteView bytes);
  friend bool operator==(const ChannelState&, const ChannelState&) = default;
};

// --- Messages. `sender` is the account that the ledger has authenticated. ---

/// Comes with deposit + terms.rent. Errors: channel_exists, deposit_too_small, wrong_sender.
struct OpenChannel {
  ChannelTerms terms;
  AccountId sender;
  Nano deposit;
};
/// Comes with `amount`, from anybody. Errors: channel_not_open.
struct TopUp {
  Nano amount;
};
/// Pays what the voucher says was spent. Errors: those of a voucher, nothing_to_pay.
struct Redeem {
  AccountId sender;
  SignedVoucher voucher;
};
/// By the client, the signer or the proxy. Errors: wrong_sender, channel_not_open.
struct StartClose {
  AccountId sender;
};
/// While closing, by the proxy: pays `claim`, at most what the voucher authorises. An honest proxy
/// claims what it charged. Errors: those of a voucher, channel_not_closing, claim_not_authorised,
/// nothing_to_pay.
struct Present {
  AccountId sender;
  SignedVoucher voucher;
  Nano claim;
};
/// By anybody, once `final_at` has come: pays both sides. Errors: channel_not_closing, too_early.
struct Finalise {};
/// Closes at once. Errors: channel_closed, bad_signature, wrong_channel, agreement_out_of_range.
struct CloseByAgreement {
  Signed<CloseAgreement> by_signer;
  crypto::Signature by_proxy{};
};
/// By anybody: after a bounce, sends again what a closed channel still owes. Errors:
/// channel_not_closed, nothing_to_pay.
struct Resend {};
/// A transfer of this channel came back.
struct ChannelBounce {
  Transfer transfer;
};

using ChannelMessage = std::variant<OpenChannel, TopUp, Redeem, StartClose, Present, Finalise,
                                    CloseByAgreement, Resend, ChannelBounce>;

struct ChannelStep {
  ChannelState state;
  std::vector<Transfer> transfers;
};

/// The one transition function. A refused message changes nothing and moves nothing; money that
/// came with it goes back to where it came from. `state` is empty where nothing is deployed.
/// Errors: invalid_argument, unauthorized or not_found with the codes named at the messages; the
/// codes of vouchers are bad_signature, wrong_network, wrong_channel, wrong_sender,
/// channel_closed, not_deployed.
Result<ChannelStep> apply(const std::optional<ChannelState>& state, const ChannelMessage& message,
                          UnixTime now);

}  // namespace cocoon::billing
