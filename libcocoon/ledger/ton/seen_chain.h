#pragma once
/// @file What the endpoints have shown of the chain so far, to notice answers that go backwards or
/// come from another time. Pure.

#include <cstdint>
#include <map>

#include "base/limits.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "ledger/ton/toncenter_codec.h"

namespace cocoon::ledger {

/// Memory is of what was accepted only. A lie that was accepted makes honest answers look old:
/// where nobody confirms what was seen, the caller forgets (and knows no more than after a
/// restart).
class SeenChain {
 public:
  /// @param clock_tolerance by how much the ledger's time may differ from this machine's
  explicit SeenChain(Millis clock_tolerance = limits::kTonClockTolerance)
      : tolerance_(clock_tolerance) {}

  /// Accepts and remembers the state of `address`, or says why it is not believed.
  /// Errors: upstream/ledger_clock_off; upstream/ledger_answer_old (behind the time, or the state,
  /// that was seen before); upstream/ledger_answer_forked (the same transaction, another state).
  Status take(const ton::Address& address, const AccountReading& reading, UnixTime machine);
  /// The same for the newest block: its number never goes back by more than kTonLag's worth.
  Status take(const ChainHead& head);
  /// The same for a block's time.
  Status take(const BlockReading& block, UnixTime machine);

  /// What was seen of time, head and `address` counts no more.
  void forget(const ton::Address& address);
  void forget_head() { head_ = 0; }

 private:
  struct Seen {
    std::uint64_t lt = 0;
    Hash transaction{};
    Hash data{};
  };

  Status check_clock(UnixTime time, UnixTime machine) const;

  Millis tolerance_;
  UnixTime newest_{};
  std::uint32_t head_ = 0;
  std::map<ton::Address, Seen> accounts_;
};

}  // namespace cocoon::ledger
