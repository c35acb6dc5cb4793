#include "collateral/stock.h"

#include <fmt/format.h>

#include <algorithm>

#include "attest/text.h"
#include "base/limits.h"

namespace cocoon::collateral {
namespace {

Seconds seconds(Millis time) {
  return std::chrono::ceil<Seconds>(time);
}

}  // namespace

Stock::Stock(std::string service, Millis patience, Random& random)
    : service_(std::move(service)),
      patience_(patience),
      random_(random),
      holdings_(std::make_shared<const Holdings>()) {}

// --- Events ---

void Stock::need(Ticket ticket, const Platform& platform, Quote quote, Now now) {
  Entry* entry = entry_of(platform);
  if (entry == nullptr) {
    return answer(ticket, Error(ErrorKind::busy, "too_many_platforms",
                                "collateral of too many platforms is being got; try again later"));
  }
  entry->asked = now.mono;
  entry->quote = std::move(quote);
  if (entry->held && entry->held->expires < now.unix) drop(*entry);
  if (entry->held) return answer(ticket, entry->held);
  if (entry->state == State::idle) {
    if (entry->failure && now.mono < entry->next) return answer(ticket, *entry->failure);
    begin(*entry, State::reading);
  }
  if (waiting_ >= limits::kMaxCollateralWaiters) {
    return answer(ticket, Error(ErrorKind::busy, "too_many_wait",
                                "too many peers wait for collateral; try again later"));
  }
  entry->waiting.push_back({ticket, now.mono + patience_});
  ++waiting_;
}

void Stock::on_read(const Platform& platform, Result<HeldPtr> found, Now now) {
  const auto at = entries_.find(name_of(platform));
  if (at == entries_.end()) return;
  if (found) return take(at->second, std::move(*found), false, now);
  if (!service_.empty()) return begin(at->second, State::fetching);
  fail(at->second, std::move(found).error(), now);
}

void Stock::on_fetched(const Platform& platform, Result<HeldPtr> found, Now now) {
  const auto at = entries_.find(name_of(platform));
  if (at == entries_.end()) return;
  if (found) return take(at->second, std::move(*found), true, now);
  fail(at->second, std::move(found).error(), now);
}

void Stock::on_time(Now now) {
  for (auto& [name, entry] : entries_) {
    give_up_waiting(entry, now);
    if (!entry.held) continue;
    if (now.mono >= entry.ends) {
      report(LogLevel::error,
             fmt::format("the collateral of {} has expired: its peers are refused until there is "
                         "newer",
                         describe(entry.platform)));
      drop(entry);
    } else if (entry.state == State::idle && now.mono >= entry.next) {
      begin(entry, service_.empty() ? State::reading : State::fetching);
    }
  }
}

std::vector<Stock::Effect> Stock::take_effects() {
  return std::exchange(effects_, {});
}

MonoTime Stock::next_deadline() const {
  MonoTime next = kNever;
  for (const auto& [name, entry] : entries_) {
    if (!entry.waiting.empty()) next = std::min(next, entry.waiting.front().until);
    if (!entry.held) continue;
    next = std::min(next, entry.ends);
    if (entry.state == State::idle) next = std::min(next, entry.next);
  }
  return next;
}

// --- Entries ---

Stock::Entry* Stock::entry_of(const Platform& platform) {
  const std::string name = name_of(platform);
  const auto at = entries_.find(name);
  if (at != entries_.end()) return &at->second;
  if (entries_.size() >= limits::kMaxCollateralPlatforms && !make_room()) return nullptr;
  Entry& entry = entries_[name];
  entry.platform = platform;
  return &entry;
}

/// Forgets the platform that was asked for longest ago; its file remains. False where all are busy.
bool Stock::make_room() {
  auto oldest = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    if (at->second.state != State::idle) continue;
    if (oldest == entries_.end() || at->second.asked < oldest->second.asked) oldest = at;
  }
  if (oldest == entries_.end()) return false;
  drop(oldest->second);
  entries_.erase(oldest);
  return true;
}

void Stock::begin(Entry& entry, State state) {
  entry.state = state;
  if (state == State::reading) {
    effects_.emplace_back(Read{entry.platform, entry.quote});
  } else {
    effects_.emplace_back(Fetch{entry.platform, entry.quote});
  }
}

void Stock::take(Entry& entry, HeldPtr found, bool fetched, Now now) {
  entry.state = State::idle;
  entry.failures = 0;
  entry.failure.reset();
  const bool other = !entry.held || entry.held->digest() != found->digest();
  // A service may lag behind another that was asked before.
  const bool older = entry.held && found->issued < entry.held->issued;
  if (other && !older) {
    report(LogLevel::info,
           fmt::format("collateral of {} {}: issued {}, good until {}", describe(entry.platform),
                       fetched ? "fetched from " + service_ : "read from its file",
                       attest::format_utc(found->issued), attest::format_utc(found->expires)));
    entry.held = found;
    hold(name_of(entry.platform), found);
    if (fetched) effects_.emplace_back(Save{entry.platform, found});
  }
  const Millis left = std::max(Millis(0), Millis(entry.held->expires - now.unix));
  entry.ends = now.mono + left;
  Millis wait = std::min<Millis>(limits::kCollateralRefresh, left / 2);
  if (!fetched && !service_.empty())
    wait = std::min<Millis>(wait, up_to(limits::kCollateralRecheck));
  entry.next = now.mono + std::max<Millis>(limits::kCollateralRetryFirst, wait - up_to(wait / 4));
  answer_all(entry, entry.held);
}

void Stock::fail(Entry& entry, Error why, Now now) {
  entry.state = State::idle;
  const std::uint32_t doublings = std::min<std::uint32_t>(entry.failures++, 16);
  const Millis longest = std::min<Millis>(limits::kCollateralRetryFirst * (1 << doublings),
                                          limits::kCollateralRetryLongest);
  const Millis wait = longest - up_to(longest / 2);
  entry.next = now.mono + wait;
  if (entry.held) {
    return report(LogLevel::warning,
                  fmt::format("cannot renew the collateral of {}: {} ({}); what is held is good "
                              "until {}; trying again in {} s",
                              describe(entry.platform), why.detail(), why.code(),
                              attest::format_utc(entry.held->expires), seconds(wait).count()));
  }
  Error failure = std::move(why).within("there is no collateral of " + describe(entry.platform));
  report(LogLevel::warning,
         fmt::format("{} ({}); its peers are refused; the first that comes after "
                     "{} s has it tried again",
                     failure.detail(), failure.code(), seconds(wait).count()));
  answer_all(entry, failure);
  entry.failure = std::move(failure);
}

void Stock::drop(Entry& entry) {
  if (!entry.held) return;
  entry.held.reset();
  entry.ends = kNever;
  hold(name_of(entry.platform), nullptr);
}

void Stock::give_up_waiting(Entry& entry, Now now) {
  while (!entry.waiting.empty() && entry.waiting.front().until <= now.mono) {
    const Ticket ticket = entry.waiting.front().ticket;
    entry.waiting.pop_front();
    --waiting_;
    const std::string source = service_.empty() ? "the disk" : service_;
    answer(ticket,
           Error(ErrorKind::timeout, "collateral_timeout",
                 fmt::format("{} has not given the collateral of {} within {} s: check "
                             "that \"url\" in [collateral] is right and that this machine "
                             "reaches it; a peer that comes again is admitted once it is "
                             "there",
                             source, describe(entry.platform), seconds(patience_).count())));
  }
}

// --- Effects ---

void Stock::answer(Ticket ticket, Result<HeldPtr> held) {
  effects_.emplace_back(Answer{ticket, std::move(held)});
}

void Stock::answer_all(Entry& entry, const Result<HeldPtr>& held) {
  waiting_ -= entry.waiting.size();
  for (const Waiting& one : std::exchange(entry.waiting, {})) answer(one.ticket, held);
}

void Stock::report(LogLevel level, std::string message) {
  effects_.emplace_back(Report{level, std::move(message)});
}

/// Null: no longer.
void Stock::hold(const std::string& name, HeldPtr held) {
  auto next = std::make_shared<Holdings>(*holdings_);
  if (held) {
    (*next)[name] = std::move(held);
  } else {
    next->erase(name);
  }
  holdings_ = std::move(next);
}

/// Any time from 0 to `most`.
Millis Stock::up_to(Millis most) {
  return Millis(static_cast<Millis::rep>(
      random_.below(static_cast<std::uint64_t>(std::max<Millis::rep>(most.count(), 0)) + 1)));
}

}  // namespace cocoon::collateral
