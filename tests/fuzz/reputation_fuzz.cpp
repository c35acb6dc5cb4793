// modules: routing
// covers: libcocoon/routing/reputation.cpp
/// @file A proxy's stored reputation, as any bytes: what is restored is sound, stays so whatever is
/// observed, and snapshots to something that restores to the same. The first byte of the input says
/// how many observations come before the snapshot. ("full" and two bytes: see check_full.)

#include <cmath>

#include "base/limits.h"
#include "fuzz/require.h"
#include "routing/reputation.h"

namespace {

using namespace cocoon;
using fuzz::require;
using routing::Observation;
using routing::Outcome;
using routing::ReputationBook;
using routing::ServiceAverages;

std::vector<Observation> read_observations(ByteReader& in) {
  std::vector<Observation> out(in.u8() % 32);
  for (Observation& one : out) {
    one.outcome = static_cast<Outcome>(in.u8() % 4);
    one.tokens = in.u64be();
    one.streaming = Millis(in.u32be());
    one.elapsed = Millis(in.u32be());
    if (one.streaming <= one.elapsed) one.first_token = one.elapsed - one.streaming;
  }
  return out;
}

/// No outcome but an answer makes a worker look better.
void observe(ServiceAverages& averages, const Observation& one) {
  const ServiceAverages before = averages;
  averages.add(one);
  const double seconds = averages.expected_seconds(100);
  require(std::isfinite(seconds) && seconds >= 0);
  require(averages.success_rate() > 0 && averages.success_rate() <= 1);
  require(averages.samples() <= ServiceAverages::kFullWeight);
  require(one.outcome == Outcome::served || seconds >= before.expected_seconds(100));
}

/// What others are told is in range, and the list of all is what the book finds.
void check_all(const ReputationBook& book) {
  const auto all = book.all();
  require(all.size() == book.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& [account, averages] = all[i];
    require(i == 0 || all[i - 1].first < account);
    require(book.find(account) == averages);
    const wire::ServiceFigures told = averages->figures();
    require(told.requests == averages->samples());
    require(told.success_e4 >= 100 && told.success_e4 <= 10'000);
    require(told.first_token_ms <= 1'000'000'000 && told.tokens_per_second <= 1'000'000'000);
  }
}

AccountId numbered(std::size_t number) {
  AccountId out;
  for (std::size_t i = 0; i < 4; ++i) out.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return out;
}

/// A book without room for more, whose accounts were last seen in the order of their numbers.
ReputationBook full_book() {
  ReputationBook book;
  for (std::size_t i = 0; i < limits::kMaxReputationEntries; ++i) {
    book.of(numbered(i), unix_seconds(i));
  }
  return book;
}

/// One more account in a full book, after `seen` was seen again: the tenth that was away longest
/// goes, and no other.
void check_full(std::size_t seen) {
  static const ReputationBook kFull = full_book();
  ReputationBook book = kFull;
  const UnixTime now = unix_seconds(limits::kMaxReputationEntries);
  book.of(numbered(seen), now);
  require(book.size() == kFull.size());
  book.of(numbered(kFull.size()), now);
  const std::size_t gone = kFull.size() / 10;
  require(book.size() == kFull.size() - gone + 1);
  // Where the one that was seen again is among the oldest, the next one goes in its place.
  const std::size_t oldest_kept = seen <= gone ? gone + 1 : gone;
  for (std::size_t i = 0; i < kFull.size(); ++i) {
    require((book.find(numbered(i)) != nullptr) == (i == seen || i >= oldest_kept));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Of one size only: it takes as long as thousands of others.
  if (size == 6 && as_text(ByteView(data, 4)) == "full") {
    check_full(std::size_t{data[4]} << 8 | data[5]);
    return 0;
  }
  ByteReader in(ByteView(data, size));
  const std::vector<Observation> observations = read_observations(in);
  if (in.failed()) return 0;
  const ByteView bytes = in.rest();
  ReputationBook book;
  if (const Status status = book.restore(bytes); !status) {
    require(book.size() == 0 && status.error().code() == "bad_reputation_snapshot");
    return 0;
  }
  require(book.snapshot().size() == bytes.size());

  // The first account of the snapshot, where it has one.
  AccountId account{};
  if (bytes.size() > 37) account.bytes = *to_array<32>(bytes.subspan(5, 32));
  for (const Observation& one : observations) observe(book.of(account, UnixTime{}), one);
  require((book.find(account) != nullptr) == (book.size() != 0));
  check_all(book);

  const Bytes once = book.snapshot();
  ReputationBook again;
  require(again.restore(once).has_value());
  require(again.snapshot() == once);
  return 0;
}
