/// ProxyCore: workers' admission, GPUs, records and status.

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
  if (peer.state == PeerState::challenging) begin_challenge(peer.link, random_, now);
}

Link* ProxyCore::challenged_link(PeerId peer) {
  Peer* p = find_peer(peer);
  return p == nullptr ? nullptr : &p->link;
}

void ProxyCore::on_challenge_complete(PeerId id, Now) {
  Peer* peer = find_peer(id);
  if (peer == nullptr) return;
  peer->state = PeerState::ready;
  report(LogLevel::info, fmt::format("worker {} connected", short_hex(peer->account.bytes)));
}

void ProxyCore::on_challenge_failed(PeerId id, const Error& error, Now now) {
  if (Peer* peer = find_peer(id)) fail_peer(*peer, error, now);
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

/// A worker shows its GPUs, ahead of its record.
void ProxyCore::on_shown(Peer& peer, const wire::Evidence& part, Now now) {
  if (!peer.link.identity.evidence->gpu_owed || (peer.owed && peer.owed->complete)) {
    return fail_peer(peer,
                     Error(ErrorKind::protocol, "unexpected_message",
                           "a worker shows evidence once, and only where GPUs are claimed or "
                           "demanded"),
                     now);
  }
  if (!peer.owed) {
    peer.owed = std::make_unique<OwedEvidence>(EvidenceDigest{peer.link.identity.leaf_sha256});
  }
  auto whole = peer.owed->assembly.add(part);
  if (!whole) return fail_peer(peer, whole.error(), now);
  if (!*whole) return;
  peer.owed->complete = true;
  const CallId call = next_call();
  verifications_.emplace(call, peer.link.peer);
  emit(VerifyEvidence{call, wire::Role::worker, std::move(**whole), peer.link.peer});
}

void ProxyCore::on_verified(CallId call, EvidenceVerdict verdict, Now now) {
  const auto asked = verifications_.find(call);
  if (asked == verifications_.end()) return;
  Peer* peer = find_peer(asked->second);
  verifications_.erase(asked);
  if (peer == nullptr || peer->state != PeerState::ready) return;
  if (!verdict) return fail_peer(*peer, verdict.error(), now);
  if ((*verdict)->digest.bytes != peer->link.identity.leaf_sha256 || (*verdict)->gpu_owed) {
    return fail_peer(*peer,
                     Error(ErrorKind::attestation, "evidence_mismatch",
                           "the worker shows other evidence than that of its connection"),
                     now);
  }
  peer->link.identity.evidence = std::move(*verdict);
  const auto held = std::exchange(peer->owed, nullptr);
  take_held(*peer, *held, now);
}

/// Nothing of a worker counts before its GPUs are accepted.
void ProxyCore::hold_record(Peer& peer, const wire::SignedWorkerRecord& message, Now now) {
  if (!peer.owed || !peer.owed->complete) {
    return fail_peer(peer,
                     Error(ErrorKind::attestation, "gpu_missing",
                           "this network demands evidence of a worker's GPUs, and this worker has "
                           "shown none: set gpu = \"nvidia\" under [evidence] of the worker"),
                     now);
  }
  peer.owed->record = to_bytes(message.record);
  peer.owed->record_signature = to_bytes(message.signature);
}

void ProxyCore::take_held(Peer& peer, const OwedEvidence& held, Now now) {
  if (held.record.empty()) return;
  wire::SignedWorkerRecord record;
  record.record = held.record;
  record.signature = held.record_signature;
  on_worker_record(peer, record, now);
  if (peer.state != PeerState::ready) return;
  if (peer.going_away) return on_going_away(peer, now);
  if (held.status) on_worker_status(peer, *held.status, now);
}

Error ProxyCore::superseded() {
  return Error(ErrorKind::unavailable, "superseded",
               "the same account has connected again; no two processes may share an account");
}

/// The newest connection of an account counts, by its record.
void ProxyCore::on_worker_record(Peer& peer, const wire::SignedWorkerRecord& message, Now now) {
  if (peer.replaced_at) return;  // it was on its way
  if (peer.link.identity.evidence->gpu_owed) return hold_record(peer, message, now);
  if (auto status = check_models(message); !status) return fail_peer(peer, status.error(), now);
  const routing::WorkerPeer self{peer.link.peer, peer.account, peer.link.identity.boot_key,
                                 EvidenceDigest{peer.link.identity.leaf_sha256}};
  Peer* older = listed_peer(peer.account);
  if (older != nullptr && older->link.identity.boot_key != self.boot_key) {
    fail_peer(*older, superseded(), now);  // of an earlier run of the worker
    older = nullptr;
  }
  if (older == nullptr) {
    auto index = scheduler_.join(self, message, now);
    if (!index) return fail_peer(peer, index.error(), now);
    peer.worker = *index;
  } else {
    if (auto status = scheduler_.renew(*older->worker, self, message, now); !status) {
      return fail_peer(peer, status.error(), now);
    }
    if (older != &peer) hand_over(*older, peer, now);
  }
  if (older != &peer) repeat_payout(peer);
  evidence_[self.evidence] = peer.link.peer;
}

/// The connection by which a worker is reached; null where it is not in the directory.
ProxyCore::Peer* ProxyCore::listed_peer(const AccountId& account) {
  const auto index = scheduler_.directory().find(account);
  const auto* entry = index ? scheduler_.directory().find(*index) : nullptr;
  return entry == nullptr ? nullptr : find_peer(entry->identity.peer);
}

/// The place in the directory, with all that runs and counts there, goes to the newer connection.
/// The older one is given nothing more, and finishes what runs on it. A worker begins no third
/// connection while its first one finishes, unless the second is lost: then that is half-open.
void ProxyCore::hand_over(Peer& older, Peer& newer, Now now) {
  newer.worker = std::exchange(older.worker, std::nullopt);
  older.replaced_at = now.mono;
  const Peer* oldest = find_peer(older.replaces);
  if (oldest != nullptr && oldest->state == PeerState::ready) {
    newer.replaces = older.replaces;
    return fail_peer(older, superseded(), now);
  }
  newer.replaces = older.link.peer;
  older.link.connection.go_away("superseded", "a newer connection of this worker is used");
  touch(older.link.peer);
}

/// A replaced connection answers with a goaway, and drains; one that does not is half-open.
void ProxyCore::end_half_open(Now now) {
  for (auto& [id, peer] : peers_) {
    if (peer->state != PeerState::ready || peer->going_away || !peer->replaced_at) continue;
    if (now.mono >= *peer->replaced_at + limits::kHandoverGrace) {
      fail_peer(*peer, superseded(), now);
    }
  }
}

void ProxyCore::on_worker_status(Peer& peer, const wire::WorkerStatus& status, Now now) {
  if (peer.replaced_at) return;  // it was on its way
  if (peer.owed && !peer.owed->record.empty()) {
    peer.owed->status = wire::WorkerStatus{status.ready, status.free_slots, {}};
    return;
  }
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
