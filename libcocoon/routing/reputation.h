#pragma once
/// @file What was measured of a worker's service: decaying averages that a failure worsens and
/// never improves (economics.md "Reputation").

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "wire/messages.h"

namespace cocoon::routing {

/// How a request that a worker had been given ended, as far as the worker is to blame.
enum class Outcome : std::uint8_t {
  served,     ///< answered to the end, and counted
  failed,     ///< worker or engine broke off, lied or timed out
  cancelled,  ///< the client or its deadline ended it, or it got an error that cost nothing
  refused     ///< the worker did not accept it (busy, draining)
};

/// One finished request.
struct Observation {
  Outcome outcome = Outcome::served;
  /// From assignment to the first answer byte; nothing where none came.
  std::optional<Millis> first_token;
  /// Output tokens, and the time from the first to the last answer byte.
  std::uint64_t tokens = 0;
  Millis streaming{0};
  /// From assignment to the end.
  Millis elapsed{0};
};

/// The averages of one worker.
class ServiceAverages {
 public:
  /// Takes one finished request in. A failure lowers the success rate alone: an instant failure
  /// must not look like a fast answer. A request that was cancelled while it waited for its first
  /// token counts only where it waited longer than the average.
  void add(const Observation& observation);

  /// Requests that the speed averages rest on, up to kFullWeight.
  std::uint32_t samples() const { return samples_; }
  /// Share of requests that did not fail, in (0, 1]; 1 where nothing was seen.
  double success_rate() const { return success_rate_; }
  /// Seconds; meaningful where samples() > 0.
  double first_token_seconds() const { return first_token_s_; }
  /// Output tokens per second while streaming; 0 where no answer was long enough to tell.
  double tokens_per_second() const { return tokens_per_s_; }
  /// Tokens of an average answer.
  double tokens_per_answer() const { return tokens_; }

  /// As others are told it, in whole numbers.
  wire::ServiceFigures figures() const;

  /// Seconds to the end of an average answer, with failures counted in: time ÷ success rate². It
  /// is what the scheduler compares. @pre samples() > 0.
  /// @param tokens length of the answer; workers are compared at the same length
  double expected_seconds(double tokens) const;

  /// The first samples are averaged plainly; from this many on each new one counts 1/16.
  static constexpr std::uint32_t kFullWeight = 16;

 private:
  friend class ReputationBook;
  std::uint32_t samples_ = 0;
  double success_rate_ = 1;
  double first_token_s_ = 0;
  double tokens_per_s_ = 0;
  double tokens_ = 0;
};

/// The averages of every worker seen, also of those away now: a worker does not get rid of its
/// past by reconnecting. Bounded by limits::kMaxReputationEntries; the account that was away
/// longest is forgotten first.
class ReputationBook {
 public:
  /// The averages of `account`, made where there are none. The reference holds until the next call
  /// of a non-const member.
  ServiceAverages& of(const AccountId& account, UnixTime now);
  /// Null where nothing is known.
  const ServiceAverages* find(const AccountId& account) const;
  std::size_t size() const { return entries_.size(); }
  /// Every account, in ascending order.
  std::vector<std::pair<AccountId, const ServiceAverages*>> all() const;

  /// The whole book as bytes, the same for the same contents; for the store.
  Bytes snapshot() const;
  /// Replaces the contents by a snapshot's.
  /// Errors: invalid_argument/bad_reputation_snapshot; the contents are then unchanged.
  Status restore(ByteView snapshot);

 private:
  struct Entry {
    ServiceAverages averages;
    std::uint64_t last_used_s = 0;  // Unix seconds
  };
  void forget_oldest();

  std::unordered_map<AccountId, Entry> entries_;
};

}  // namespace cocoon::routing
