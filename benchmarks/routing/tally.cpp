#include "tally.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace cocoon::sim {
namespace {

constexpr double kStep = 0.01;
constexpr double kShortest = 0.001, kLongest = 1000;

double part(double of, double whole) {
  return whole == 0 ? 0 : of / whole;
}

}  // namespace

void Histogram::add(double seconds) {
  const double bounded = std::clamp(seconds, kShortest, kLongest);
  const auto bin = static_cast<std::size_t>(std::log(bounded / kShortest) / kStep);
  if (bin >= bins_.size()) bins_.resize(bin + 1);
  ++bins_[bin];
  ++count_;
}

double Histogram::quantile(double q) const {
  const double rank = q * static_cast<double>(count_);
  std::uint64_t seen = 0;
  for (std::size_t bin = 0; bin < bins_.size(); ++bin) {
    seen += bins_[bin];
    if (seen > 0 && static_cast<double>(seen) >= rank) {
      return kShortest * std::exp(kStep * (static_cast<double>(bin) + 0.5));
    }
  }
  return 0;
}

Tally::Tally(const Shape& shape, const World& world)
    : shape_(shape), capacity_per_s_(world.capacity_per_s) {
  for (const Caller& caller : world.callers) callers_.push_back({caller.heavy, 0, 0});
}

void Tally::offered(std::uint32_t caller) {
  ++offered_;
  ++callers_[caller].offered;
}

void Tally::ended(std::uint32_t caller, End end, double first_token_s, double total_s) {
  if (first_token_s > 0) {
    const bool heavy = callers_[caller].heavy;
    first_token_.add(first_token_s);
    (heavy ? first_token_heavy_ : first_token_light_).add(first_token_s);
  }
  if (end != End::refused) {
    first_token_all_.add(first_token_s > 0 ? first_token_s : shape_.deadline_s);
  }
  switch (end) {
    case End::answered:
      ++answered_;
      ++callers_[caller].good;
      total_.add(total_s);
      break;
    case End::refused: ++refused_; break;
    case End::failed: ++failed_; break;
  }
}

std::vector<Tally::Figure> Tally::figures() const {
  const auto offered = static_cast<double>(offered_);
  const auto requests = static_cast<double>(traffic.requests);
  std::vector<Figure> out{
      {"offered", offered},
      {"offered_per_s", part(offered, shape_.measured_s)},
      {"capacity_per_s", capacity_per_s_},
      {"first_token_p50_s", first_token_.quantile(0.5)},
      {"first_token_p99_s", first_token_.quantile(0.99)},
      {"first_token_or_deadline_p99_s", first_token_all_.quantile(0.99)},
      {"first_token_p99_light_s", first_token_light_.quantile(0.99)},
      {"first_token_p99_heavy_s", first_token_heavy_.quantile(0.99)},
      {"total_p50_s", total_.quantile(0.5)},
      {"total_p99_s", total_.quantile(0.99)},
      {"waited", part(static_cast<double>(waits_.count()), offered)},
      {"wait_p50_s", waits_.quantile(0.5)},
      {"wait_p99_s", waits_.quantile(0.99)},
      {"goodput", part(static_cast<double>(answered_), offered)},
      {"goodput_per_s", part(static_cast<double>(answered_), shape_.measured_s)},
      {"refused", part(static_cast<double>(refused_), offered)},
      {"failed", part(static_cast<double>(failed_), offered)},
      {"mean_coefficient_e3", part(price_, static_cast<double>(paid_))},
      {"asks_per_request", part(static_cast<double>(traffic.asks), requests)},
      {"proxy_refusals_per_request", part(static_cast<double>(traffic.proxy_refusals), requests)},
      {"worker_refusals_per_request", part(static_cast<double>(traffic.worker_refusals), requests)},
  };
  fairness(out);
  imbalance(out);
  return out;
}

/// Jain's index (Jain, Chiu and Hawe, 1984) over the light clients' answered shares, and the
/// shares themselves.
void Tally::fairness(std::vector<Figure>& out) const {
  constexpr std::uint64_t kEnough = 10;
  double sum = 0, squares = 0, light = 0, least = 1, starved = 0;
  CallerCounts heavy_counts, light_counts;
  for (std::size_t i = 0; i < callers_.size(); ++i) {
    CallerCounts& group = callers_[i].heavy ? heavy_counts : light_counts;
    group.offered += callers_[i].offered;
    group.good += callers_[i].good;
    if (callers_[i].offered < kEnough) continue;
    if (callers_[i].good == 0) ++starved;
    if (callers_[i].heavy) continue;
    const double share =
        static_cast<double>(callers_[i].good) / static_cast<double>(callers_[i].offered);
    sum += share;
    squares += share * share;
    least = std::min(least, share);
    ++light;
  }
  const auto goodput = [](const CallerCounts& counts) {
    return part(static_cast<double>(counts.good), static_cast<double>(counts.offered));
  };
  out.push_back({"jain_light", part(sum * sum, light * squares)});
  out.push_back({"goodput_light", goodput(light_counts)});
  out.push_back({"goodput_heavy", goodput(heavy_counts)});
  out.push_back({"goodput_worst_light_client", least});
  out.push_back({"starved_clients", starved});
}

void Tally::imbalance(std::vector<Figure>& out) const {
  double sum = 0, squares = 0;
  for (const double share : utilisations_) {
    sum += share;
    squares += share * share;
  }
  const auto n = static_cast<double>(utilisations_.size());
  const double mean = part(sum, n);
  const double variance = std::max(0.0, part(squares, n) - mean * mean);
  out.push_back({"utilisation_mean", mean});
  out.push_back({"utilisation_variation", part(std::sqrt(variance), mean)});
}

double Tally::figure(const std::string& name) const {
  for (const Figure& figure : figures()) {
    if (figure.name == name) return figure.value;
  }
  throw std::out_of_range("no figure " + name);
}

}  // namespace cocoon::sim
