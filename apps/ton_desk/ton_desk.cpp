#include "ton_desk/ton_desk.h"

namespace cocoon::app {

Result<TonDesk> TonDesk::open(ledger::TonLedgerOptions options) {
  COCOON_TRY(OwnLoop<OnLoop> loop, OwnLoop<OnLoop>::start());
  COCOON_CHECK(loop.wait_for<Status>([&](OnLoop& parts, const Done<Status>& done) {
    auto reader = ledger::Toncenter::create(parts.context, options.api, parts.random);
    if (!reader) return done(reader.error());
    parts.reader = std::move(*reader);
    done(ok());
  }));
  return TonDesk(std::move(loop), std::move(options));
}

Result<ledger::AccountReading> TonDesk::account(const ton::Address& address) {
  using Reading = Result<ledger::AccountReading>;
  return loop_.wait_for<Reading>([&](OnLoop& parts, const Done<Reading>& done) {
    parts.reader->account(address, [done](Reading r) { done(std::move(r)); });
  });
}

Result<ports::LedgerReply> TonDesk::ask(const crypto::SigningKey& self,
                                        ports::LedgerRequest request) {
  using Reply = Result<ports::LedgerReply>;
  return loop_.wait_for<Reply>([&](OnLoop& parts, const Done<Reply>& done) {
    if (const Status opened = open_port(parts, self); !opened) return done(opened.error());
    parts.port->call(std::move(request), [done](Reply r) { done(std::move(r)); });
  });
}

Status TonDesk::send(const crypto::SigningKey& self, ledger::WalletOrder order) {
  return loop_.wait_for<Status>([&](OnLoop& parts, const Done<Status>& done) {
    if (const Status opened = open_port(parts, self); !opened) return done(opened.error());
    parts.port->send(std::move(order), [done](Status s) { done(std::move(s)); });
  });
}

Status TonDesk::open_port(OnLoop& parts, const crypto::SigningKey& self) const {
  COCOON_TRY(parts.port, ledger::TonLedgerPort::open(parts.context, options_, self, parts.random));
  return ok();
}

}  // namespace cocoon::app
