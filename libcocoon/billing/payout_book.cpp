#include <algorithm>

#include "billing/meter.h"
#include "billing/meter_errors.h"

namespace cocoon::billing {
namespace {

constexpr std::string_view kSnapshotMagic = "CMB1";

}  // namespace

void PayoutBook::set_contract(const ProxyState& state) {
  backing_ = state.backing();
  for (const auto& [worker, paid] : state.paid) {
    Account& account = accounts_[worker];
    account.paid = paid;
    // What was paid was vouched for and owed, whatever this node remembers of it.
    account.vouched = std::max(account.vouched, paid);
    account.owed = std::max(account.owed, account.vouched);
  }
  unpaid_total_ = {};
  for (const auto& [worker, account] : accounts_) {
    unpaid_total_ = saturating_add(unpaid_total_, floor_sub(account.vouched, account.paid));
  }
}

Status PayoutBook::owe(const AccountId& worker, Nano share) {
  Account& account = accounts_[worker];
  const auto owed = checked_add(account.owed, share);
  if (!owed) {
    return Error(ErrorKind::too_large, "amount_overflow",
                 "a worker is owed more than 2^64 nanoton");
  }
  account.owed = *owed;
  return ok();
}

std::optional<PayoutVoucher> PayoutBook::raise(const AccountId& worker) {
  const auto at = accounts_.find(worker);
  if (at == accounts_.end()) return std::nullopt;
  Account& account = at->second;
  const Nano room = floor_sub(backing_, unpaid_total_);
  const Nano more = std::min(floor_sub(account.owed, account.vouched), room);
  if (more == Nano{0}) return std::nullopt;
  account.vouched = saturating_add(account.vouched, more);
  unpaid_total_ = saturating_add(unpaid_total_, more);
  return PayoutVoucher{network_, proxy_, worker, account.vouched};
}

std::optional<PayoutVoucher> PayoutBook::newest(const AccountId& worker) const {
  const Nano out = vouched(worker);
  if (out == Nano{0}) return std::nullopt;
  return PayoutVoucher{network_, proxy_, worker, out};
}

std::vector<AccountId> PayoutBook::waiting() const {
  std::vector<AccountId> out;
  for (const auto& [worker, account] : accounts_) {
    if (account.owed > account.vouched) out.push_back(worker);
  }
  return out;
}

Status PayoutBook::adopt(const SignedPayout& voucher) {
  const PayoutVoucher& v = voucher.value;
  if (v.network != network_) return foreign_statement("wrong_network", "network");
  if (v.proxy != proxy_) return foreign_statement("wrong_proxy", "proxy");
  if (!signed_by(voucher, proxy_.bytes)) return not_own_signature();
  Account& account = accounts_[v.worker];
  if (v.owed <= account.vouched) return ok();
  const Nano before = floor_sub(account.vouched, account.paid);
  account.vouched = v.owed;
  account.owed = std::max(account.owed, v.owed);
  const Nano after = floor_sub(account.vouched, account.paid);
  unpaid_total_ = saturating_add(floor_sub(unpaid_total_, before), after);
  return ok();
}

Nano PayoutBook::owed(const AccountId& worker) const {
  const auto at = accounts_.find(worker);
  return at == accounts_.end() ? Nano{0} : at->second.owed;
}

Nano PayoutBook::vouched(const AccountId& worker) const {
  const auto at = accounts_.find(worker);
  return at == accounts_.end() ? Nano{0} : at->second.vouched;
}

Nano PayoutBook::unpaid() const {
  return unpaid_total_;
}

Nano PayoutBook::unbacked() const {
  Nano sum;
  for (const auto& [worker, account] : accounts_) {
    sum = saturating_add(sum, floor_sub(account.owed, account.vouched));
  }
  return floor_sub(sum, floor_sub(backing_, unpaid_total_));
}

Bytes PayoutBook::snapshot(const AccountId& worker) const {
  const auto at = accounts_.find(worker);
  if (at == accounts_.end()) return {};
  const Account& account = at->second;
  ByteWriter out;
  out.bytes(as_bytes(kSnapshotMagic)).bytes(worker.view());
  out.u64be(account.owed.value).u64be(account.vouched.value).u64be(account.paid.value);
  return out.take();
}

Status PayoutBook::restore(ByteView snapshot) {
  ByteReader in(snapshot);
  const bool known = as_text(in.take(kSnapshotMagic.size())) == kSnapshotMagic;
  const AccountId worker{in.array<32>()};
  Account account;
  account.owed.value = in.u64be();
  account.vouched.value = in.u64be();
  account.paid.value = in.u64be();
  const bool sound = account.paid <= account.vouched && account.vouched <= account.owed;
  if (!known || !in.finished() || !sound) return bad_snapshot("worker");
  const Account before = accounts_[worker];
  accounts_[worker] = account;
  unpaid_total_ = saturating_add(floor_sub(unpaid_total_, floor_sub(before.vouched, before.paid)),
                                 floor_sub(account.vouched, account.paid));
  return ok();
}

}  // namespace cocoon::billing
