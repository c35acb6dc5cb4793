#include "ledger/ton/pending_writes.h"

#include <algorithm>

#include "base/limits.h"
#include "io/clock.h"

namespace cocoon::ledger {

PendingWrites::PendingWrites(const io::Context& context, Toncenter& toncenter, Wallet& wallet,
                             Millis poll)
    : toncenter_(toncenter),
      wallet_(wallet),
      poll_(poll),
      timer_(context, [this] { look_again(); }) {}

void PendingWrites::start(PlannedWrite write, Done done) {
  const Id id = ++last_;
  pending_.emplace(id, Pending{std::make_shared<const PlannedWrite>(std::move(write)),
                               std::move(done),
                               {},
                               kNever,
                               kNever});
  look(id);
}

void PendingWrites::look(Id id) {
  Pending& p = pending_.at(id);
  p.next_look = kNever;
  toncenter_.view<Look>(
      p.write->contract(),
      [write = p.write](const AccountReading& account) -> Result<Look> {
        COCOON_TRY(auto view, write->view(account));
        return Look{std::move(view), account.time};
      },
      [this, id](Result<Look> seen) { looked(id, std::move(seen)); });
}

void PendingWrites::looked(Id id, Result<Look> seen) {
  const auto at = pending_.find(id);
  if (at == pending_.end()) return;
  Pending& p = at->second;
  const MonoTime now = io::now().mono;
  if (!p.first) {
    if (!seen) return finish(id, seen.error());
    if (auto reply = p.write->before(seen->view, seen->time)) return finish(id, std::move(*reply));
    p.first = std::move(seen->view);
    return send(id);
  }
  // From here on it may take effect, so an answer that is no good is only waited out.
  if (seen) {
    if (auto reply = p.write->after(*p.first, seen->view, seen->time)) {
      return finish(id, std::move(*reply));
    }
  }
  if (now >= p.until) {
    return finish(id, Error(ErrorKind::timeout, "ledger_timeout",
                            "the ledger does not show that the message had its effect, nor that it "
                            "was refused; it may still come" +
                                (seen ? std::string() : ": " + seen.error().detail())));
  }
  p.next_look = now + poll_;
  schedule();
}

void PendingWrites::send(Id id) {
  const Pending& p = pending_.at(id);
  auto order = p.write->order(*p.first);
  if (!order) return finish(id, order.error());
  wallet_.send(std::move(*order), [this, id](Status how) { sent(id, std::move(how)); });
}

void PendingWrites::sent(Id id, Status how) {
  const auto at = pending_.find(id);
  if (at == pending_.end()) return;
  if (!how) {
    Error why = std::move(how).error();
    if (why.kind() == ErrorKind::payment) {
      return finish(id, ports::LedgerReply(ports::Bounced{std::move(why)}));
    }
    return finish(id, std::move(why));
  }
  at->second.until = io::now().mono + limits::kTonEffectPatience;
  look(id);
}

void PendingWrites::look_again() {
  const MonoTime now = io::now().mono;
  for (auto& [id, p] : pending_) {
    if (p.next_look <= now) look(id);
  }
  schedule();
}

void PendingWrites::schedule() {
  MonoTime next = kNever;
  for (const auto& [id, p] : pending_) next = std::min(next, p.next_look);
  timer_.set(next);
}

void PendingWrites::finish(Id id, Result<ports::LedgerReply> reply) {
  auto node = pending_.extract(id);
  node.mapped().done(std::move(reply));
}

}  // namespace cocoon::ledger
