/// ProxyCore: clients' channels, vouchers, and their questions.

#include <fmt/format.h>

#include "core/proxy_core.h"
#include "core/store_keys.h"
#include "wire/evidence_parts.h"

namespace cocoon::core {
namespace {

Error channel_not_open() {
  return Error(ErrorKind::payment, "channel_not_open",
               "that channel is closing or closed; open another one");
}

}  // namespace

ProxyCore::Channel& ProxyCore::channel_of(const billing::ChannelState& state) {
  const ChannelId id = state.id();
  auto& slot = channels_[id];
  if (!slot) {
    const billing::ProxyLimits limits{options_.max_unacknowledged, options_.max_unacknowledged,
                                      registry_.current()->message_fee};
    slot = std::make_unique<Channel>(
        Channel{state.terms.client, id,
                billing::ProxyMeter(identity_.network, id, state.terms.signer,
                                    identity_.account.account_id(), limits)});
    const auto kept = restored_channels_.find(store_key(kChannelKey, id.view()));
    if (kept != restored_channels_.end()) {
      if (auto status = slot->meter.restore(kept->second); !status) {
        report(LogLevel::error, fmt::format("channel {}: stored account is unusable: {}",
                                            short_hex(id.bytes), status.error().detail()));
      }
      restored_channels_.erase(kept);
    }
  }
  slot->close_delay = state.terms.close_delay;
  slot->meter.set_channel(state);
  return *slot;
}

void ProxyCore::admit_client(Peer& peer, const ports::ChannelView& view, Now now) {
  const auto& channel = view.channel;
  const auto refuse_with = [&](ErrorKind kind, std::string_view code, std::string detail) {
    fail_peer(peer, Error(kind, code, std::move(detail)), now);
  };
  if (!channel) {
    return refuse_with(ErrorKind::payment, "channel_unknown",
                       "the ledger knows no channel of that address; open one with "
                       "cocoon-wallet open, or wait until it is confirmed");
  }
  if (channel->terms.proxy != identity_.account.account_id() ||
      channel->terms.client != peer.account) {
    return refuse_with(ErrorKind::payment, "channel_of_others",
                       "that channel is not between this client and this proxy");
  }
  if (channel->phase != billing::ChannelPhase::open) {
    return fail_peer(peer, channel_not_open(), now);
  }
  const billing::ChannelAuth auth{identity_.network, peer.hello_channel,
                                  peer.link.identity.exporter, peer.link.identity.leaf_sha256};
  if (auto status = billing::check_channel(auth, channel->terms.signer, peer.hello_signature);
      !status) {
    return refuse_with(ErrorKind::unauthorized, "channel_signature",
                       "the client did not prove that it holds the channel's key");
  }
  peer.channel = &channel_of(*channel);
  accept(peer, now);
  if (peer.state != PeerState::ready) return;
  if (!peer.hello_beside) end_older(*peer.channel, now);
  peer.replaces = std::exchange(peer.channel->peer, peer.link.peer);
  wire::ChannelState state;
  state.channel = peer.channel->id;
  state.open = true;
  state.deposit = channel->deposited;
  state.charged_total = peer.channel->meter.charged();
  peer.link.connection.send(state);
  tell_cuts(*peer.channel);
  send_statement(peer);
}

/// The client has no other connection any more, so these are half-open: of a link that broke, or of
/// a run that was killed. What they cost has to be charged before the statement that is to cover
/// it.
void ProxyCore::end_older(const Channel& channel, Now now) {
  PeerId next = channel.peer;
  while (Peer* older = find_peer(next)) {
    next = older->replaces;
    if (older->state == PeerState::ready) fail_peer(*older, superseded(), now);
  }
}

/// Of a channel that is not open any more nothing can be paid: once nothing runs on it, its client
/// is sent to ask the ledger which one is.
void ProxyCore::end_closed(Now now) {
  for (auto& [id, peer] : peers_) {
    if (peer->state != PeerState::ready || peer->channel == nullptr) continue;
    if (peer->channel->meter.is_open() || peer->channel->running > 0) continue;
    fail_peer(*peer, channel_not_open(), now);
  }
}

void ProxyCore::send_statement(Peer& peer) {
  const billing::ProxyMeter& meter = peer.channel->meter;
  const auto statement = billing::sign(meter.statement(), identity_.account);
  const Bytes bytes = statement.value.encode();
  Bytes voucher;
  wire::UsageStatement message;
  message.statement = bytes;
  message.signature = statement.signature;
  if (meter.voucher()) {
    voucher = meter.voucher()->value.encode();
    message.voucher = voucher;
    message.voucher_signature = meter.voucher()->signature;
  }
  peer.link.connection.send(message);
  touch(peer.link.peer);
}

void ProxyCore::on_voucher(Peer& peer, const wire::Voucher& message, Now now) {
  auto voucher = billing::decode_signed<billing::Voucher>(message.voucher, message.signature);
  if (!voucher) return fail_peer(peer, voucher.error(), now);
  Channel& channel = *peer.channel;
  if (auto status = channel.meter.accept(*voucher); !status) {
    return fail_peer(peer, status.error(), now);
  }
  channel.dirty = true;
  // The client has seen a top-up that we have not: read it before requests are refused for it.
  if (channel.meter.authorised() > channel.meter.deposit()) reread(channel, now);
}

void ProxyCore::on_statement_shown(Peer& peer, const wire::UsageStatement& message, Now now) {
  auto statement = billing::open_signed<billing::UsageStatement>(
      message.statement, message.signature, identity_.account.public_key());
  if (!statement) return fail_peer(peer, statement.error(), now);
  if (auto status = peer.channel->meter.adopt(*statement); !status) {
    return fail_peer(peer, status.error(), now);
  }
  peer.channel->dirty = true;
}

void ProxyCore::on_candidates_request(Peer& peer, const wire::CandidatesRequest& ask, Now now) {
  if (registry_.current()->find_model(ask.model) != nullptr) {
    peer.price_caps[std::string(ask.model)] = ask.max_coefficient_e3;
  }
  wire::Candidates answer = scheduler_.candidates(ask, now);
  answer.id = ask.id;
  peer.link.connection.send(answer);
}

/// Nothing that a request says of its price tells what the client would pay: its header names what
/// the candidates ask. What it last asked for does; 0: any.
std::uint32_t ProxyCore::price_cap(const Peer& client, std::string_view model) {
  const auto cap = client.price_caps.find(model);
  return cap == client.price_caps.end() ? 0 : cap->second;
}

void ProxyCore::on_evidence_request(Peer& peer, const EvidenceDigest& digest, Now now) {
  const auto at = evidence_.find(digest);
  const Peer* worker = at == evidence_.end() ? nullptr : find_peer(at->second);
  Bytes shown;
  if (worker != nullptr) {
    shown = worker->link.identity.evidence->certificate;
    append(shown, worker->link.identity.evidence->gpu_evidence);
  }
  if (peer.link.connection.output().size() + shown.size() > limits::kMaxEvidencePerTurnBytes) {
    return fail_peer(peer,
                     Error(ErrorKind::busy, "too_much_evidence",
                           "the client asks for more evidence at once than any can use"),
                     now);
  }
  for (const wire::Evidence& part : wire::split_evidence(digest, shown)) {
    peer.link.connection.send(part);
  }
}

void ProxyCore::on_models_request(Peer& peer, std::uint64_t id, Now now) {
  wire::Models models;
  models.id = id;
  models.models = scheduler_.models(now);
  peer.link.connection.send(models);
}

}  // namespace cocoon::core
