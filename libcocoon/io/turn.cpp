#include "io/turn.h"

#include "io/context_state.h"

namespace cocoon::io {

TurnHook::TurnHook(const Context& context, TurnPhase phase, Callback<void()> run)
    : context_(context.state()), phase_(phase), run_(std::move(run)) {}

TurnHook::~TurnHook() {
  disarm();
}

void TurnHook::arm() {
  if (!armed()) context_->arm(*this);
}

void TurnHook::disarm() {
  // An emptied queue stops listening at the end of the turn; no need to look here.
  if (armed()) unlink();
}

void TurnHook::unlink() {
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

}  // namespace cocoon::io
