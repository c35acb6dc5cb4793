#include "session.h"

namespace cocoon::app {

Result<Session> Session::open(const Account& account) {
  COCOON_TRY(OwnLoop<Desk> loop, OwnLoop<Desk>::start());
  COCOON_CHECK(loop.wait_for<Status>([&](Desk& desk, const Done<Status>& done) {
    auto ledger = node::open_ledger(desk.context, account.place.ledger, account.key, desk.random);
    if (!ledger) return done(ledger.error());
    desk.ledger = std::move(*ledger);
    done(ok());
  }));
  return Session(std::move(loop));
}

Result<ports::LedgerReply> Session::ask(ports::LedgerRequest request) {
  using Reply = Result<ports::LedgerReply>;
  Reply reply = loop_.wait_for<Reply>([&](Desk& desk, const Done<Reply>& done) {
    desk.ledger->call(std::move(request), [done](Reply r) { done(std::move(r)); });
  });
  if (reply) {
    if (auto* bounced = std::get_if<ports::Bounced>(&*reply)) return std::move(bounced->error);
  }
  return reply;
}

Result<UnixTime> Session::time() {
  COCOON_TRY(const auto beacon, read<ports::Beacon>(ports::ReadBeacon{}));
  return beacon.time;
}

Status Session::write(ports::LedgerRequest request) {
  COCOON_TRY(const ports::LedgerReply reply, ask(std::move(request)));
  (void)reply;
  return ok();
}

}  // namespace cocoon::app
