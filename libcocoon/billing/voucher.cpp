#include "billing/voucher.h"

#include "billing/statement_codec.h"
#include "crypto/hash.h"

namespace cocoon::billing {
namespace {

constexpr std::string_view kAddressMagic = "CCH1";
constexpr std::string_view kVoucherMagic = "CCV1";
constexpr std::string_view kUsageMagic = "CCU1";
constexpr std::string_view kPayoutMagic = "CCP1";
constexpr std::string_view kCloseMagic = "CCC1";

static_assert(Voucher::kBytes <= kMaxStatementBytes &&
              UsageStatement::kBytes <= kMaxStatementBytes);
static_assert(PayoutVoucher::kBytes <= kMaxStatementBytes);
static_assert(CloseAgreement::kBytes <= kMaxStatementBytes);

}  // namespace

ChannelId channel_address(const NetworkId& network, const AccountId& client, const AccountId& proxy,
                          const AccountId& signer, const ByteArray<16>& nonce) {
  return {crypto::sha256({as_bytes(kAddressMagic), network.view(), client.view(), proxy.view(),
                          signer.view(), nonce})};
}

Bytes Voucher::encode() const {
  return begin_statement(kVoucherMagic, network)
      .bytes(channel.view())
      .u64be(spent.value)
      .u64be(authorised.value)
      .bytes(leftovers.view())
      .take();
}

Result<Voucher> Voucher::decode(ByteView bytes) {
  Voucher v;
  COCOON_TRY(ByteReader in,
             open_statement(bytes, kBytes, kVoucherMagic, v.network, "bad_voucher", kName));
  v.channel.bytes = in.array<32>();
  v.spent.value = in.u64be();
  v.authorised.value = in.u64be();
  v.leftovers.bytes = in.array<32>();
  if (v.spent > v.authorised) {
    return Error(ErrorKind::protocol, "bad_voucher", "the voucher spends more than it authorises");
  }
  return v;
}

Bytes UsageStatement::encode() const {
  return begin_statement(kUsageMagic, network).bytes(channel.view()).u64be(charged.value).take();
}

Result<UsageStatement> UsageStatement::decode(ByteView bytes) {
  UsageStatement s;
  COCOON_TRY(ByteReader in,
             open_statement(bytes, kBytes, kUsageMagic, s.network, "bad_usage_statement", kName));
  s.channel.bytes = in.array<32>();
  s.charged.value = in.u64be();
  return s;
}

Bytes PayoutVoucher::encode() const {
  return begin_statement(kPayoutMagic, network)
      .bytes(proxy.view())
      .bytes(worker.view())
      .u64be(owed.value)
      .take();
}

Result<PayoutVoucher> PayoutVoucher::decode(ByteView bytes) {
  PayoutVoucher p;
  COCOON_TRY(ByteReader in,
             open_statement(bytes, kBytes, kPayoutMagic, p.network, "bad_payout_voucher", kName));
  p.proxy.bytes = in.array<32>();
  p.worker.bytes = in.array<32>();
  p.owed.value = in.u64be();
  return p;
}

Bytes CloseAgreement::encode() const {
  return begin_statement(kCloseMagic, network)
      .bytes(channel.view())
      .u64be(total.value)
      .bytes(leftovers.view())
      .take();
}

Result<CloseAgreement> CloseAgreement::decode(ByteView bytes) {
  CloseAgreement c;
  COCOON_TRY(ByteReader in,
             open_statement(bytes, kBytes, kCloseMagic, c.network, "bad_close_agreement", kName));
  c.channel.bytes = in.array<32>();
  c.total.value = in.u64be();
  c.leftovers.bytes = in.array<32>();
  return c;
}

}  // namespace cocoon::billing
