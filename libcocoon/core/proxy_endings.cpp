/// ProxyCore: how requests end: for the client, for the account between the two, and for what is
/// said of the worker.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "core/proxy_core.h"
#include "core/store_keys.h"
#include "core/usage_bounds.h"

namespace cocoon::core {
namespace {

Error overdue() {
  return Error(ErrorKind::timeout, "deadline_exceeded",
               "the request's deadline passed before its answer was complete");
}

Error body_stalled() {
  return Error(
      ErrorKind::timeout, "body_truncated",
      fmt::format("no more of the request's body came for {} s", limits::kBodyDeadline.count()));
}

/// Codes by which an honest worker says that it takes nothing now, whatever the kind: it is about
/// to leave, has not read its ledger for long or the newest registry yet, or waits to be paid by
/// this proxy.
bool takes_nothing_now(const Error& error) {
  constexpr std::array<std::string_view, 4> kCodes{"going_away", "registry_too_old",
                                                   "registry_version_unknown", "max_unpaid"};
  return error.kind() == ErrorKind::busy ||
         std::find(kCodes.begin(), kCodes.end(), error.code()) != kCodes.end();
}

}  // namespace

/// Whether no honest worker, whose clock is right, can find the request too late.
bool ProxyCore::has_time(const Request& request, Now now) {
  return request.end_sent && now.mono + limits::kDeadlineGrace < request.deadline &&
         now.unix + limits::kClockSkew < request.header.not_after;
}

void ProxyCore::on_reset(Peer& peer, const wire::Reset& reset, Now now) {
  Request* request = request_of(peer, reset.stream);
  if (request == nullptr) return;
  peer.requests.erase(reset.stream);
  if (request->client == peer.link.peer) return cancel_request(*request, now);
  request->worker_stream = 0;
  worker_gave_up(*request, error_from(reset), now);
}

// --- What is said of the worker ---

/// Whether the present worker has had the whole request for longer than an honest worker's engine
/// may take to its first byte, and has said nothing. The client's patience is no measure of that.
bool ProxyCore::is_silent(const Request& request, Now now) const {
  constexpr auto kLongest = limits::kEngineFirstByteDeadline + limits::kDeadlineGrace;
  return request.worker != 0 && request.end_sent && request.first_byte_at == MonoTime{} &&
         now.mono - request.body_sent_at >= kLongest;
}

/// What is said of a worker that gave a request up. Before its engine ran, the fault may be one
/// that the client brought about on purpose (a header that pays too little, a wrap that does not
/// open, no time): that must cost the worker nothing. But where there is time left by this proxy's
/// clock, it is the worker's that is wrong, and it rests as one that is busy does.
routing::Outcome ProxyCore::outcome_of(const Request& request, const Error& error, Now now) const {
  using routing::Outcome;
  if (request.state == RequestState::accepted || is_silent(request, now)) return Outcome::failed;
  if (takes_nothing_now(error)) return Outcome::refused;
  switch (error.kind()) {
    case ErrorKind::upstream:
    case ErrorKind::io:
    case ErrorKind::internal: return Outcome::failed;
    case ErrorKind::unavailable:  // unless the client's candidates are old
      return error.code() == "unknown_sealing_key" ? Outcome::cancelled : Outcome::failed;
    case ErrorKind::timeout: return has_time(request, now) ? Outcome::refused : Outcome::cancelled;
    default: return Outcome::cancelled;
  }
}

void ProxyCore::worker_gave_up(Request& request, const Error& error, Now now) {
  const bool offered = request.state == RequestState::assigned;
  const bool overdue = error.kind() == ErrorKind::timeout && now.mono >= request.deadline;
  if (overdue && !offered) return expire_request(request, now);
  // An engine that does not stop by itself: the client has had what it has paid for. A worker that
  // says so before much of the answer has come has failed like any other.
  if (error.code() == "engine_over_limit" && request.first_byte_at != MonoTime{} &&
      neared_limit(request.header, request.last_queued_mark)) {
    return cut_short(request, error, now);
  }
  const routing::Outcome outcome = outcome_of(request, error, now);
  leave_worker(request, outcome, now);
  if (offered && request.held) {
    // To wait for it again would keep it, idle, from everybody else.
    if (outcome != routing::Outcome::refused) request.gave_up.set(request.next_candidate - 1);
    // The next one is asked, too: a worker that finds fault with every request must not be able to
    // turn clients away. Where all say so, the client is told.
    const bool request_at_fault = error.kind() == ErrorKind::invalid_argument ||
                                  error.kind() == ErrorKind::too_large ||
                                  error.code() == "over_max_unpaid";
    if (request_at_fault) request.refusal = error;
    return assign(request, now);
  }
  fail_request(request, error, 0, now);
}

routing::Observation ProxyCore::observe(const Request& request, routing::Outcome outcome,
                                        Now now) const {
  const auto ms = [](auto d) { return std::chrono::duration_cast<Millis>(d); };
  routing::Observation o;
  o.outcome = outcome;
  o.elapsed = ms(now.mono - request.assigned_at);
  if (request.first_byte_at != MonoTime{}) {
    o.first_token = ms(request.first_byte_at - request.assigned_at);
    o.streaming = ms(now.mono - request.first_byte_at);
  }
  o.tokens = request.mark.completion + request.mark.reasoning;
  return o;
}

/// Ends what the present worker has to do with the request; its stream is reset if it still runs.
void ProxyCore::leave_worker(Request& request, routing::Outcome outcome, Now now) {
  if (request.worker == 0) return;
  if (Peer* worker = find_peer(request.worker)) {
    if (request.worker_stream != 0) {
      worker->requests.erase(request.worker_stream);
      worker->link.connection.reset(
          request.worker_stream,
          Error(ErrorKind::cancelled, "cancelled", "the request is no longer wanted"));
      touch(request.worker);
    }
    if (worker->going_away) note_leaving(worker->account);
  }
  const routing::BreakerChange change =
      scheduler_.finish(request.worker_index, request.worker_account, request.header.model,
                        observe(request, outcome, now), now);
  note_breaker(request.worker_account, change);
  request.worker = 0;
  request.worker_stream = 0;
}

/// Says once that a worker fails, and once that it no longer does.
void ProxyCore::note_breaker(const AccountId& worker, routing::BreakerChange change) {
  using routing::BreakerChange;
  if (change == BreakerChange::opened || change == BreakerChange::reopened) ++counts_.worker_pauses;
  if (change == BreakerChange::opened) {
    report(
        LogLevel::warning,
        fmt::format("worker {} failed several requests in a row: it gets none but one at a time, "
                    "after pauses, until one is served; its own log and metrics say why",
                    short_hex(worker.bytes)));
  } else if (change == BreakerChange::closed) {
    report(LogLevel::info, fmt::format("worker {} serves again", short_hex(worker.bytes)));
  }
}

// --- What the client is told, and charged ---

/// Ends a request without an answer, and without a charge.
void ProxyCore::fail_request(Request& request, const Error& error, std::uint32_t retry_after_ms,
                             Now now) {
  leave_worker(request,
               is_silent(request, now) ? routing::Outcome::failed : routing::Outcome::cancelled,
               now);
  ++(error.kind() == ErrorKind::busy ? counts_.requests_refused : counts_.requests_failed);
  (void)charge(request, Nano{0}, {});
  reset_client(request, error, retry_after_ms, Nano{0});
  erase_request(request);
}

void ProxyCore::reset_client(Request& request, const Error& error, std::uint32_t retry_after_ms,
                             Nano charged) {
  Peer* client = find_peer(request.client);
  if (client == nullptr) return;
  client->requests.erase(request.client_stream);
  client->link.connection.reset(request.client_stream, error, retry_after_ms, charged,
                                request.channel->meter.charged());
  touch(request.client);
}

/// Stops a request's worker and charges what was forwarded of its answer; nothing where it has long
/// been silent. @return the charge; the request is yet to be erased
Nano ProxyCore::cut(Request& request, Now now) {
  ++counts_.requests_cancelled;
  const bool silent = is_silent(request, now);
  const bool ran = request.state == RequestState::accepted && !silent;
  const Nano cost = ran ? cost_of_mark(request) : Nano{0};
  const AccountId worker = request.worker_account;
  leave_worker(request, silent ? routing::Outcome::failed : routing::Outcome::cancelled, now);
  const Nano charged = charge(
      request, cost,
      {request.mark.prompt, request.mark.cached, request.mark.completion, request.mark.reasoning});
  owe(request, worker, charged);
  leave_cut(request, charged, now);
  return charged;
}

/// The client gave it up, or is gone.
void ProxyCore::cancel_request(Request& request, Now now) {
  (void)cut(request, now);
  erase_request(request);
}

/// The client's time is over, and it has not said so itself: the deadline is of its choosing, so
/// this costs what its own cut would have.
void ProxyCore::expire_request(Request& request, Now now) {
  if (request.state != RequestState::accepted) return fail_request(request, overdue(), 0, now);
  cut_short(request, overdue(), now);
}

/// Ends a request through nobody's failure: it costs what the client's own cut would have.
void ProxyCore::cut_short(Request& request, const Error& why, Now now) {
  const Nano charged = cut(request, now);
  reset_client(request, why, 0, charged);
  erase_request(request);
}

/// When a request is to be looked at next.
void ProxyCore::arm(Request& request) {
  const MonoTime end = request.deadline + limits::kDeadlineGrace;
  request.due = request.body_complete ? end : std::min(end, request.body_by);
  deadlines_.emplace(request.due, request.id);
}

void ProxyCore::end_overdue(Now now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now.mono) {
    const RequestId id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    const auto at = requests_.find(id);
    if (at == requests_.end()) continue;
    Request& request = *at->second;
    // While it waits for a worker, the rest of its body may wait for credit.
    if (request.state == RequestState::queued) request.body_by = now.mono + limits::kBodyDeadline;
    if (request.deadline + limits::kDeadlineGrace <= now.mono) {
      expire_request(request, now);
    } else if (!request.body_complete && request.body_by <= now.mono) {
      fail_request(request, body_stalled(), 0, now);
    } else {
      arm(request);
    }
  }
}

void ProxyCore::erase_request(Request& request) {
  if (request.state == RequestState::queued) scheduler_.give_up(request.id);
  if (request.channel != nullptr && request.channel->running > 0) --request.channel->running;
  const auto [first, last] = deadlines_.equal_range(request.due);
  for (auto at = first; at != last; ++at) {
    if (at->second == request.id) {
      deadlines_.erase(at);
      break;
    }
  }
  drop_body(request, request.body.size());
  requests_.erase(request.id);
}

}  // namespace cocoon::core
