#pragma once
/// @file Bodies of messages to the contracts of libcocoon/ledger/ton/contracts (docs/contracts.md).
/// Statements come as the bytes that were signed; the contract checks them again.

#include "base/ids.h"
#include "base/money.h"
#include "crypto/ed25519.h"
#include "ton/cell.h"

namespace cocoon::ton {

/// A signed statement of at most 127 bytes.
struct SignedBytes {
  ByteView statement;
  crypto::Signature signature{};
};

struct ChannelOpening {
  AccountId client;
  AccountId proxy;
  AccountId signer;
  ByteArray<16> nonce{};
  Nano deposit;
};

// Errors of all: those of Builder::finish.

// --- To the root ---
Result<CellRef> open_channel_body(const ChannelOpening& opening);
/// Brings the stake and kProxyRent, which the contract keeps for its storage (fees.tolk).
inline constexpr Nano kProxyRent{200'000'000};
Result<CellRef> deploy_proxy_body(const AccountId& account, Nano stake);
Result<CellRef> push_worker_share_body(const AccountId& account);

// --- To a channel ---
Result<CellRef> top_up_body(Nano amount);
Result<CellRef> redeem_body(const SignedBytes& voucher);
Result<CellRef> start_close_body();
Result<CellRef> present_body(Nano claim, const SignedBytes& voucher);
Result<CellRef> finalise_body();
Result<CellRef> close_by_agreement_body(const SignedBytes& by_signer,
                                        const crypto::Signature& by_proxy);
Result<CellRef> resend_body();

// --- To a proxy contract ---
Result<CellRef> add_stake_body(Nano amount);
Result<CellRef> cash_out_body(const SignedBytes& voucher);
Result<CellRef> take_fees_body();
Result<CellRef> start_withdrawal_body();
Result<CellRef> finish_withdrawal_body();

// --- To an account's epoch record ---
Result<CellRef> publish_epoch_body(const SignedBytes& record);

}  // namespace cocoon::ton
