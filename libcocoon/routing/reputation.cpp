#include "routing/reputation.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/limits.h"

namespace cocoon::routing {
namespace {

constexpr std::uint8_t kSnapshotVersion = 1;
constexpr std::size_t kEntryBytes = 32 + 8 + 4 + 4 * 8;
/// Below this nothing gets: a worker that always failed still has a finite expectation.
constexpr double kLowestSuccessRate = 0.01;
/// Shorter streams say nothing about speed.
constexpr std::uint64_t kLeastTokensForSpeed = 4;
/// Bound of every average, against nonsense figures and stores.
constexpr double kLargestAverage = 1e9;

double seconds(Millis time) {
  return std::max(0.0, std::chrono::duration<double>(time).count());
}

void blend(double& average, double value, std::uint32_t samples) {
  average += (std::min(value, kLargestAverage) - average) / samples;
}

/// Micro-units: a form that is the same on every machine.
std::uint64_t fixed(double value) {
  return static_cast<std::uint64_t>(std::llround(value * 1e6));
}
double from_fixed(std::uint64_t value) {
  return static_cast<double>(value) / 1e6;
}

/// The entries of a book, in ascending order.
template <class Entries>
auto by_account(const Entries& entries) {
  std::vector<std::pair<AccountId, const typename Entries::mapped_type*>> sorted;
  sorted.reserve(entries.size());
  for (const auto& [account, entry] : entries) sorted.emplace_back(account, &entry);
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

Error bad_snapshot(const char* what) {
  return Error(ErrorKind::invalid_argument, "bad_reputation_snapshot",
               std::string("the stored reputation ") + what);
}

}  // namespace

void ServiceAverages::add(const Observation& observation) {
  switch (observation.outcome) {
    case Outcome::refused: return;
    case Outcome::failed:
      success_rate_ = std::max(kLowestSuccessRate, success_rate_ * (1 - 1.0 / 8));
      return;
    case Outcome::cancelled:
      // Who gives up early would make the worker look fast if only the rest were counted.
      if (samples_ > 0 && !observation.first_token &&
          seconds(observation.elapsed) > first_token_s_) {
        blend(first_token_s_, seconds(observation.elapsed), std::max(samples_, 2u));
      }
      return;
    case Outcome::served: break;
  }
  samples_ = std::min(samples_ + 1, kFullWeight);
  success_rate_ += (1 - success_rate_) / 16;
  blend(first_token_s_, seconds(observation.first_token.value_or(observation.elapsed)), samples_);
  blend(tokens_, static_cast<double>(observation.tokens), samples_);
  if (observation.tokens >= kLeastTokensForSpeed && observation.streaming.count() > 0) {
    const double speed = static_cast<double>(observation.tokens) / seconds(observation.streaming);
    blend(tokens_per_s_, speed, tokens_per_s_ > 0 ? samples_ : 1);
  }
}

wire::ServiceFigures ServiceAverages::figures() const {
  const auto whole = [](double value) {
    return static_cast<std::uint32_t>(std::lround(std::min(value, kLargestAverage)));
  };
  return {samples_, whole(success_rate_ * 10'000), whole(first_token_s_ * 1000),
          whole(tokens_per_s_)};
}

double ServiceAverages::expected_seconds(double tokens) const {
  const double streaming = tokens_per_s_ > 0 ? tokens / tokens_per_s_ : 0;
  return (first_token_s_ + streaming) / (success_rate_ * success_rate_);
}

ServiceAverages& ReputationBook::of(const AccountId& account, UnixTime now) {
  if (entries_.size() >= limits::kMaxReputationEntries && !entries_.contains(account)) {
    forget_oldest();
  }
  Entry& entry = entries_[account];
  entry.last_used_s = to_unix_seconds(now);
  return entry.averages;
}

const ServiceAverages* ReputationBook::find(const AccountId& account) const {
  const auto at = entries_.find(account);
  return at == entries_.end() ? nullptr : &at->second.averages;
}

std::vector<std::pair<AccountId, const ServiceAverages*>> ReputationBook::all() const {
  std::vector<std::pair<AccountId, const ServiceAverages*>> out;
  out.reserve(entries_.size());
  for (const auto& [account, entry] : by_account(entries_))
    out.emplace_back(account, &entry->averages);
  return out;
}

/// Forgets the oldest tenth at once, so that a full book costs nothing per new account.
void ReputationBook::forget_oldest() {
  std::vector<std::pair<std::uint64_t, AccountId>> ages;
  ages.reserve(entries_.size());
  for (const auto& [account, entry] : entries_) ages.emplace_back(entry.last_used_s, account);
  const auto tenth = static_cast<std::ptrdiff_t>(ages.size() / 10);
  std::nth_element(ages.begin(), ages.begin() + tenth, ages.end());
  for (std::ptrdiff_t i = 0; i < tenth; ++i) {
    entries_.erase(ages[static_cast<std::size_t>(i)].second);
  }
}

Bytes ReputationBook::snapshot() const {
  const auto sorted = by_account(entries_);
  ByteWriter out;
  out.u8(kSnapshotVersion).u32be(static_cast<std::uint32_t>(sorted.size()));
  for (const auto& [account, entry] : sorted) {
    const ServiceAverages& averages = entry->averages;
    out.bytes(account.view())
        .u64be(entry->last_used_s)
        .u32be(averages.samples_)
        .u64be(fixed(averages.success_rate_))
        .u64be(fixed(averages.first_token_s_))
        .u64be(fixed(averages.tokens_per_s_))
        .u64be(fixed(averages.tokens_));
  }
  return out.take();
}

Status ReputationBook::restore(ByteView snapshot) {
  ByteReader in(snapshot);
  if (in.u8() != kSnapshotVersion) return bad_snapshot("is of an unknown version");
  const std::uint32_t count = in.u32be();
  if (in.failed() || count > limits::kMaxReputationEntries ||
      in.remaining() != count * kEntryBytes) {
    return bad_snapshot("is not as long as its count says");
  }
  std::unordered_map<AccountId, Entry> entries;
  for (std::uint32_t i = 0; i < count; ++i) {
    const AccountId account{in.array<32>()};
    Entry entry;
    entry.last_used_s = in.u64be();
    ServiceAverages& averages = entry.averages;
    averages.samples_ = in.u32be();
    averages.success_rate_ = from_fixed(in.u64be());
    averages.first_token_s_ = from_fixed(in.u64be());
    averages.tokens_per_s_ = from_fixed(in.u64be());
    averages.tokens_ = from_fixed(in.u64be());
    if (averages.samples_ > ServiceAverages::kFullWeight ||
        averages.success_rate_ < kLowestSuccessRate || averages.success_rate_ > 1 ||
        averages.first_token_s_ > kLargestAverage || averages.tokens_per_s_ > kLargestAverage ||
        averages.tokens_ > kLargestAverage) {
      return bad_snapshot("holds an average out of range");
    }
    if (!entries.emplace(account, entry).second) return bad_snapshot("names an account twice");
  }
  entries_ = std::move(entries);
  return ok();
}

}  // namespace cocoon::routing
