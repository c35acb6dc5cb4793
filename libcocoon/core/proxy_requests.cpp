/// ProxyCore: the life of a request. `receiving → queued → assigned → accepted → gone`. Until a
/// worker has accepted, a request may be offered to the next candidate; afterwards never.

#include <fmt/format.h>

#include <algorithm>

#include "core/proxy_core.h"
#include "core/store_keys.h"
#include "core/usage_bounds.h"
#include "routing/candidates.h"
#include "session/size_classes.h"

namespace cocoon::core {
namespace {

constexpr auto kRegistryPollMs =
    static_cast<std::uint32_t>(Millis(limits::kTonRegistryPoll).count());

/// A sealed body's length on the wire.
std::uint64_t sealed_bytes(const session::RequestHeader& header) {
  const std::uint64_t padded = header.padded_body_length;
  const std::uint64_t chunks =
      (padded + session::kMaxChunkPlaintext - 1) / session::kMaxChunkPlaintext;
  return crypto::kStreamHeaderBytes + padded + chunks * crypto::kStreamChunkOverhead;
}

/// The length of the chunk that follows the first `chunks`; 0 where these are the whole body.
std::uint64_t next_chunk_bytes(const session::RequestHeader& header, std::uint64_t chunks) {
  const std::uint64_t before = chunks * session::kMaxChunkPlaintext;
  if (before >= header.padded_body_length) return 0;
  return std::min<std::uint64_t>(header.padded_body_length - before, session::kMaxChunkPlaintext) +
         crypto::kStreamChunkOverhead + (chunks == 0 ? crypto::kStreamHeaderBytes : 0);
}

/// What bodies of one channel may take up here: as much as of those that wait.
constexpr std::size_t kMostOfChannel = limits::kMaxQueuedPerChannel * limits::kMaxHeldBodyBytes;

}  // namespace

// --- Admission ---

Result<session::RequestHeader> ProxyCore::admit_request(const Peer& peer, const wire::Open& open,
                                                        Now now) {
  COCOON_TRY(session::RequestHeader header, session::decode_request_header(open.header));
  if (header.network != identity_.network) {
    return Error(ErrorKind::protocol, "wrong_network", "the request is for another network");
  }
  if (header.proxy != identity_.account.account_id()) {
    return Error(ErrorKind::protocol, "wrong_proxy", "the request is for another proxy");
  }
  if (open.first_wrap != 0 || open.wraps.size() != header.candidates.size()) {
    return Error(ErrorKind::protocol, "wrap_count",
                 "a request carries one wrap for each of its candidates");
  }
  if (now.unix > header.not_after + limits::kClockSkew) {
    return Error(ErrorKind::timeout, "request_expired", "the request's not_after has passed");
  }
  if (open.time_left_ms == 0) {
    return Error(ErrorKind::timeout, "deadline_exceeded", "the request came with no time left");
  }
  if (header.not_after > now.unix + limits::kMaxNotAfter + limits::kClockSkew) {
    return Error(ErrorKind::protocol, "not_after_too_far",
                 "the request's not_after lies further ahead than is allowed");
  }
  COCOON_CHECK(registry_.fresh());
  COCOON_TRY(const billing::Registry* priced, registry_.priced(header.registry_version, now.unix));
  if (priced->find_model(header.model) == nullptr) {
    return Error(ErrorKind::not_found, "model_not_found",
                 fmt::format("the network serves no model \"{}\"", header.model));
  }
  if (options_.admit) {
    COCOON_CHECK(options_.admit(peer.account, peer.channel->id, header.model));
  }
  return header;
}

void ProxyCore::refuse(Peer& peer, StreamId stream, const Error& error,
                       std::uint32_t retry_after_ms) {
  ++counts_.requests_refused;
  peer.link.connection.reset(stream, error, retry_after_ms, {}, peer.channel->meter.charged());
  touch(peer.link.peer);
}

void ProxyCore::on_open(Peer& peer, const wire::Open& open, Now now) {
  if (peer.role != wire::Role::client) {
    return fail_peer(
        peer, Error(ErrorKind::protocol, "unexpected_open", "a worker opens no streams"), now);
  }
  auto header = admit_request(peer, open, now);
  if (!header) {
    const bool later = header.error().code() == "registry_version_unknown";  // read again by then
    return refuse(peer, open.stream, header.error(), later ? kRegistryPollMs : 0);
  }
  // By channel: a second connection is no second client.
  if (peer.channel->running >= options_.max_requests_per_client) {
    return refuse(peer, open.stream,
                  Error(ErrorKind::busy, "too_many_requests",
                        "this client has as many requests running as it may"),
                  scheduler_.retry_after_ms(header->model, now));
  }
  const Millis pause = peer.channel->begins.take(options_.max_request_rate_per_client, now.mono);
  if (pause > Millis(0)) {
    return refuse(peer, open.stream,
                  Error(ErrorKind::busy, "too_fast",
                        fmt::format("this client begins more than {} requests a second",
                                    options_.max_request_rate_per_client)),
                  static_cast<std::uint32_t>(pause.count()));
  }

  auto made = std::make_unique<Request>();
  Request& request = *made;
  request.id = ++last_request_;
  request.client = peer.link.peer;
  request.client_stream = open.stream;
  request.header = std::move(*header);
  request.header_bytes = to_bytes(open.header);
  request.hash = session::request_hash(open.header);
  for (const ByteView wrap : open.wraps) request.wraps.push_back(to_bytes(wrap));
  request.channel = peer.channel;
  request.admitted = now.unix;
  const Millis left = std::min<Millis>(Millis(open.time_left_ms), limits::kRequestDeadline);
  request.deadline = now.mono + left;
  request.body_by = now.mono + limits::kBodyDeadline;
  request.wait_until = std::min(request.deadline, now.mono + limits::kMaxQueueWait);
  if (auto status = peer.channel->meter.reserve(request.hash, request.header.cost_cap); !status) {
    reread_refusing(*peer.channel, status.error(), now);
    return refuse(peer, open.stream, status.error(), 0);
  }
  ++peer.channel->running;
  peer.requests[open.stream] = request.id;
  arm(request);
  requests_[request.id] = std::move(made);
  // A body that can be held, and comes within the stream's credit, takes no worker before it is
  // whole: one that never ends would keep it for nothing.
  if (sealed_bytes(request.header) > limits::kMaxHeldBodyBytes) assign(request, now);
}

// --- Choosing a worker ---

void ProxyCore::assign(Request& request, Now now) {
  request.state = RequestState::queued;
  if (now.mono >= request.deadline) return expire_request(request, now);
  while (request.next_candidate < request.header.candidates.size()) {
    if (offer(request, request.next_candidate++, now)) return;
  }
  if (request.refusal) return fail_request(request, *request.refusal, 0, now);
  if (!wait(request, now)) refuse_busy(request, now);
}

/// The worker that a request names as its candidate, where it is here, serves the model, is not too
/// dear and has not given the request up.
std::optional<routing::WorkerIndex> ProxyCore::candidate_of(const Request& request,
                                                            std::size_t candidate) {
  if (request.gave_up.test(candidate)) return std::nullopt;
  const auto index = scheduler_.directory().find(request.header.candidates[candidate]);
  const auto* entry = index ? scheduler_.directory().find(*index) : nullptr;
  if (entry == nullptr) return std::nullopt;
  const auto& models = entry->record.models;
  if (std::find(models.begin(), models.end(), request.header.model) == models.end()) {
    return std::nullopt;
  }
  if (entry->record.coefficient_e3 > request.header.max_coefficient_e3) return std::nullopt;
  const Peer* worker = find_peer(entry->identity.peer);
  if (worker == nullptr || worker->state != PeerState::ready) return std::nullopt;
  return index;
}

bool ProxyCore::offer(Request& request, std::size_t candidate, Now now) {
  const auto index = candidate_of(request, candidate);
  return index && scheduler_.start(*index, now) && give(request, candidate, *index, now);
}

/// Gives the request to a worker of which it has a slot.
bool ProxyCore::give(Request& request, std::size_t candidate, routing::WorkerIndex index, Now now) {
  const auto* entry = scheduler_.directory().find(index);
  Peer* worker = find_peer(entry->identity.peer);
  request.worker_account = entry->identity.account;
  request.worker_boot_key = entry->identity.boot_key;
  request.worker_evidence = entry->identity.evidence;
  request.coefficient_e3 = entry->record.coefficient_e3;
  request.worker_index = index;
  request.assigned_at = now.mono;
  request.body_by = now.mono + limits::kBodyDeadline;
  request.first_byte_at = {};
  const auto left = std::chrono::duration_cast<Millis>(request.deadline - now.mono);
  auto stream = worker->link.connection.open(
      request.header_bytes, {request.wraps[candidate]}, static_cast<std::uint8_t>(candidate),
      static_cast<std::uint32_t>(std::max<Millis::rep>(left.count(), 1)));
  if (!stream) {
    scheduler_.finish(index, request.worker_account, request.header.model,
                      observe(request, routing::Outcome::refused, now), now);
    return false;
  }
  request.state = RequestState::assigned;
  request.worker = worker->link.peer;
  request.worker_stream = *stream;
  request.sent_chunks = 0;
  request.end_sent = false;
  worker->requests[*stream] = request.id;
  send_body(request, now);
  touch(worker->link.peer);
  return true;
}

/// Errors: those of Scheduler::wait(); busy/no_candidate_free where it is too large to be held.
Status ProxyCore::wait(Request& request, Now now) {
  routing::FairQueue::Waiting waiting;
  waiting.body_bytes = request.header.padded_body_length;
  if (waiting.body_bytes > limits::kMaxHeldBodyBytes || !request.held) {
    return Error(ErrorKind::busy, "no_candidate_free", "the request is too large to wait here");
  }
  waiting.request = request.id;
  waiting.client = request.channel->id;
  waiting.model = request.header.model;
  waiting.until = request.wait_until;
  if (const Peer* client = find_peer(request.client)) {
    waiting.price_cap = price_cap(*client, waiting.model);
  }
  for (std::size_t i = 0; i < request.header.candidates.size(); ++i) {
    const auto index = candidate_of(request, i);
    if (index) waiting.workers.push_back(*index);
  }
  if (options_.weight) {
    waiting.weight = options_.weight(request.channel->client, request.channel->id);
  }
  return scheduler_.wait(std::move(waiting), now);
}

/// Those whose turn it is begin; those that have waited in vain are refused.
void ProxyCore::serve_waiting(Now now) {
  std::vector<RequestId> again;
  while (const auto turn = scheduler_.next_turn(now)) {
    Request& request = *requests_.at(turn->request);
    const std::size_t candidates = request.header.candidates.size();
    std::size_t candidate = 0;
    while (candidate < candidates && candidate_of(request, candidate) != turn->worker) ++candidate;
    request.next_candidate = candidate + 1;
    if (candidate == candidates) {  // it has become too dear, or is on its way out
      scheduler_.finish(turn->worker, scheduler_.directory().find(turn->worker)->identity.account,
                        request.header.model, {routing::Outcome::cancelled, {}, 0, {}, {}}, now);
      again.push_back(request.id);
    } else if (!give(request, candidate, turn->worker, now)) {
      again.push_back(request.id);
    }
  }
  for (const RequestId id : scheduler_.take_unserved(now)) again.push_back(id);
  for (const RequestId id : again) {
    const auto at = requests_.find(id);
    if (at != requests_.end()) refuse_busy(*at->second, now);
  }
}

void ProxyCore::refuse_busy(Request& request, Now now) {
  Peer* client = find_peer(request.client);
  if (client == nullptr) return erase_request(request);
  // Fresh candidates in the same round trip, by a seed that the client knows already; it seals
  // anew.
  wire::CandidatesRequest ask;
  ask.model = request.header.model;
  ask.seed = routing::refusal_seed(request.hash);
  ask.count = limits::kDefaultCandidates;
  ask.max_coefficient_e3 = price_cap(*client, request.header.model);
  wire::Candidates fresh = scheduler_.candidates_beside_refusal(ask, now);
  fresh.id = 0;
  client->link.connection.send(fresh);
  const std::uint32_t wait = scheduler_.retry_after_ms(request.header.model, now);
  fail_request(request,
               Error(ErrorKind::busy, "no_candidate_free",
                     "none of the request's candidates can take it now"),
               wait, now);
}

// --- The body, towards the worker ---

ProxyCore::Request* ProxyCore::request_of(Peer& peer, StreamId stream) {
  const auto at = peer.requests.find(stream);
  if (at == peer.requests.end()) return nullptr;
  const auto request = requests_.find(at->second);
  return request == requests_.end() ? nullptr : request->second.get();
}

void ProxyCore::on_data(Peer& peer, const wire::Data& data, Now now) {
  Request* request = request_of(peer, data.stream);
  if (request == nullptr) {
    peer.link.connection.consumed(data.stream, data.payload.size());
    return;
  }
  if (request->client == peer.link.peer) {
    on_body_chunk(*request, data, now);
  } else {
    on_answer_chunk(*request, data, now);
  }
}

void ProxyCore::on_body_chunk(Request& request, const wire::Data& data, Now now) {
  if (data.payload.size() != next_chunk_bytes(request.header, request.body_chunks)) {
    return fail_request(request,
                        Error(ErrorKind::protocol, "bad_body_chunk",
                              "a chunk of the request's body is not as long as its header calls "
                              "for"),
                        0, now);
  }
  Peer* client = find_peer(request.client);
  request.body.push_back(to_bytes(data.payload));
  ++request.body_chunks;
  request.body_bytes += data.payload.size();
  request.body_by = now.mono + limits::kBodyDeadline;
  held_bytes_ += data.payload.size();
  request.channel->held_bytes += data.payload.size();
  // A channel may hold as much as is left for the others, so that a few cannot take all of it.
  const std::size_t left =
      limits::kMaxQueuedBodyBytes - std::min(held_bytes_, limits::kMaxQueuedBodyBytes);
  if (request.channel->held_bytes > std::min(kMostOfChannel, left)) {
    return refuse_busy(request, now);
  }
  // What may be held does not keep other streams of the connection waiting.
  if (request.body_bytes <= limits::kMaxHeldBodyBytes) {
    client->link.connection.buffered(data.stream, data.payload.size());
  } else {
    request.held = false;
  }
  send_body(request, now);
}

void ProxyCore::on_body_end(Request& request, Now now) {
  if (next_chunk_bytes(request.header, request.body_chunks) != 0) {
    return fail_request(request,
                        Error(ErrorKind::protocol, "body_truncated",
                              "the request's body ended before it was as long as its header says"),
                        0, now);
  }
  request.body_complete = true;
  if (request.state == RequestState::receiving) {
    request.wait_until = std::min(request.deadline, now.mono + limits::kMaxQueueWait);
    return assign(request, now);
  }
  send_body(request, now);
}

/// Forgets the first `chunks` of what is held of a body.
void ProxyCore::drop_body(Request& request, std::size_t chunks) {
  for (; chunks > 0; --chunks) {
    const std::size_t size = request.body.front().size();
    held_bytes_ -= size;
    request.channel->held_bytes -= size;
    request.body.pop_front();
  }
}

void ProxyCore::send_body(Request& request, Now now) {
  if (request.state == RequestState::receiving || request.state == RequestState::queued) return;
  Peer* worker = find_peer(request.worker);
  Peer* client = find_peer(request.client);
  if (worker == nullptr || client == nullptr) return;
  while (request.sent_chunks < request.body.size()) {
    if (!worker->link.connection.send_data(request.worker_stream,
                                           request.body[request.sent_chunks])) {
      break;
    }
    const std::size_t size = request.body[request.sent_chunks].size();
    client->link.connection.consumed(request.client_stream, size);
    ++request.sent_chunks;
    if (!request.held) {  // too large to be given to another worker: keep nothing
      drop_body(request, std::exchange(request.sent_chunks, 0));
    }
  }
  if (request.body_complete && !request.end_sent && request.sent_chunks == request.body.size()) {
    wire::End end;
    end.stream = request.worker_stream;
    worker->link.connection.send_end(end);
    request.end_sent = true;
    request.body_sent_at = now.mono;
  }
  touch(worker->link.peer);
  touch(client->link.peer);
}

// --- The answer, towards the client ---

void ProxyCore::on_accepted(Peer& peer, const wire::Accepted& accepted, Now now) {
  Request* request = request_of(peer, accepted.stream);
  if (request == nullptr || request->state != RequestState::assigned) return;
  if (!request->end_sent) {  // nor may it end a stream that the client still sends on
    return worker_gave_up(*request,
                          Error(ErrorKind::upstream, "frame_unexpected",
                                "the worker accepted a request before it had all of its body"),
                          now);
  }
  request->state = RequestState::accepted;
  request->mark.prompt =
      std::min(accepted.prompt_tokens, usage_bounds(request->header, 0).prompt_tokens);
  request->held = false;
  request->sent_chunks = 0;
  drop_body(*request, request->body.size());
  if (Peer* client = find_peer(request->client)) {
    client->link.connection.send_accepted(request->client_stream,
                                          static_cast<std::uint8_t>(request->next_candidate - 1),
                                          request->mark.prompt);
    touch(request->client);
  }
}

void ProxyCore::on_answer_chunk(Request& request, const wire::Data& data, Now now) {
  if (request.first_byte_at == MonoTime{}) request.first_byte_at = now.mono;
  Peer* client = find_peer(request.client);
  Peer* worker = find_peer(request.worker);
  if (client == nullptr || worker == nullptr) return;
  if (data.mark) {
    if (!billing::grows(counts_of(request.last_queued_mark), counts_of(*data.mark))) {
      const Error error(ErrorKind::upstream, "usage_shrank",
                        "the worker's usage marks went backwards");
      return worker_gave_up(request, error, now);
    }
    request.last_queued_mark = *data.mark;
  }
  if (request.answer.empty() &&
      client->link.connection.send_data(request.client_stream, data.payload, data.mark)) {
    request.answer_bytes += data.payload.size();
    if (data.mark) request.mark = *data.mark;
    worker->link.connection.consumed(data.stream, data.payload.size());
  } else {
    // The stream's credit bounds what can wait here.
    worker->link.connection.buffered(data.stream, data.payload.size());
    request.answer.push_back({to_bytes(data.payload), data.mark});
  }
  touch(request.client);
  touch(request.worker);
}

void ProxyCore::send_answer(Request& request, Now now) {
  Peer* client = find_peer(request.client);
  if (client == nullptr) return;
  Peer* worker = find_peer(request.worker);
  while (!request.answer.empty()) {
    auto& chunk = request.answer.front();
    if (!client->link.connection.send_data(request.client_stream, chunk.payload, chunk.mark)) {
      break;
    }
    request.answer_bytes += chunk.payload.size();
    if (chunk.mark) request.mark = *chunk.mark;
    if (worker != nullptr) {
      worker->link.connection.consumed(request.worker_stream, chunk.payload.size());
      touch(request.worker);
    }
    request.answer.pop_front();
  }
  touch(request.client);
  if (request.answer.empty() && request.receipt) complete(request, now);
}

void ProxyCore::on_writable(Peer& peer, StreamId stream, Now now) {
  Request* request = request_of(peer, stream);
  if (request == nullptr) return;
  if (request->client == peer.link.peer) {
    send_answer(*request, now);
  } else {
    send_body(*request, now);
  }
}

void ProxyCore::on_end(Peer& peer, const wire::End& end, Now now) {
  Request* request = request_of(peer, end.stream);
  if (request == nullptr) {  // it crossed our reset: the receipt of a run that was cut at its end
    auto receipt = billing::SignedReceipt::decode(end.receipt);
    if (receipt) on_cut_receipt(peer.account, receipt->receipt.request, end.receipt);
    return;
  }
  if (request->client == peer.link.peer) {
    return on_body_end(*request, now);
  }
  peer.requests.erase(end.stream);
  request->receipt = to_bytes(end.receipt);
  request->worker_stream = 0;
  send_answer(*request, now);
}

}  // namespace cocoon::core
