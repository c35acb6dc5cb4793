#pragma once
/// @file Bounds and defaults of directory and scheduling (protocol.md "Directory and candidates");
/// part of base/limits.h, which is what to include.

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace cocoon::limits {

/// The proxy signs its directory's root at least so often, with the time of signing.
inline constexpr Seconds kDirectoryPeriod{60};
/// Oldest root that a client accepts: a period, and as much again for clocks and the way.
inline constexpr Seconds kMaxDirectoryAge{120};
/// A heaviest worker weighs at most so many times a lightest: what lets a client notice an order
/// that its seed cannot have given.
inline constexpr double kMaxWeightRatio = 16;
/// Workers drawn for one choice. A choice costs so many hashes and looks into so many workers' memory;
/// between 8 and 32 the simulation of benchmarks/routing shows no difference in what comes of it.
inline constexpr std::size_t kScheduleSample = 10;
/// Highest price that a worker may ask, in 1/1000 of the registry's: keeps products in range.
inline constexpr std::uint32_t kMaxCoefficientE3 = 1'000'000;
/// Most slots that a worker may claim.
inline constexpr std::uint32_t kMaxWorkerCapacity = 65'536;
/// Requests at once to a worker that is not yet measured: a fair trial, not a flood.
inline constexpr std::uint32_t kTrialRequests = 4;
/// After a refusal a worker is given nothing for so long, or until it reports.
inline constexpr Millis kRefusalRest{1000};
/// What a refused client is told to wait: not so short that refusals cost more than answers, nor
/// longer than candidates are kept.
inline constexpr Millis kMinRetryAfter{500};
inline constexpr Millis kMaxRetryAfter{30'000};
/// A sealed request whose candidates are all busy waits for one of them, but for no longer than a
/// refused client would be told to wait.
inline constexpr Millis kMaxQueueWait{30'000};
/// How long a request is thought to take where nothing was measured of its model.
inline constexpr Seconds kUnmeasuredService{10};
/// Requests that wait at a proxy, of one model and of one channel: what 10,000 workers take up
/// within a second, and a share of it.
inline constexpr std::size_t kMaxQueuedPerModel = 8192;
inline constexpr std::size_t kMaxQueuedPerChannel = 256;
/// Bodies of the requests that wait, all together.
inline constexpr std::size_t kMaxQueuedBodyBytes = 256 * 1024 * 1024;
/// Heaviest share of a queue that an embedding gateway may give a client.
inline constexpr std::uint32_t kMaxClientWeight = 1000;
/// What a client may begin at once beyond its rate: so many seconds of it.
inline constexpr Seconds kRateBurst{1};
/// Over which requests and refusals of a model are counted as its demand.
inline constexpr Seconds kDemandPeriod{300};
/// How often a worker asks its proxies what the market looks like.
inline constexpr Seconds kMarketPeriod{60};
/// Workers remembered by reputation, those away included: six times a proxy's largest number.
inline constexpr std::size_t kMaxReputationEntries = 65'536;

}  // namespace cocoon::limits
