/// ProxyCore: workers' admission, records and status.

#include <fmt/format.h>

#include "core/proxy_core.h"
#include "core/store_keys.h"
#include "wire/records.h"

namespace cocoon::core {

void ProxyCore::admit_worker(Peer& peer, const ports::EpochView& view, Now now) {
  if (auto status = billing::epoch_admits(*peer.hello_epoch, view.newest, peer.account,
                                          identity_.network, peer.link.identity.boot_key);
      !status) {
    return fail_peer(peer, status.error(), now);
  }
  accept(peer, now);
  if (peer.state != PeerState::ready) return;
  report(LogLevel::info, fmt::format("worker {} connected", short_hex(peer.account.bytes)));
}

Status ProxyCore::check_models(const wire::SignedWorkerRecord& message) const {
  COCOON_TRY(const wire::WorkerRecord record, wire::decode_worker_record(message.record));
  for (const std::string& model : record.models) {
    if (registry_.current()->find_model(model) == nullptr) {
      return Error(ErrorKind::not_found, "model_not_registered",
                   fmt::format("the registry lists no model \"{}\"; check `models` in the worker's "
                               "configuration against cocoon-ledger show",
                               model));
    }
  }
  return ok();
}

void ProxyCore::on_worker_record(Peer& peer, const wire::SignedWorkerRecord& message, Now now) {
  if (auto status = check_models(message); !status) return fail_peer(peer, status.error(), now);
  const EvidenceDigest evidence{peer.link.identity.leaf_sha256};
  if (peer.worker) {
    if (auto status = scheduler_.renew(*peer.worker, message, now); !status) {
      fail_peer(peer, status.error(), now);
    }
    return;
  }
  // The newest connection of an account counts: the older one may be half-open.
  if (const auto older = scheduler_.directory().find(peer.account)) {
    const auto* entry = scheduler_.directory().find(*older);
    if (Peer* old_peer = entry == nullptr ? nullptr : find_peer(entry->identity.peer)) {
      fail_peer(*old_peer,
                Error(ErrorKind::unavailable, "superseded", "the worker has connected again"), now);
    }
  }
  auto index = scheduler_.join(
      {peer.link.peer, peer.account, peer.link.identity.boot_key, evidence}, message, now);
  if (!index) return fail_peer(peer, index.error(), now);
  peer.worker = *index;
  evidence_[evidence] = peer.link.peer;
}

void ProxyCore::on_worker_status(Peer& peer, const wire::WorkerStatus& status, Now now) {
  if (!peer.worker) {
    return fail_peer(peer,
                     Error(ErrorKind::protocol, "status_before_record",
                           "a worker sends its record before its status"),
                     now);
  }
  scheduler_.report(*peer.worker, status, now);
}

void ProxyCore::on_payout_shown(Peer& peer, const wire::Payout& message, Now now) {
  auto payout = billing::open_signed<billing::PayoutVoucher>(message.voucher, message.signature,
                                                             identity_.account.public_key());
  if (!payout) return fail_peer(peer, payout.error(), now);
  if (auto status = payouts_.adopt(*payout); !status) return fail_peer(peer, status.error(), now);
  dirty_workers_.insert(payout->value.worker);
}

}  // namespace cocoon::core
