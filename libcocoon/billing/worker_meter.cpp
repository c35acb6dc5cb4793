#include <fmt/format.h>

#include <algorithm>

#include "billing/meter.h"
#include "billing/meter_errors.h"

namespace cocoon::billing {
namespace {

constexpr std::string_view kSnapshotMagic = "CMW1";

/// A worker cashes at a quarter of what it lets a proxy owe it: the rest covers the runs until the
/// payout is confirmed.
constexpr std::uint64_t kCashOutFraction = 4;
/// However large the registry's min_payout: at half of it, because nothing is served beyond it.
constexpr std::uint64_t kLatestCashOutFraction = 2;

}  // namespace

WorkerMeter::WorkerMeter(NetworkId network, AccountId proxy, AccountId own_account,
                         WorkerLimits limits)
    : network_(network), proxy_(proxy), own_account_(own_account), limits_(limits) {}

Status WorkerMeter::reserve(const RunId& run, Nano most) {
  if (reserved_.count(run) != 0) return duplicate_request();
  // Payment by the proxy would not help.
  if (most > limits_.max_unpaid) {
    return payment_error("over_max_unpaid",
                         fmt::format("the request may earn its worker {} nanoton, more than the {} "
                                     "that it lets a proxy owe it: ask for less output, or with a "
                                     "shorter prompt",
                                     most.value, limits_.max_unpaid.value));
  }
  const Nano at_stake = saturating_add(at_risk(), most);
  refused_ = at_stake > limits_.max_unpaid;
  if (refused_) {
    return payment_error("max_unpaid",
                         fmt::format("the proxy owes {} nanoton that it has not paid, and {} for "
                                     "answers that it cut; with this request it would exceed "
                                     "max_unpaid",
                                     unpaid().value, cut_.value));
  }
  reserved_.emplace(run, most);
  reserved_total_ = saturating_add(reserved_total_, most);
  return ok();
}

/// What is lost if the proxy never pays again.
Nano WorkerMeter::at_risk() const {
  return saturating_add(saturating_add(unpaid(), cut_), reserved_total_);
}

/// Ends a reservation. @return it
Result<Nano> WorkerMeter::release(const RunId& run) {
  const auto at = reserved_.find(run);
  if (at == reserved_.end()) return unknown_request();
  const Nano most = at->second;
  reserved_.erase(at);
  reserved_total_ = floor_sub(reserved_total_, most);
  return most;
}

Status WorkerMeter::earn(const RunId& run, Nano share) {
  COCOON_TRY(const Nano most, release(run));
  if (share > most) return charge_over_cap(share, most);
  owed_ = saturating_add(owed_, share);
  return ok();
}

Status WorkerMeter::cut(const RunId& run, Nano share) {
  COCOON_TRY(const Nano most, release(run));
  cut_ = saturating_add(cut_, std::min(share, most));
  return ok();
}

/// What the proxy admits beyond what is known here is for answers that it cut; or a snapshot was
/// lost.
void WorkerMeter::raise_owed(Nano owed) {
  forgive(floor_sub(owed, owed_));
  owed_ = std::max(owed_, owed);
}

bool WorkerMeter::accepts() const {
  return at_risk() < limits_.max_unpaid;
}

Status WorkerMeter::accept(const SignedPayout& voucher) {
  const PayoutVoucher& v = voucher.value;
  if (v.network != network_) return foreign_statement("wrong_network", "network");
  if (v.proxy != proxy_) return foreign_statement("wrong_proxy", "proxy");
  if (v.worker != own_account_) return foreign_statement("wrong_worker", "worker");
  if (!signed_by(voucher, proxy_.bytes)) return not_own_signature();
  if (voucher_ && v.owed <= voucher_->value.owed) return ok();
  voucher_ = voucher;
  raise_owed(v.owed);
  return ok();
}

void WorkerMeter::set_contract(Nano paid, Nano arrived, Nano backing) {
  paid_ = paid;
  arrived_ = std::min(arrived, paid);
  backing_ = backing;
  raise_owed(paid);
}

Nano WorkerMeter::unpaid() const {
  return floor_sub(owed_, arrived_);
}

Nano WorkerMeter::unvouched() const {
  const Nano vouched = voucher_ ? voucher_->value.owed : Nano{0};
  return floor_sub(owed_, std::max(vouched, paid_));
}

/// Vouched for and not paid.
Nano WorkerMeter::promised() const {
  return voucher_ ? floor_sub(voucher_->value.owed, paid_) : Nano{0};
}

Nano WorkerMeter::usual_cash_out() const {
  const Nano worth_a_fee = least_for_backing(limits_.cash_fee);
  if (refused_) return worth_a_fee;  // it earns nothing until it is paid
  const Nano usual =
      std::max(limits_.min_payout, Nano{limits_.max_unpaid.value / kCashOutFraction});
  const Nano latest{limits_.max_unpaid.value / kLatestCashOutFraction};
  return std::max(worth_a_fee, std::min(usual, latest));
}

bool WorkerMeter::worth_cashing() const {
  return promised() >= usual_cash_out();
}

Nano WorkerMeter::least_cash_out(Worth worth) const {
  switch (worth) {
    case Worth::usual: break;
    case Worth::backing: return least_for_backing(limits_.cash_fee);
    case Worth::any: return Nano{1};
  }
  return usual_cash_out();
}

std::optional<SignedPayout> WorkerMeter::cash_out_due(Worth worth) const {
  const Nano payable = std::min(promised(), backing_);
  if (payable < least_cash_out(worth)) return std::nullopt;
  return voucher_;
}

Bytes WorkerMeter::snapshot() const {
  ByteWriter out;
  out.bytes(as_bytes(kSnapshotMagic)).u64be(owed_.value).u64be(paid_.value).u64be(arrived_.value);
  out.u8(voucher_ ? 1 : 0);
  if (voucher_) out.bytes(voucher_->value.encode()).bytes(voucher_->signature);
  return out.take();
}

Status WorkerMeter::restore(ByteView snapshot) {
  ByteReader in(snapshot);
  if (as_text(in.take(kSnapshotMagic.size())) != kSnapshotMagic) return bad_snapshot("proxy");
  const Nano owed{in.u64be()};
  const Nano paid{in.u64be()};
  const Nano arrived{in.u64be()};
  std::optional<SignedPayout> voucher;
  const std::uint8_t vouchers = in.u8();
  if (vouchers == 1) {
    const ByteView bytes = in.take(PayoutVoucher::kBytes);
    auto opened = open_signed<PayoutVoucher>(bytes, in.take(64), proxy_.bytes);
    const bool own = opened && opened->value.network == network_ && opened->value.proxy == proxy_ &&
                     opened->value.worker == own_account_;
    if (!own) return bad_snapshot("proxy");
    voucher = std::move(opened).value();
  }
  // What the proxy promised was owed: accept() sees to it.
  const bool sound = vouchers <= 1 && (!voucher || voucher->value.owed <= owed);
  if (!in.finished() || !sound || arrived > paid || paid > owed) return bad_snapshot("proxy");
  owed_ = owed;
  paid_ = paid;
  arrived_ = arrived;
  voucher_ = voucher;
  return ok();
}

}  // namespace cocoon::billing
