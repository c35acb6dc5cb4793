#include "ton/contract_message.h"

#include "ton/builder.h"

namespace cocoon::ton {
namespace {

/// Tags of docs/contracts.md "Messages".
enum class Tag : std::uint32_t {
  open_channel = 0x43430001,
  deploy_proxy = 0x43430002,
  push_worker_share = 0x43430003,
  top_up = 0x43430201,
  redeem = 0x43430202,
  start_close = 0x43430203,
  present = 0x43430204,
  finalise = 0x43430205,
  close_by_agreement = 0x43430206,
  resend = 0x43430207,
  add_stake = 0x43430302,
  cash_out = 0x43430303,
  take_fees = 0x43430304,
  start_withdrawal = 0x43430305,
  finish_withdrawal = 0x43430306,
  publish_epoch = 0x43430401,
};

Builder begin(Tag tag) {
  return Builder().store_uint(static_cast<std::uint32_t>(tag), 32);
}

Builder& store_nano(Builder& out, Nano amount) {
  return out.store_uint(amount.value, 64);
}

Result<CellRef> with_amount(Tag tag, Nano amount) {
  Builder out = begin(tag);
  return store_nano(out, amount).finish();
}

Result<CellRef> with_statement(Builder out, const SignedBytes& statement) {
  COCOON_TRY(CellRef bytes, Builder().store_bytes(statement.statement).finish());
  return out.store_bytes(statement.signature).store_ref(std::move(bytes)).finish();
}

}  // namespace

Result<CellRef> open_channel_body(const ChannelOpening& opening) {
  Builder out = begin(Tag::open_channel);
  out.store_bytes(opening.client.view()).store_bytes(opening.proxy.view());
  out.store_bytes(opening.signer.view()).store_bytes(opening.nonce);
  return store_nano(out, opening.deposit).finish();
}

Result<CellRef> deploy_proxy_body(const AccountId& account, Nano stake) {
  Builder out = begin(Tag::deploy_proxy);
  out.store_bytes(account.view());
  return store_nano(out, stake).finish();
}

Result<CellRef> push_worker_share_body(const AccountId& account) {
  return begin(Tag::push_worker_share).store_bytes(account.view()).finish();
}

Result<CellRef> top_up_body(Nano amount) {
  return with_amount(Tag::top_up, amount);
}

Result<CellRef> redeem_body(const SignedBytes& voucher) {
  return with_statement(begin(Tag::redeem), voucher);
}

Result<CellRef> start_close_body() {
  return begin(Tag::start_close).finish();
}

Result<CellRef> present_body(Nano claim, const SignedBytes& voucher) {
  Builder out = begin(Tag::present);
  store_nano(out, claim);
  return with_statement(std::move(out), voucher);
}

Result<CellRef> finalise_body() {
  return begin(Tag::finalise).finish();
}

Result<CellRef> close_by_agreement_body(const SignedBytes& by_signer,
                                        const crypto::Signature& by_proxy) {
  COCOON_TRY(CellRef bytes, Builder().store_bytes(by_signer.statement).finish());
  COCOON_TRY(CellRef second, Builder().store_bytes(by_proxy).finish());
  Builder out = begin(Tag::close_by_agreement);
  out.store_bytes(by_signer.signature).store_ref(std::move(bytes)).store_ref(std::move(second));
  return out.finish();
}

Result<CellRef> resend_body() {
  return begin(Tag::resend).finish();
}

Result<CellRef> add_stake_body(Nano amount) {
  return with_amount(Tag::add_stake, amount);
}

Result<CellRef> cash_out_body(const SignedBytes& voucher) {
  return with_statement(begin(Tag::cash_out), voucher);
}

Result<CellRef> take_fees_body() {
  return begin(Tag::take_fees).finish();
}

Result<CellRef> start_withdrawal_body() {
  return begin(Tag::start_withdrawal).finish();
}

Result<CellRef> finish_withdrawal_body() {
  return begin(Tag::finish_withdrawal).finish();
}

Result<CellRef> publish_epoch_body(const SignedBytes& record) {
  return with_statement(begin(Tag::publish_epoch), record);
}

}  // namespace cocoon::ton
