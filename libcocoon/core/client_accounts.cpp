/// ClientCore: the channel with each proxy: vouchers, statements, receipts.

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "core/client_core.h"
#include "core/store_keys.h"
#include "core/usage_bounds.h"

namespace cocoon::core {

ClientCore::Channel& ClientCore::channel_of(const billing::ChannelState& state) {
  const ChannelId id = state.id();
  auto& slot = channels_[id];
  if (!slot) {
    const AccountId self = identity_.account.account_id();
    const billing::ClientLimits limits{options_.max_exposure,
                                       Nano{options_.max_exposure.value / 4}};
    slot = std::make_unique<Channel>(
        Channel{id, billing::ClientMeter(identity_.network, id, self, self, limits), {}});
    for (const ports::StoreEntry& entry : restored_) {
      if (entry.key != store_key(kChannelKey, id.view())) continue;
      if (auto status = slot->meter.restore(entry.value); !status) {
        report(LogLevel::error,
               "the stored channel account is unusable: " + status.error().detail() +
                   "; the proxy's copy of our own voucher is used instead");
      }
      // What ran when we stopped is settled by the proxy's next statement.
      for (const auto& [hash, cap] : slot->meter.running_requests()) slot->cuts[hash].cap = cap;
    }
  }
  slot->meter.set_channel(state);
  return *slot;
}

/// Takes the request into the account, with a voucher ahead of it where it needs one.
Status ClientCore::authorise(ProxyLink& proxy, const RequestHash& hash, Nano cap, Now now) {
  billing::ClientMeter& meter = proxy.channel->meter;
  if (auto status = meter.admit(hash, cap); !status) {
    if (status.error().kind() == ErrorKind::payment) reread_channel(proxy, now);
    return status;
  }
  if (meter.deposit_is_low()) reread_channel(proxy, now);
  proxy.channel->dirty = true;
  if (meter.voucher_need() == billing::VoucherNeed::required) send_voucher(proxy);
  return ok();
}

/// The deposit may have been topped up since it was read, or another channel opened: the next
/// requests know. One look at a time, and the next one a while after its answer.
void ClientCore::reread_channel(ProxyLink& proxy, Now now) {
  if (now.mono < proxy.channel->reread_from) return;
  proxy.channel->reread_from = now.mono + limits::kTonPatience;
  call_ledger(ports::FindChannel{identity_.account.account_id(), proxy.account},
              ForChannel{proxy.peer});
}

/// The channel of a connection in use was read again: it may have been topped up, be closing, or
/// not be the newest one any more.
void ClientCore::on_channel_reread(ProxyLink& proxy, const billing::ChannelState& newest, Now now) {
  if (newest.id() == proxy.channel->id) {
    proxy.channel->meter.set_channel(newest);
    advance_ = true;
  } else if (newest.phase == billing::ChannelPhase::open) {
    proxy.renew_at = now.mono;  // a fresh connection uses it; this one finishes what runs
  }
}

/// Once nothing runs on it, a connection whose channel is not open any more is given up: the next
/// one finds the channel that is, and until then this proxy is not ready.
void ClientCore::leave_closed(Now now) {
  for (ProxyLink& proxy : proxies_) {
    if (proxy.state != ProxyState::ready || !proxy.streams.empty()) continue;
    if (!proxy.channel->meter.is_open()) fail_proxy(proxy, channel_not_open(proxy), now);
  }
}

Error ClientCore::channel_not_open(const ProxyLink& proxy) {
  return Error(
      ErrorKind::payment, "channel_not_open",
      fmt::format("this account's channel with proxy {0} is closing or closed; open another one: "
                  "cocoon-wallet --client FILE open --proxy {0} --deposit \"20 TON\"",
                  to_hex(proxy.account.bytes)));
}

void ClientCore::send_voucher(ProxyLink& proxy) {
  const auto signed_voucher = billing::sign(proxy.channel->meter.next_voucher(), identity_.account);
  proxy.channel->dirty = true;
  const Bytes bytes = signed_voucher.value.encode();
  wire::Voucher message;
  message.voucher = bytes;
  message.signature = signed_voucher.signature;
  proxy.link->connection.send(message);
  touch(proxy.peer);
}

void ClientCore::on_statement(ProxyLink& proxy, const wire::UsageStatement& message, Now now) {
  if (proxy.channel == nullptr) return;
  auto statement = billing::open_signed<billing::UsageStatement>(
      message.statement, message.signature, proxy.account.bytes);
  if (!statement) return fail_proxy(proxy, statement.error(), now);
  if (statement->value.channel != proxy.channel->id) {
    return fail_proxy(proxy,
                      Error(ErrorKind::protocol, "wrong_channel",
                            "the proxy's statement is about another channel"),
                      now);
  }
  if (!message.voucher.empty()) {
    auto voucher = billing::open_signed<billing::Voucher>(
        message.voucher, message.voucher_signature, identity_.account.public_key());
    if (!voucher) return fail_proxy(proxy, voucher.error(), now);
    if (auto status = proxy.channel->meter.adopt(*voucher); !status) {
      return fail_proxy(proxy, status.error(), now);
    }
  }
  settle_lost(*proxy.channel, statement->value.charged, now);
  if (!std::exchange(proxy.channel->heard, true)) {
    // The last requests before a crash may be missing here; our own voucher covers them.
    proxy.channel->meter.adopt_charged(statement->value.charged);
  }
  report_unexplained(*proxy.channel, statement->value.charged);
  voucher_due_.push_back(proxy.peer);
  advance_ = true;
}

Status ClientCore::settle(Channel& channel, const RequestHash& hash, Nano cost,
                          billing::Proof proof) {
  COCOON_CHECK(channel.meter.settle(hash, cost, proof));
  spent_ = saturating_add(spent_, cost);
  channel.dirty = true;
  return ok();
}

void ClientCore::report_unexplained(const Channel& channel, Nano charged) {
  // The ends of what runs may be on their way on another connection.
  const Nano explained = saturating_add(channel.meter.spent(), channel.meter.running());
  const Nano unexplained = floor_sub(charged, explained);
  if (unexplained.value == 0) return;
  report(LogLevel::warning,
         fmt::format("the proxy says that it charged {} nanoton more than this client's requests "
                     "explain; that is not acknowledged",
                     unexplained.value));
}

/// What came of the answer by its last mark: all that there is without a receipt.
billing::TokenCounts ClientCore::marked(const Request& request) {
  return billing::clamp(counts_of(request.mark), usage_bounds(request.plan, request.answer_bytes));
}

/// What that is worth.
Nano ClientCore::cost_of_mark(const Request& request) const {
  if (request.state != RequestState::accepted) return Nano{0};
  auto registry = registry_.priced(request.registry_version, request.sealed_at);
  if (!registry) return Nano{0};
  auto cost = billing::cost(marked(request), request.candidates[request.candidate].coefficient_e3,
                            (*registry)->prices);
  return cost ? std::min(*cost, request.cap) : Nano{0};
}

/// Checks the receipt that came inside the sealed answer. @return what it says the request costs.
Result<Nano> ClientCore::check_receipt_of(Request& request) {
  if (!request.receipt || !request.answer) {
    return Error(ErrorKind::upstream, "receipt_missing", "the answer came without a receipt");
  }
  const Worker& worker = request.candidates[request.candidate];
  COCOON_CHECK(receipts_.verify(*request.receipt, worker.boot_key));
  COCOON_TRY(const billing::Registry* registry,
             registry_.priced(request.registry_version, request.sealed_at));
  const ProxyLink* proxy = find_proxy(request.peer);
  billing::ReceiptTerms terms;
  terms.network = identity_.network;
  terms.request = request.sealed->hash();
  terms.proxy = proxy->account;
  terms.worker = worker.account;
  terms.registry_version = request.registry_version;
  terms.coefficient_e3 = worker.coefficient_e3;
  terms.cap = request.cap;
  terms.bounds = usage_bounds(request.plan, request.answer_bytes);
  const billing::Receipt& receipt = request.receipt->receipt;
  COCOON_CHECK(billing::check_receipt(receipt, terms, registry->prices));
  const session::Commitments& commitments = request.answer->commitments();
  // Its evidence may be newer than that of the record that this was sealed by: the boot key, which
  // the signature shows, is the same.
  if (receipt.run != request.answer->run_id() ||
      receipt.request_commitment != commitments.request ||
      receipt.answer_commitment != commitments.answer) {
    return Error(ErrorKind::upstream, "receipt_mismatch",
                 "the receipt is not for the request that was sent and the answer that came");
  }
  return receipt.cost;
}

/// Acknowledges everything, however little: the proxy can redeem no more than that.
void ClientCore::settle_all(Now) {
  for (ProxyLink& proxy : proxies_) {
    if (proxy.state != ProxyState::ready) continue;
    if (proxy.channel->meter.owes_acknowledgement()) send_voucher(proxy);
  }
  store_dirty();
}

bool ClientCore::settled() const {
  return std::none_of(proxies_.begin(), proxies_.end(), [](const ProxyLink& proxy) {
    if (proxy.state != ProxyState::ready) return false;
    const Channel& channel = *proxy.channel;
    return channel.dirty || channel.meter.owes_acknowledgement() ||
           std::any_of(channel.cuts.begin(), channel.cuts.end(),
                       [&](const auto& entry) { return entry.second.peer == proxy.peer; });
  });
}

void ClientCore::store_dirty() {
  ports::StoreBatch batch;
  for (auto& [id, channel] : channels_) {
    if (!std::exchange(channel->dirty, false)) continue;
    batch.put(store_key(kChannelKey, id.view()), channel->meter.snapshot());
  }
  if (!batch.writes.empty()) emit(WriteStore{std::move(batch)});
}

}  // namespace cocoon::core
