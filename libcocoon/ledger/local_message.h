#pragma once
/// @file A message on its way to a contract of the local ledger, as its rows hold it.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/money.h"
#include "base/time.h"
#include "billing/admission.h"
#include "billing/contract.h"
#include "billing/registry.h"
#include "cocoon/result.h"

namespace cocoon::ledger {

enum class MessageKind : std::uint8_t {
  open_channel = 1,
  top_up = 2,
  redeem = 3,
  start_close = 4,
  present = 5,
  finalise = 6,
  close_by_agreement = 7,
  resend = 8,
  deploy_proxy = 9,
  add_stake = 10,
  cash_out = 11,
  take_fees = 12,
  start_withdrawal = 13,
  finish_withdrawal = 14,
  publish_epoch = 15
};
std::string_view to_string(MessageKind kind);

/// Row number of a message; grows in the order of submission.
using MessageId = std::int64_t;

struct LocalMessage {
  MessageKind kind{};
  /// The channel's id; for a proxy contract or an epoch record the account.
  ByteArray<32> subject{};
  AccountId sender;
  Nano value;   ///< money that comes with it, and goes back where it is refused
  Nano amount;  ///< present: the claim
  Bytes body;   ///< the signed statement's bytes; open_channel: proxy ‖ signer ‖ nonce
  Bytes signature;
  Bytes second_signature;  ///< close_by_agreement: the proxy's
};

/// The messages that nodes and administrators send. `deposit`, `amount` and `stake` are taken from
/// the sender's account; open_channel takes the rent beside the deposit.
LocalMessage open_channel(const billing::ChannelTerms& terms, Nano deposit);
LocalMessage top_up(const AccountId& sender, const ChannelId& channel, Nano amount);
LocalMessage redeem(const AccountId& sender, const ChannelId& channel,
                    const billing::SignedVoucher& voucher);
LocalMessage present(const AccountId& sender, const ChannelId& channel,
                     const billing::SignedVoucher& voucher, Nano claim);
/// start_close, finalise or resend.
LocalMessage channel_order(MessageKind kind, const AccountId& sender, const ChannelId& channel);
LocalMessage close_by_agreement(const AccountId& sender,
                                const billing::Signed<billing::CloseAgreement>& by_signer,
                                const crypto::Signature& by_proxy);
LocalMessage deploy_proxy(const AccountId& proxy, Nano stake);
LocalMessage add_stake(const AccountId& proxy, Nano amount);
LocalMessage cash_out(const AccountId& sender, const billing::SignedPayout& voucher);
/// take_fees, start_withdrawal or finish_withdrawal.
LocalMessage proxy_order(MessageKind kind, const AccountId& proxy);
LocalMessage publish_epoch(const AccountId& account, const billing::SignedEpoch& record);

/// What a contract is told. The registry in force fills in terms and delays.
/// Errors: invalid_argument/bad_message, and those of the statements' decoders.
Result<billing::ChannelMessage> channel_message(const LocalMessage& message,
                                                const billing::Registry& registry);
Result<billing::ProxyMessage> proxy_message(const LocalMessage& message,
                                            const billing::Registry& registry);
Result<billing::SignedEpoch> epoch_message(const LocalMessage& message);

/// Which contract a message goes to.
enum class Recipient : std::uint8_t { channel, proxy, epochs };
Recipient recipient_of(MessageKind kind);

/// The literal for a stored error code; "refused" for one that is not known (any more).
std::string_view known_code(std::string_view code);

}  // namespace cocoon::ledger
