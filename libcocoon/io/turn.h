#pragma once
/// @file Work done once at the end of a loop turn, however often it was asked for in that turn.

#include "cocoon/callback.h"
#include "io/context.h"
#include "io/slot.h"

namespace cocoon::io {

/// The order at the end of a turn: everything of `work` (signing receipts, building frames) runs
/// before anything of `flush` (handing bytes to the kernel), so that what work produces leaves in
/// the same turn and the same system call.
enum class TurnPhase : std::uint8_t { work, flush };

/// One piece of end-of-turn work. Arming costs a list insertion and no allocation. The end of the
/// turn comes after the events that the kernel had ready together: a lone chunk goes out at once,
/// chunks that arrived together go out together, and the loop never blocks in between, whichever
/// context's hook it was that armed this one.
///
/// Loop thread only. The callback may arm this or another hook again (it runs in the same turn, up
/// to a bound, then in the next), and may destroy the hook.
class TurnHook {
 public:
  TurnHook(const Context& context, TurnPhase phase, Callback<void()> run);
  /// Disarms.
  ~TurnHook();
  TurnHook(const TurnHook&) = delete;
  TurnHook& operator=(const TurnHook&) = delete;

  /// Has the callback run at the end of this turn. Armed already: nothing happens.
  void arm();
  void disarm();
  bool armed() const { return next_ != nullptr; }

 private:
  friend class ContextState;
  std::shared_ptr<ContextState> context_;
  TurnPhase phase_;
  Slot<> run_;
  TurnHook* previous_ = nullptr;  // in the context's ring of armed hooks
  TurnHook* next_ = nullptr;

  TurnHook() : phase_(TurnPhase::work) {}  // a ring's head
  void unlink();
};

}  // namespace cocoon::io
