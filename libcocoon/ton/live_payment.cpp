#include "ton/live_payment.h"

namespace cocoon::ton::live {
namespace {

bool has_tokens(PaymentOp op) {
  return op != PaymentOp::close && op != PaymentOp::close_complete;
}

PaymentOp load_op(Slice& in) {
  const std::uint32_t code = in.load_u32();
  for (const PaymentOp op : {PaymentOp::charge, PaymentOp::refund, PaymentOp::payout,
                             PaymentOp::last_payout, PaymentOp::close, PaymentOp::close_complete}) {
    if (code == static_cast<std::uint32_t>(op)) return op;
  }
  in.fail("its operation is unknown");
  return PaymentOp::charge;
}

}  // namespace

Result<CellRef> to_cell(const Payment& payment) {
  Builder out;
  out.store_uint(static_cast<std::uint32_t>(payment.op), 32).store_uint(payment.query_id, 64);
  if (has_tokens(payment.op)) out.store_uint(payment.tokens, 64);
  store_address(out, payment.contract);
  return out.finish();
}

Result<Payment> parse_payment(const CellRef& cell) {
  Slice in(cell);
  Payment payment;
  payment.op = load_op(in);
  payment.query_id = in.load_u64();
  if (has_tokens(payment.op)) payment.tokens = in.load_u64();
  payment.contract = load_address(in);
  COCOON_CHECK(in.finish("The payment"));
  return payment;
}

Result<SignedPayment> sign_payment(const Payment& payment, const Address& send_excesses_to,
                                   const crypto::SigningKey& proxy_key) {
  COCOON_TRY(const CellRef payload, to_cell(payment));
  return SignedPayment{.payment = payment,
                       .send_excesses_to = send_excesses_to,
                       .signature = proxy_key.sign(payload->hash())};
}

Result<CellRef> to_cell(const SignedPayment& signed_payment) {
  const Payment& payment = signed_payment.payment;
  COCOON_TRY(CellRef payload, to_cell(payment));
  Builder out;
  out.store_uint(static_cast<std::uint32_t>(payment.op), 32).store_uint(payment.query_id, 64);
  store_address(out, signed_payment.send_excesses_to);
  return out.store_bytes(signed_payment.signature).store_ref(std::move(payload)).finish();
}

Result<SignedPayment> parse_signed_payment(const CellRef& cell,
                                           const ByteArray<32>& proxy_public_key) {
  Slice in(cell);
  const PaymentOp op = load_op(in);
  const std::uint64_t query_id = in.load_u64();
  SignedPayment out;
  out.send_excesses_to = load_address(in);
  out.signature = in.load_array<64>();
  const CellRef payload = in.load_ref();
  COCOON_CHECK(in.finish("The signed payment"));
  COCOON_TRY(out.payment, parse_payment(payload));
  if (out.payment.op != op || out.payment.query_id != query_id) {
    return Error(ErrorKind::invalid_argument, "cell_unreadable",
                 "The signed payment says something other than the payload that it carries.");
  }
  if (!crypto::verify(proxy_public_key, payload->hash(), out.signature)) {
    return Error(ErrorKind::unauthorized, "bad_signature",
                 "The signature of the payment is not the proxy's.");
  }
  return out;
}

}  // namespace cocoon::ton::live
