#pragma once
/// @file What a proxy of the Cocoon network on the main net signs: charges, refunds, payouts,
/// closing.

#include "crypto/ed25519.h"
#include "ton/address.h"

namespace cocoon::ton::live {

/// Operation codes of the payloads and of the messages that carry them.
enum class PaymentOp : std::uint32_t {
  charge = 0xbb63ff93,          ///< of a client, up to a sum of tokens
  refund = 0xefd711e1,          ///< of a client's rest, and closing
  payout = 0xa040ad28,          ///< to a worker, up to a sum of tokens
  last_payout = 0xf5f26a36,     ///< the same, and closing
  close = 0x636a4391,           ///< of the proxy: begin
  close_complete = 0xe511abc7,  ///< of the proxy: end
};

struct Payment {
  PaymentOp op = PaymentOp::charge;
  std::uint64_t query_id = 0;
  std::uint64_t tokens = 0;  ///< not in close and close_complete
  /// The contract that it is for: a client's, a worker's, or in closing the proxy's own.
  Address contract;
  friend bool operator==(const Payment&, const Payment&) = default;
};

/// The cell whose hash is signed.
/// Errors: those of Builder::finish.
Result<CellRef> to_cell(const Payment& payment);
/// Errors: invalid_argument/cell_unreadable.
Result<Payment> parse_payment(const CellRef& cell);

/// A payment with its signature, as the body of a message to the contract.
struct SignedPayment {
  Payment payment;
  Address send_excesses_to;
  crypto::Signature signature{};
};
/// Errors: those of Builder::finish.
Result<SignedPayment> sign_payment(const Payment& payment, const Address& send_excesses_to,
                                   const crypto::SigningKey& proxy_key);
Result<CellRef> to_cell(const SignedPayment& payment);
/// Reads a body and checks its signature.
/// Errors: invalid_argument/cell_unreadable; unauthorized/bad_signature.
Result<SignedPayment> parse_signed_payment(const CellRef& cell,
                                           const ByteArray<32>& proxy_public_key);

}  // namespace cocoon::ton::live
