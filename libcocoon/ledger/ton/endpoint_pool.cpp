#include "ledger/ton/endpoint_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/limits.h"
#include "io/http_client.h"

namespace cocoon::ledger {
namespace {

using std::chrono::microseconds;

Error bad(std::string detail) {
  return Error(ErrorKind::invalid_argument, "bad_option", std::move(detail));
}

/// Plain HTTP would show the key to everybody on the way, and let them answer.
bool is_private(std::string_view url) {
  if (url.starts_with("https://")) return true;
  for (const std::string_view own : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    if (!url.starts_with(own)) continue;
    const std::string_view rest = url.substr(own.size());
    if (rest.empty() || rest.front() == ':' || rest.front() == '/') return true;
  }
  return false;
}

Status check_one(const TonEndpoint& e) {
  if (e.url.size() > limits::kMaxTonUrlBytes)
    return bad("the URL of a ledger's endpoint is too long");
  COCOON_CHECK(io::check_http_url(e.url));
  if (!is_private(e.url)) {
    return bad("the ledger's endpoint " + e.url +
               " must begin with https:// (http:// only to 127.0.0.1)");
  }
  if (e.url.find_first_of("?#") != std::string::npos) {
    return bad(
        "the ledger's endpoint goes without parameters, such as "
        "https://toncenter.com/api/v2, not " +
        e.url);
  }
  const bool printable =
      std::all_of(e.api_key.begin(), e.api_key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!printable || e.api_key.size() > limits::kMaxTonApiKeyBytes) {
    return bad("the api_key of " + e.url + " must have at most 256 printable characters");
  }
  if (e.per_second != 0 && !(e.per_second >= 0.01 && e.per_second <= 10'000)) {
    return bad("the rate of " + e.url + " must be between 0.01 and 10000 requests per second");
  }
  return ok();
}

double rate_of(const TonEndpoint& e) {
  if (e.per_second != 0) return e.per_second;
  return e.api_key.empty() ? limits::kTonRateWithoutKey : limits::kTonRateWithKey;
}

}  // namespace

Status check_endpoints(const std::vector<TonEndpoint>& endpoints) {
  if (endpoints.empty()) return bad("the ledger has no endpoint");
  if (endpoints.size() > limits::kMaxTonEndpoints)
    return bad("the ledger has more than 16 endpoints");
  for (const TonEndpoint& e : endpoints) COCOON_CHECK(check_one(e));
  return ok();
}

EndpointPool::EndpointPool(const std::vector<TonEndpoint>& endpoints, Random& random)
    : random_(random) {
  for (const TonEndpoint& e : endpoints) {
    State s;
    s.interval = microseconds(static_cast<std::int64_t>(1'000'000 / rate_of(e)));
    // A second's worth at once: questions come in bunches.
    s.burst = std::max(microseconds{0}, microseconds{1'000'000} - s.interval);
    states_.push_back(s);
  }
}

EndpointPool::Choice EndpointPool::choose(const Tried& tried, MonoTime now) const {
  Choice choice;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (tried[i]) continue;
    const State& s = states_[i];
    const MonoTime at = std::max(s.rests_until, s.next - s.burst);
    if (at <= now) return {i, now};
    choice.at = std::min(choice.at, at);
  }
  return choice;
}

void EndpointPool::asked(std::size_t endpoint, MonoTime now) {
  State& s = states_[endpoint];
  s.next = std::max(s.next, now) + s.interval;
}

void EndpointPool::answered(std::size_t endpoint) {
  states_[endpoint].rest = Millis{0};
}

void EndpointPool::failed(std::size_t endpoint, MonoTime now) {
  State& s = states_[endpoint];
  s.rest =
      s.rest == Millis{0} ? limits::kTonRestFirst : std::min(s.rest * 2, limits::kTonRestLongest);
  // Between half and all of it, so that nodes which failed together do not come back together.
  const auto half = static_cast<std::uint64_t>(s.rest.count()) / 2;
  const Millis rest(static_cast<std::int64_t>(half + random_.below(half + 1)));
  s.rests_until = std::max(s.rests_until, now + rest);
}

void EndpointPool::limited(std::size_t endpoint, std::optional<Seconds> wait, MonoTime now) {
  const Seconds rest =
      std::clamp(wait.value_or(limits::kTonRateRest), Seconds{1}, limits::kTonRateRestLongest);
  State& s = states_[endpoint];
  s.rests_until = std::max(s.rests_until, now + rest);
}

}  // namespace cocoon::ledger
