#include "settings.h"

#include "billing/amount.h"
#include "values.h"

namespace cocoon::app {
namespace {

Error in_option(Error error, const char* option) {
  return std::move(error).within(option);
}

Status take_amount(const std::string& text, const char* option, Nano& out) {
  if (text.empty()) return ok();
  auto parsed = billing::parse_amount(text);
  if (!parsed) return in_option(std::move(parsed).error(), option);
  out = *parsed;
  return ok();
}

Status take_delay(const std::string& text, const char* option, Seconds& out) {
  if (text.empty()) return ok();
  auto parsed = parse_duration(text);
  if (!parsed) return in_option(std::move(parsed).error(), option);
  out = std::chrono::duration_cast<Seconds>(*parsed);
  return ok();
}

}  // namespace

billing::Registry default_registry() {
  billing::Registry r;
  r.prices = billing::reference_prices();
  r.price_grace = Seconds{600};
  // The live network's.
  r.client_close_delay = Seconds{43'200};
  r.proxy_close_delay = Seconds{86'400};
  // A message to a file costs nothing, so whatever was acknowledged is worth redeeming.
  r.message_fee = Nano{0};
  r.min_deposit = Nano{100'000'000};
  r.min_payout = Nano{50'000'000};
  r.min_stake = Nano{1'000'000'000};
  r.tombstone_rent = Nano{10'000'000};
  return r;
}

Status apply_settings(const RegistrySettings& s, billing::Registry& r) {
  COCOON_CHECK(take_amount(s.price, "--price", r.prices.per_token));
  COCOON_CHECK(take_amount(s.min_deposit, "--min-deposit", r.min_deposit));
  COCOON_CHECK(take_amount(s.min_payout, "--min-payout", r.min_payout));
  COCOON_CHECK(take_amount(s.min_stake, "--min-stake", r.min_stake));
  COCOON_CHECK(take_amount(s.message_fee, "--message-fee", r.message_fee));
  COCOON_CHECK(take_amount(s.rent, "--rent", r.tombstone_rent));
  COCOON_CHECK(take_delay(s.price_grace, "--price-grace", r.price_grace));
  COCOON_CHECK(take_delay(s.client_delay, "--client-delay", r.client_close_delay));
  COCOON_CHECK(take_delay(s.proxy_delay, "--proxy-delay", r.proxy_close_delay));
  if (!s.worker_share.empty()) {
    auto share = parse_e4(s.worker_share);
    if (!share) return in_option(std::move(share).error(), "--worker-share");
    r.prices.worker_share_e4 = *share;
  }
  if (!s.multipliers.empty()) {
    auto multipliers = parse_multipliers(s.multipliers);
    if (!multipliers) return in_option(std::move(multipliers).error(), "--multipliers");
    r.prices.multiplier_e4 = *multipliers;
  }
  if (s.tcb_floor) r.tcb_evaluation_floor = *s.tcb_floor;
  return r.validate();
}

}  // namespace cocoon::app
