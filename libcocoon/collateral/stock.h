#pragma once
/// @file Whose collateral is in stock, and when it is got anew: the rules, without files, network
/// and clock (supply.h has those).

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "cocoon/log.h"
#include "cocoon/result.h"
#include "collateral/held.h"

namespace cocoon::collateral {

/// What is in stock, by name_of() its platform. Immutable: a change makes another.
using Holdings = std::map<std::string, HeldPtr>;

/// A quote of the platform that waits for collateral; what is found is tried on it.
using Quote = std::shared_ptr<const Bytes>;

/// Shaped like a core: events and `now` go in, effects and the next deadline are pulled out.
///
/// Collateral is held until it expires, and got anew long before. A failure to get it anew is
/// reported and tried again; what is held stays in use. Whoever needs what is not held waits for
/// it, but not for long; after a failure there is a pause in which the answer is that failure.
/// Files are looked at first, then the service, and each platform is asked for once at a time.
class Stock {
 public:
  using Ticket = std::uint64_t;

  // --- Effects ---

  /// Look for the platform's file; answered by on_read().
  struct Read {
    Platform platform;
    Quote quote;
  };
  /// Ask the service; answered by on_fetched().
  struct Fetch {
    Platform platform;
    Quote quote;
  };
  /// Write the platform's file.
  struct Save {
    Platform platform;
    HeldPtr held;
  };
  /// The answer to need(); exactly one, never inside the call.
  struct Answer {
    Ticket ticket;
    Result<HeldPtr> held;
  };
  /// For the log.
  struct Report {
    LogLevel level;
    std::string message;
  };
  using Effect = std::variant<Read, Fetch, Save, Answer, Report>;

  /// @param service the URL that is asked, for messages; empty: nothing is ever fetched
  /// @param patience how long somebody waits for what is not held
  Stock(std::string service, Millis patience, Random& random);

  /// Somebody needs the collateral of a platform.
  /// Errors of the answer: those of what was tried; timeout/collateral_timeout,
  /// busy/too_many_wait, busy/too_many_platforms.
  void need(Ticket ticket, const Platform& platform, Quote quote, Now now);

  /// What the file had. @pre a Read of that platform was asked for and is not answered yet
  void on_read(const Platform& platform, Result<HeldPtr> found, Now now);
  /// What the service had. @pre as on_read(), with Fetch
  void on_fetched(const Platform& platform, Result<HeldPtr> found, Now now);
  void on_time(Now now);

  std::vector<Effect> take_effects();
  MonoTime next_deadline() const;
  std::shared_ptr<const Holdings> holdings() const { return holdings_; }

 private:
  enum class State : std::uint8_t { idle, reading, fetching };
  struct Waiting {
    Ticket ticket;
    MonoTime until;
  };
  struct Entry {
    Platform platform;
    Quote quote;  ///< the last that asked
    MonoTime asked{};
    State state = State::idle;
    HeldPtr held;
    MonoTime ends = kNever;  ///< when `held` expires
    /// While held: when it is got anew. Else, after a failure: when it may be tried again.
    MonoTime next = kNever;
    std::uint32_t failures = 0;  ///< in a row
    std::optional<Error> failure;
    std::deque<Waiting> waiting;  ///< the first to give up first
  };

  Entry* entry_of(const Platform& platform);
  bool make_room();
  void begin(Entry& entry, State state);
  void take(Entry& entry, HeldPtr found, bool fetched, Now now);
  void fail(Entry& entry, Error why, Now now);
  void drop(Entry& entry);
  void give_up_waiting(Entry& entry, Now now);
  void answer(Ticket ticket, Result<HeldPtr> held);
  void answer_all(Entry& entry, const Result<HeldPtr>& held);
  void report(LogLevel level, std::string message);
  void hold(const std::string& name, HeldPtr held);
  Millis up_to(Millis most);

  std::string service_;
  Millis patience_;
  Random& random_;
  std::map<std::string, Entry> entries_;
  std::shared_ptr<const Holdings> holdings_;
  std::vector<Effect> effects_;
  std::size_t waiting_ = 0;
};

}  // namespace cocoon::collateral
