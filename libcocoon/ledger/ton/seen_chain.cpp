#include "ledger/ton/seen_chain.h"

#include <fmt/format.h>

#include <algorithm>

namespace cocoon::ledger {
namespace {

/// Blocks of the masterchain in limits::kTonLag: it makes one in a second at the most.
constexpr std::uint32_t kLagBlocks = limits::kTonLag.count();

Error not_believed(std::string_view code, std::string detail) {
  return Error(ErrorKind::upstream, code, std::move(detail));
}

}  // namespace

Status SeenChain::check_clock(UnixTime time, UnixTime machine) const {
  if (time > machine + tolerance_ || time < machine - tolerance_) {
    const auto off = std::chrono::duration_cast<Seconds>(time - machine).count();
    return not_believed(
        "ledger_clock_off",
        fmt::format(
            "the ledger's time that it tells is {} s {} this machine's; if all endpoints do "
            "so, set this machine's clock (NTP)",
            off < 0 ? -off : off, off < 0 ? "behind" : "ahead of"));
  }
  return ok();
}

Status SeenChain::take(const ton::Address& address, const AccountReading& reading,
                       UnixTime machine) {
  COCOON_CHECK(check_clock(reading.time, machine));
  if (reading.time + limits::kTonLag < newest_) {
    return not_believed(
        "ledger_answer_old",
        fmt::format("it is {} s behind what was seen before",
                    std::chrono::duration_cast<Seconds>(newest_ - reading.time).count()));
  }
  const Hash data = reading.data ? reading.data->hash() : Hash{};
  const auto at = accounts_.find(address);
  if (at != accounts_.end()) {
    const Seen& seen = at->second;
    if (reading.last_lt < seen.lt) {
      return not_believed("ledger_answer_old", fmt::format("it shows an older state of {} than was "
                                                           "seen before",
                                                           ton::to_raw(address)));
    }
    if (reading.last_lt == seen.lt &&
        (reading.last_hash != seen.transaction || data != seen.data)) {
      return not_believed("ledger_answer_forked",
                          fmt::format("it shows another state of {} after the same transaction",
                                      ton::to_raw(address)));
    }
  }
  newest_ = std::max(newest_, reading.time);
  // (A full memory begins anew: it only notices contradictions, and nothing depends on that.)
  if (at == accounts_.end() && accounts_.size() == limits::kMaxTonAccounts) accounts_.clear();
  accounts_[address] = {reading.last_lt, reading.last_hash, data};
  return ok();
}

Status SeenChain::take(const ChainHead& head) {
  if (head.seqno + std::uint64_t{kLagBlocks} < head_) {
    return not_believed(
        "ledger_answer_old",
        fmt::format("its newest block is {}, and {} was seen before", head.seqno, head_));
  }
  head_ = std::max(head_, head.seqno);
  return ok();
}

Status SeenChain::take(const BlockReading& block, UnixTime machine) {
  if (block.time > machine + tolerance_) return check_clock(block.time, machine);
  return ok();
}

void SeenChain::forget(const ton::Address& address) {
  newest_ = UnixTime{};
  accounts_.erase(address);
}

}  // namespace cocoon::ledger
