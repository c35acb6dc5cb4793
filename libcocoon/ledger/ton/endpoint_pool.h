#pragma once
/// @file Which of several endpoints may be asked, and when. Pure.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "cocoon/result.h"

namespace cocoon::ledger {

/// One server with toncenter's API.
struct TonEndpoint {
  std::string url;        ///< "https://toncenter.com/api/v2", without the method
  std::string api_key;    ///< sent as X-API-Key; may be empty
  double per_second = 0;  ///< requests that it takes; 0: limits::kTonRateWithKey or WithoutKey
};

/// What is wrong with a list of endpoints, if anything: none, too many, or one whose URL is not
/// https:// (http:// to this machine itself is taken, too), whose key has unprintable characters,
/// or whose rate is not between 0.01 and 10,000. Errors: invalid_argument/bad_option, with what to
/// write instead.
Status check_endpoints(const std::vector<TonEndpoint>& endpoints);

/// Keeps each endpoint's rate and lets those that failed rest. Earlier endpoints are preferred; the
/// next ones are asked while these rest or are at their rate's end.
class EndpointPool {
 public:
  /// Which endpoints a question has been to already.
  using Tried = std::vector<bool>;

  /// @param random outlives the pool; jitter for rests
  EndpointPool(const std::vector<TonEndpoint>& endpoints, Random& random);

  std::size_t size() const { return states_.size(); }

  struct Choice {
    std::optional<std::size_t> endpoint;
    MonoTime at = kNever;  ///< where there is none: when to ask again; kNever: all were tried
  };
  /// @pre tried has size() entries
  Choice choose(const Tried& tried, MonoTime now) const;

  /// A request goes out.
  void asked(std::size_t endpoint, MonoTime now);
  /// It gave a good answer.
  void answered(std::size_t endpoint);
  /// It failed or answered nonsense: it rests, longer each time.
  void failed(std::size_t endpoint, MonoTime now);
  /// It takes no more for now.
  /// @param wait what it asked for (Retry-After)
  void limited(std::size_t endpoint, std::optional<Seconds> wait, MonoTime now);

 private:
  struct State {
    std::chrono::microseconds interval{};  ///< between requests at its rate
    std::chrono::microseconds burst{};     ///< how far ahead of that it may be
    MonoTime next{};                       ///< of a steady stream
    MonoTime rests_until{};
    Millis rest{};  ///< the next failure's; zero after a good answer
  };

  std::vector<State> states_;
  Random& random_;
};

}  // namespace cocoon::ledger
