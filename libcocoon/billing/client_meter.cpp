#include <algorithm>

#include "base/limits.h"
#include "billing/meter.h"
#include "billing/meter_errors.h"

namespace cocoon::billing {
namespace {

constexpr std::string_view kSnapshotMagic = "CMC1";

}  // namespace

ClientMeter::ClientMeter(NetworkId network, ChannelId channel, AccountId signer,
                         AccountId leftovers, ClientLimits limits)
    : network_(network),
      channel_(channel),
      signer_(signer),
      leftovers_(leftovers),
      limits_(limits) {}

void ClientMeter::set_channel(const ChannelState& state) {
  open_ = state.phase == ChannelPhase::open;
  deposit_ = state.deposited;
  // The contract has checked these vouchers against our own signature.
  adopt_amounts(state.best_spent, state.best_authorised);
}

Nano ClientMeter::authorisation_limit() const {
  return std::min(deposit_, saturating_add(proved_, limits_.max_exposure));
}

Nano ClientMeter::available() const {
  if (!open_) return {};
  return floor_sub(authorisation_limit(), saturating_add(acknowledged_, running_total_));
}

bool ClientMeter::deposit_is_low() const {
  const Nano margin = saturating_add(limits_.max_exposure, limits_.max_exposure);
  return deposit_ < saturating_add(proved_, margin);
}

Status ClientMeter::admit(const RequestHash& request, Nano cap) {
  if (!open_) {
    return payment_error("channel_not_open",
                         "the payment channel is closing, closed or not yet on the ledger");
  }
  if (running_.count(request) != 0) return duplicate_request();
  const Nano alone = saturating_add(acknowledged_, cap);
  if (alone > deposit_) {
    return payment_error("deposit_exhausted",
                         "the request may cost " + std::to_string(cap.value) + " nanoton, but " +
                             std::to_string(floor_sub(deposit_, acknowledged_).value) +
                             " of the deposit are left: top up the channel");
  }
  if (alone > saturating_add(proved_, limits_.max_exposure)) {
    return payment_error("exposure_exhausted",
                         "the request may cost " + std::to_string(cap.value) +
                             " nanoton, which is above max_exposure less the charges that no "
                             "receipt has proved: lower the request's cap or raise the setting");
  }
  // Most of what running requests are reserved at comes back, and then this one fits.
  if (saturating_add(alone, running_total_) > authorisation_limit()) {
    return Error(ErrorKind::busy, "caps_in_use",
                 "the request may cost " + std::to_string(cap.value) + " nanoton, but the " +
                     std::to_string(running_.size()) +
                     " that run are reserved at their caps, and " +
                     std::to_string(available().value) +
                     " are left: try again once some have ended; lower caps, a larger deposit "
                     "and a higher max_exposure let more run at once");
  }
  running_.emplace(request, cap);
  running_total_ = saturating_add(running_total_, cap);
  return ok();
}

Status ClientMeter::settle(const RequestHash& request, Nano cost, Proof proof) {
  const auto at = running_.find(request);
  if (at == running_.end()) return unknown_request();
  const Nano cap = at->second;
  running_.erase(at);
  running_total_ = floor_sub(running_total_, cap);
  if (cost > cap) return charge_over_cap(cost, cap);
  const Nano acknowledged = saturating_add(acknowledged_, cost);
  const Nano proved = proof == Proof::receipt ? saturating_add(proved_, cost) : proved_;
  if (acknowledged > saturating_add(proved, limits_.max_exposure)) {
    return payment_error("exposure_exhausted",
                         "the proxy has charged more than max_exposure without proof; this charge "
                         "is not acknowledged");
  }
  acknowledged_ = acknowledged;
  proved_ = proved;
  return ok();
}

void ClientMeter::prove(Nano cost) {
  proved_ = std::min(acknowledged_, saturating_add(proved_, cost));
}

VoucherNeed ClientMeter::voucher_need() const {
  if (saturating_add(acknowledged_, running_total_) > authorised_) return VoucherNeed::required;
  const Nano unsigned_spent = floor_sub(acknowledged_, signed_spent_);
  if (unsigned_spent > Nano{0} && unsigned_spent >= limits_.acknowledge_every) {
    return VoucherNeed::worthwhile;
  }
  return VoucherNeed::none;
}

Voucher ClientMeter::next_voucher() {
  // What is acknowledged is authorised, also where a deposit or a limit has become smaller since.
  authorised_ = std::max({authorised_, authorisation_limit(), acknowledged_});
  signed_spent_ = acknowledged_;
  return {network_, channel_, acknowledged_, authorised_, leftovers_};
}

Status ClientMeter::adopt(const SignedVoucher& voucher) {
  if (voucher.value.network != network_) return foreign_statement("wrong_network", "network");
  if (voucher.value.channel != channel_) return foreign_statement("wrong_channel", "channel");
  if (!signed_by(voucher, signer_.bytes)) return not_own_signature();
  adopt_amounts(voucher.value.spent, voucher.value.authorised);
  return ok();
}

void ClientMeter::adopt_charged(Nano charged) {
  const Nano most = std::min(authorised_, saturating_add(proved_, limits_.max_exposure));
  acknowledged_ = std::max(acknowledged_, std::min(charged, most));
}

void ClientMeter::adopt_amounts(Nano spent, Nano authorised) {
  // This meter never authorises more than max_exposure beyond what was proved: so much was, where
  // the authorisation is one that it has forgotten. What it remembers may be from when it allowed
  // more, and how much of that was proved it remembers, too.
  if (authorised > authorised_) {
    const Nano was_proved = std::min(spent, floor_sub(authorised, limits_.max_exposure));
    proved_ = std::max(proved_, was_proved);
  }
  acknowledged_ = std::max(acknowledged_, spent);
  signed_spent_ = std::max(signed_spent_, spent);
  authorised_ = std::max(authorised_, authorised);
}

Bytes ClientMeter::snapshot() const {
  ByteWriter out;
  out.bytes(as_bytes(kSnapshotMagic)).u64be(proved_.value).u64be(acknowledged_.value);
  out.u64be(signed_spent_.value).u64be(authorised_.value);
  out.u32be(static_cast<std::uint32_t>(running_.size()));
  for (const auto& [request, cap] : running_) out.bytes(request.view()).u64be(cap.value);
  return out.take();
}

Status ClientMeter::restore(ByteView snapshot) {
  ByteReader in(snapshot);
  if (as_text(in.take(kSnapshotMagic.size())) != kSnapshotMagic) return bad_snapshot("channel");
  ClientMeter restored(network_, channel_, signer_, leftovers_, limits_);
  restored.open_ = open_;
  restored.deposit_ = deposit_;
  restored.proved_.value = in.u64be();
  restored.acknowledged_.value = in.u64be();
  restored.signed_spent_.value = in.u64be();
  restored.authorised_.value = in.u64be();
  const std::size_t running = in.u32be();
  for (std::size_t i = 0; i < running && !in.failed(); ++i) {
    const RequestHash request{in.array<32>()};
    const Nano cap{in.u64be()};
    const auto total = checked_add(restored.running_total_, cap);
    if (!total) return bad_snapshot("channel");  // no deposit could cover these
    restored.running_.emplace(request, cap);
    restored.running_total_ = *total;
  }
  const bool sound = restored.proved_ <= restored.acknowledged_ &&
                     restored.signed_spent_ <= restored.acknowledged_ &&
                     restored.running_.size() == running;
  if (!in.finished() || !sound) return bad_snapshot("channel");
  *this = std::move(restored);
  return ok();
}

}  // namespace cocoon::billing
