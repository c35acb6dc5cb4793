// modules: routing
// covers: libcocoon/routing/reputation.cpp
/// @file A proxy's stored reputation, as any bytes: what is restored is sound, stays so whatever is
/// observed, and snapshots to something that restores to the same. The first byte of the input says
/// how many observations come before the snapshot.

#include <cmath>
#include <cstdlib>

#include "routing/reputation.h"

namespace {

using namespace cocoon;
using routing::Observation;
using routing::Outcome;
using routing::ReputationBook;
using routing::ServiceAverages;

void require(bool holds) {
  if (!holds) std::abort();
}

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
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

  const Bytes once = book.snapshot();
  ReputationBook again;
  require(again.restore(once).has_value());
  require(again.snapshot() == once);
  return 0;
}
