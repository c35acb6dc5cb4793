// modules: routing
// covers: libcocoon/routing/reputation.cpp
/// @file A proxy's stored reputation, as any bytes: what is restored is sound, and snapshots to
/// something that restores to the same.

#include <cmath>
#include <cstdlib>

#include "routing/reputation.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cocoon;
  routing::ReputationBook book;
  const ByteView bytes(data, size);
  if (auto status = book.restore(bytes); !status) {
    require(book.size() == 0 && status.error().code() == "bad_reputation_snapshot");
    return 0;
  }
  const Bytes once = book.snapshot();
  require(once.size() == size);
  routing::ReputationBook again;
  require(again.restore(once).has_value());
  require(again.snapshot() == once);
  if (size < 37) return 0;
  const AccountId account{*to_array<32>(bytes.subspan(5, 32))};
  routing::ServiceAverages& averages = book.of(account, UnixTime{});
  require(std::isfinite(averages.expected_seconds(100)));
  routing::Observation failed;
  failed.outcome = routing::Outcome::failed;
  const double before = averages.expected_seconds(100);
  averages.add(failed);
  require(averages.expected_seconds(100) >= before);
  return 0;
}
