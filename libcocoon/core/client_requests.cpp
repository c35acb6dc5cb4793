/// ClientCore: the life of a request. `waiting → offered → accepted → gone`. Until a worker has
/// accepted, a refused or lost attempt is tried again under a new id; afterwards never.

#include <fmt/format.h>

#include <algorithm>

#include "core/client_core.h"
#include "core/store_keys.h"
#include "core/usage_bounds.h"

namespace cocoon::core {
namespace {

constexpr auto kMinRetryAfterMs = static_cast<std::uint32_t>(limits::kMinRetryAfter.count());

/// A proxy's hint as callers are told it: no proxy sends them away for longer than an honest one.
std::uint32_t retry_after_s(std::uint32_t hint_ms) {
  const auto most = static_cast<std::uint32_t>(limits::kMaxRetryAfter.count());
  return (std::min(hint_ms, most) + 999) / 1000;
}

/// How much a refusal leaves to hope for: being busy ends by itself, and money can be sent.
int hope(const Error& refusal) {
  if (refusal.kind() == ErrorKind::busy) return 2;
  return refusal.kind() == ErrorKind::payment ? 1 : 0;
}

/// Where this client itself asks too much, asking again at once does not help.
bool asks_too_much(const Error& refusal) {
  return refusal.code() == "too_fast" || refusal.code() == "too_many_requests" ||
         refusal.code() == "too_many_streams";
}

/// Whether a refusal says that the channel with that proxy does not pay for the request, which the
/// next one may. What only a newer voucher is wanted for does not.
bool another_may_be_paid(const Error& refusal) {
  return refusal.kind() == ErrorKind::payment && refusal.code() != "not_authorised" &&
         refusal.code() != "unacknowledged";
}

}  // namespace

Result<ClientRequestId> ClientCore::submit(const InferenceRequest& request, Now now) {
  if (draining_) {
    return Error(ErrorKind::unavailable, "draining", "this client is shutting down");
  }
  COCOON_CHECK(registry_.fresh());
  COCOON_CHECK(check_terms(request));
  COCOON_TRY(RequestPlan plan, plan_request(request.endpoint, request.body, *registry_.current(),
                                            cache_salt_, options_.max_request_bytes));
  if (!request.model.empty() && request.model != plan.model) {
    return Error(ErrorKind::invalid_argument, "model_mismatch",
                 "the request and its body name different models");
  }
  auto made = std::make_unique<Request>();
  made->id = ++last_request_;
  made->plan = std::move(plan);
  made->preference = request.preference;
  made->max_cost =
      request.max_cost_nano == 0 ? options_.max_request_cost : Nano{request.max_cost_nano};
  made->started = now.mono;
  made->deadline = now.mono + std::min<Millis>(request.deadline, limits::kRequestDeadline);
  made->progress_by = now.mono + limits::kFirstByteDeadline;
  made->due = due_of(*made);
  const ClientRequestId id = made->id;
  due_.emplace(made->due, id);
  requests_.emplace(id, std::move(made));
  advance_ = true;
  return id;
}

void ClientCore::advance_waiting(Now now) {
  std::vector<ClientRequestId> waiting;
  for (const auto& [id, request] : requests_) {
    if (request->state == RequestState::waiting) waiting.push_back(id);
  }
  for (const ClientRequestId id : waiting) {
    const auto at = requests_.find(id);
    if (at != requests_.end()) advance(*at->second, now);
  }
  forget_empty_sets();
}

void ClientCore::advance(Request& request, Now now) {
  if (const Status fresh = registry_.fresh(); !fresh) {
    return finish(request, fresh.error(), Nano{0}, 0);
  }
  ProxyLink* proxy = best_proxy(request.without_worker);
  if (proxy == nullptr && request.shortage) {
    if (request.shortage->kind() != ErrorKind::busy && any_is_on_its_way(now)) return;
    if (now.mono < moving_until_ && request.shortage->code() == "no_worker") {
      request.without_worker.clear();  // it is asked again when more may be known
      return request.shortage.reset();
    }
    return finish(request, *request.shortage, Nano{0}, request.shortage_wait_s);
  }
  if (proxy == nullptr) {
    const auto hopeless = no_proxy(now);
    if (!hopeless) return;
    const bool payment = hopeless->kind() == ErrorKind::payment;
    return finish(request, *hopeless, Nano{0}, payment ? 0 : limits::kRetryAfterNoProxy.count());
  }
  const std::uint32_t highest = highest_coefficient(request, *proxy, now);
  auto& nobody = request.nobody_within_price;
  if (nobody && nobody->peer != proxy->peer) nobody.reset();
  if (highest == 0) nobody = {proxy->peer, 0};
  SetKey key = set_key(request, highest);
  CandidateSet* set = usable_set(*proxy, key, now);
  if (set == nullptr) return;
  std::vector<Worker> workers = within(*set, highest);
  if (!workers.empty()) {
    request.set = std::move(key);
    return attempt(request, *proxy, std::move(workers), now);
  }
  const bool at_any_price = key.max_coefficient_e3 == limits::kMaxCoefficientE3;
  if (!at_any_price && !set->problem) {
    nobody = {proxy->peer, set->retry_after_ms};
  } else {
    const Error why = shortage_of(request, *proxy, *set, now);
    pass_over(request, *proxy, why, wait_of(request, *set, why));
  }
  advance(request, now);
}

/// Why the set's workers, the cheapest that are free, do not get the request.
Error ClientCore::too_dear(const Request& request, const ProxyLink& proxy, const CandidateSet& set,
                           Now now) const {
  std::uint32_t least = limits::kMaxCoefficientE3;
  for (const Worker& worker : set.workers) least = std::min(least, worker.coefficient_e3);
  const std::string cheapest =
      fmt::format("the cheapest free worker of \"{}\" asks {}/1000 of the registry's price",
                  request.plan.model, least);
  if (least > options_.max_coefficient_e3) {
    return Error(ErrorKind::payment, "cap_too_low",
                 fmt::format("{}, and this client pays at most {}/1000: raise max_coefficient_e3, "
                             "or try again later",
                             cheapest, options_.max_coefficient_e3));
  }
  const std::uint64_t choices = request.plan.choices;
  const auto reserved = billing::reservation(request.plan.prompt_bound_tokens * choices,
                                             request.plan.max_output_tokens * choices, least,
                                             registry_for(proxy, now).prices);
  if (!reserved) return reserved.error();
  Status fits = billing::within_cap(*reserved, request.max_cost);
  return std::move(fits).error().within(cheapest);
}

/// What a proxy lacks whose set has nobody for the request.
Error ClientCore::shortage_of(const Request& request, const ProxyLink& proxy,
                              const CandidateSet& set, Now now) const {
  const std::string& model = request.plan.model;
  const Error busy(ErrorKind::busy, "no_worker_free",
                   fmt::format("no worker of \"{}\" can take a request now", model));
  const auto& nobody = request.nobody_within_price;
  if (nobody && nobody->retry_after_ms > 0) return busy;  // whatever the dearer ones are
  if (set.problem) return *set.problem;
  if (!set.workers.empty()) return too_dear(request, proxy, set, now);
  if (set.retry_after_ms > 0) return busy;
  // It knows no time, as it knows no worker.
  return Error(ErrorKind::unavailable, "no_worker",
               fmt::format("no worker serves \"{}\" now: try again later, or take another of the "
                           "models that are listed",
                           model));
}

/// After how many seconds the proxy may have a worker; 0: waiting does not help.
std::uint32_t ClientCore::wait_of(const Request& request, const CandidateSet& set,
                                  const Error& why) {
  const auto& nobody = request.nobody_within_price;
  const std::uint32_t ms =
      nobody && nobody->retry_after_ms > 0 ? nobody->retry_after_ms : set.retry_after_ms;
  if (ms == 0 && why.kind() != ErrorKind::payment) return limits::kRetryAfterNoProxy.count();
  return retry_after_s(ms);
}

/// That proxy cannot serve the request: one that has just been restarted has no worker for it, and
/// the deposit with another is used up. The next one may. Where none can, the caller hears of the
/// refusal that leaves most to hope for.
void ClientCore::pass_over(Request& request, const ProxyLink& proxy, const Error& why,
                           std::uint32_t wait_s) {
  request.without_worker.push_back(proxy.peer);
  const int before = request.shortage ? hope(*request.shortage) : -1;
  if (hope(why) < before) return;
  if (hope(why) == before) {  // the word of the first, the wait of the shortest
    request.shortage_wait_s = std::min(request.shortage_wait_s, wait_s);
    return;
  }
  request.shortage = why;
  request.shortage_wait_s = wait_s;
}

/// The one by whose prices a request to that proxy is made. Everybody reads the ledger in a time of
/// his own: while the proxy and its workers may not have read ours, the one before is used, if it
/// is still honoured by those whose clocks are ahead.
const billing::Registry& ClientCore::registry_for(const ProxyLink& proxy, Now now) const {
  const billing::Registry* former =
      now.mono < proxy.behind_until ? registry_.former(now.unix + limits::kClockSkew) : nullptr;
  return former != nullptr ? *former : *registry_.current();
}

/// The proxy has not read the registry of the request's prices: it gets the one before, or where
/// that is not honoured any more, the next proxy may know ours.
void ClientCore::step_back(Request& request, ProxyLink& proxy, const Error& why, Now now) {
  proxy.behind_until = now.mono + limits::kTonRegistryPoll;
  if (registry_for(proxy, now).version != request.registry_version) return;
  pass_over(request, proxy, why, limits::kTonRegistryPoll.count());
}

Result<session::RequestHeader> ClientCore::make_header(Request& request, const ProxyLink& proxy,
                                                       Now now) {
  const billing::Registry& registry = registry_for(proxy, now);
  session::RequestHeader header;
  header.network = identity_.network;
  header.proxy = proxy.account;
  header.endpoint = request.plan.endpoint;
  header.model = request.plan.model;
  header.max_output_tokens = request.plan.max_output_tokens;
  header.prompt_bound_tokens = request.plan.prompt_bound_tokens;
  header.choices = request.plan.choices;
  header.registry_version = registry.version;
  for (const Worker& worker : request.candidates) {
    header.max_coefficient_e3 = std::max(header.max_coefficient_e3, worker.coefficient_e3);
  }
  const std::uint64_t choices = header.choices;
  COCOON_TRY(header.cost_cap, billing::reservation(header.prompt_bound_tokens * choices,
                                                   header.max_output_tokens * choices,
                                                   header.max_coefficient_e3, registry.prices));
  COCOON_CHECK(billing::within_cap(header.cost_cap, request.max_cost));
  const auto left = std::chrono::duration_cast<Seconds>(request.deadline - now.mono);
  header.not_after = std::chrono::time_point_cast<Seconds>(now.unix) +
                     std::clamp<Seconds>(left, Seconds(1), limits::kSealedFor);
  return header;
}

/// Seals the request for the workers and sends it.
void ClientCore::attempt(Request& request, ProxyLink& proxy, std::vector<Worker> workers, Now now) {
  request.nobody_within_price.reset();
  request.candidates = std::move(workers);
  auto header = make_header(request, proxy, now);
  if (!header) return finish(request, header.error(), Nano{0}, 0);
  request.cap = header->cost_cap;
  request.registry_version = header->registry_version;
  request.sealed_at = now.unix;
  std::vector<session::Recipient> recipients;
  for (const Worker& worker : request.candidates) recipients.push_back(worker.recipient);
  auto sealed = session::seal_request(std::move(*header), recipients, as_bytes(request.plan.body),
                                      *proxy.exporters, random_, now);
  if (!sealed) return finish(request, sealed.error(), Nano{0}, 0);
  if (auto status = authorise(proxy, sealed->hash(), request.cap, now); !status) {
    const bool busy = status.error().kind() == ErrorKind::busy;
    pass_over(request, proxy, status.error(), busy ? retry_after_s(kMinRetryAfterMs) : 0);
    return advance(request, now);
  }
  const auto left = std::chrono::duration_cast<Millis>(request.deadline - now.mono);
  auto stream = proxy.link->connection.open(
      sealed->header(), sealed->wraps(), 0,
      static_cast<std::uint32_t>(std::max<Millis::rep>(1, left.count())));
  if (!stream) {
    (void)settle(*proxy.channel, sealed->hash(), Nano{0}, billing::Proof::receipt);
    pass_over(request, proxy, stream.error(), retry_after_s(kMinRetryAfterMs));
    return advance(request, now);
  }
  ++request.attempts;
  request.state = RequestState::offered;
  request.peer = proxy.peer;
  request.stream = *stream;
  request.sealed.emplace(std::move(*sealed));
  request.sent_chunks = 0;
  request.end_sent = false;
  request.answer.reset();
  request.mark = {};
  request.cost_told = false;
  proxy.streams[*stream] = request.id;
  send_body(request);
}

void ClientCore::send_body(Request& request) {
  ProxyLink* proxy = find_proxy(request.peer);
  if (proxy == nullptr || !request.sealed) return;
  session::Connection& connection = proxy->link->connection;
  while (request.sent_chunks < request.sealed->chunk_count()) {
    if (!connection.send_data(request.stream, request.sealed->chunk(request.sent_chunks))) break;
    ++request.sent_chunks;
  }
  if (!request.end_sent && request.sent_chunks == request.sealed->chunk_count()) {
    wire::End end;
    end.stream = request.stream;
    connection.send_end(end);
    request.end_sent = true;
  }
  touch(request.peer);
}

ClientCore::Request* ClientCore::request_of(ProxyLink& proxy, StreamId stream) {
  const auto at = proxy.streams.find(stream);
  if (at == proxy.streams.end()) return nullptr;
  const auto request = requests_.find(at->second);
  return request == requests_.end() ? nullptr : request->second.get();
}

// --- The answer ---

void ClientCore::on_accepted(ProxyLink& proxy, const wire::Accepted& accepted, Now now) {
  Request* request = request_of(proxy, accepted.stream);
  if (request == nullptr || request->state != RequestState::offered) return;
  if (accepted.candidate >= request->candidates.size()) {
    return break_off(*request,
                     Error(ErrorKind::protocol, "wrong_candidate",
                           "the proxy named a worker that the request was not sealed for"),
                     now);
  }
  if (accepted.prompt_tokens > usage_bounds(request->plan, 0).prompt_tokens) {
    return break_off(*request,
                     Error(ErrorKind::protocol, "prompt_over_bound",
                           "the proxy counts more prompt tokens than the request can have"),
                     now);
  }
  request->state = RequestState::accepted;
  request->candidate = accepted.candidate;
  request->answer.emplace(request->sealed->answer(accepted.candidate));
  const auto refusal = request->candidates[accepted.candidate].refusal;
  if (refusal) break_off(*request, *refusal, now);
}

void ClientCore::on_data(ProxyLink& proxy, const wire::Data& data, Now now) {
  Request* request = request_of(proxy, data.stream);
  if (request == nullptr) {
    proxy.link->connection.consumed(data.stream, data.payload.size());
    return;
  }
  if (!request->answer) {
    return break_off(*request,
                     Error(ErrorKind::protocol, "answer_before_acceptance",
                           "an answer came before any worker had accepted the request"),
                     now);
  }
  request->progress_by = now.mono + limits::kProgressDeadline;
  auto part = request->answer->open(data.payload);
  if (!part) {
    return break_off(*request,
                     Error(ErrorKind::upstream, "bad_answer",
                           "the answer was altered on its way: " + part.error().detail()),
                     now);
  }
  // After the chunk has opened: a mark counts for no more than the answer that came with it.
  const bool begins = request->answer_bytes == 0 && !part->body.empty();
  request->answer_bytes += part->body.size();
  if (begins) arm(*request);  // from here on it has to go on
  if (data.mark) request->mark = *data.mark;
  if (request->paused) {
    request->unconsumed += data.payload.size();
    // Other requests share the connection's window, and its own one bounds what waits here.
    proxy.link->connection.buffered(data.stream, data.payload.size());
  } else {
    proxy.link->connection.consumed(data.stream, data.payload.size());
  }
  take_part(*request, *part);
}

void ClientCore::take_part(Request& request, const session::AnswerPart& part) {
  if (part.head) {
    request.answer_status = part.head->status;
    events_.push_back(
        HeadReceived{request.id, part.head->status, std::string(part.head->content_type)});
  }
  if (!part.body.empty()) events_.push_back(ChunkReceived{request.id, to_bytes(part.body)});
  if (part.error) request.engine_error = *part.error;
  if (!part.receipt.empty()) {
    if (auto receipt = billing::SignedReceipt::decode(part.receipt)) {
      request.receipt = std::move(*receipt);
    }
  }
}

void ClientCore::on_end(ProxyLink& proxy, const wire::End& end, Now now) {
  Request* request = request_of(proxy, end.stream);
  if (request == nullptr)
    return settle_crossed(proxy, end.stream, {{}, end.cost, end.receipt, end.charged_total}, now);
  proxy.streams.erase(end.stream);
  request->cost_told = true;
  if (!request->end_sent) {  // else our direction would stay open for good
    proxy.link->connection.reset(end.stream,
                                 Error(ErrorKind::cancelled, "cancelled",
                                       "the request ended before its body had been sent"));
  }
  Status status = ok();
  if (!request->answer) {
    status = Error(ErrorKind::protocol, "answer_missing", "the request ended without an answer");
  } else {
    status = request->answer->check_complete();
  }
  auto cost = check_receipt_of(*request);
  if (!cost) request->receipt.reset();  // nor does anybody hear of its counts
  // No more than the receipt says, or than came, whatever the proxy asks.
  const Nano charged = std::min(end.cost, cost ? *cost : cost_of_mark(*request));
  const auto proof = cost ? billing::Proof::receipt : billing::Proof::none;
  if (auto settled = settle(*proxy.channel, request->sealed->hash(), charged, proof); !settled) {
    report(LogLevel::error, "a charge was refused: " + settled.error().detail());
  }
  voucher_due_.push_back(proxy.peer);
  if (status && !cost) status = cost.error();
  if (status && *cost != end.cost) {
    status = Error(ErrorKind::payment, "charge_mismatch",
                   fmt::format("the proxy charged {} nanoton where the worker's receipt says {}",
                               end.cost.value, cost->value));
  }
  if (status && request->engine_error) status = *request->engine_error;
  request->stream = 0;
  finish(*request, std::move(status), charged, 0);
}

// --- Endings ---

void ClientCore::on_reset(ProxyLink& proxy, const wire::Reset& reset, Now now) {
  Request* request = request_of(proxy, reset.stream);
  if (request == nullptr)
    return settle_crossed(proxy, reset.stream, {{}, reset.cost, {}, reset.charged_total}, now);
  if (request->deadline <= now.mono) {  // our own cut was due: the two cross
    break_off(*request,
              Error(ErrorKind::timeout, "deadline_exceeded", "the request's deadline passed"), now);
    return on_reset(proxy, reset, now);
  }
  const Nano cost = settle_reset(proxy, *request, reset, now);
  proxy.streams.erase(reset.stream);
  request->stream = 0;
  request->cost_told = true;
  if (request->state == RequestState::accepted) {
    return finish(*request, error_from(reset), cost, 0);
  }
  const auto at = proxy.sets.find(request->set);
  // The set did not help; fresh candidates came just before this, or are asked for.
  if (at != proxy.sets.end() && at->second.state == SetState::ready &&
      at->second.since < now.mono) {
    at->second.state = SetState::none;
  }
  const Error error = error_from(reset);
  if (error.code() == "registry_version_unknown" && error.kind() == ErrorKind::unavailable) {
    step_back(*request, proxy, error, now);
  }
  if (another_may_be_paid(error)) {
    reread_channel(proxy, now);  // the proxy may know of it what was not read here
    pass_over(*request, proxy, error, 0);
  }
  // Its fresh candidates were busy, too. The next proxy may have idle workers.
  const bool busy = error.kind() == ErrorKind::busy && request->attempts > 1;
  if (busy && !asks_too_much(error) && has_another(*request, proxy)) {
    pass_over(*request, proxy, error, retry_after_s(reset.retry_after_ms));
  }
  retry_or_fail(*request, error, reset.retry_after_ms, now);
}

/// Whether there is a proxy that this request has not been to yet.
bool ClientCore::has_another(const Request& request, const ProxyLink& proxy) {
  std::vector<PeerId> tried = request.without_worker;
  tried.push_back(proxy.peer);
  return best_proxy(tried) != nullptr;
}

/// Not charged so far. Another attempt, where that can help.
void ClientCore::retry_or_fail(Request& request, const Error& error, std::uint32_t retry_after_ms,
                               Now now) {
  const bool helps = (error.kind() == ErrorKind::busy && !asks_too_much(error)) ||
                     error.kind() == ErrorKind::unavailable ||
                     error.kind() == ErrorKind::upstream || error.kind() == ErrorKind::io ||
                     error.kind() == ErrorKind::payment;  // a newer voucher, or another proxy
  if (!helps || request.attempts >= limits::kMaxAttempts) {
    return finish(request, error, Nano{0}, retry_after_s(retry_after_ms));
  }
  forget_stream(request);
  if (awaits_plain_answer(request)) request.progress_by = now.mono + limits::kFirstByteDeadline;
  request.state = RequestState::waiting;
  arm(request);
  request.sealed.reset();
  request.answer.reset();
  advance_ = true;
}

/// The connection is gone, and what the attempt cost is being settled.
void ClientCore::lose_attempt(Request& request, const Error& why, Now now) {
  request.stream = 0;
  request.peer = 0;
  if (request.state == RequestState::accepted) request.cost_unknown = true;
  if (request.answer_status != 0) {  // its caller has had some of the answer
    return finish(request,
                  Error(ErrorKind::upstream, "proxy_lost",
                        "the connection to the proxy was lost during the answer: " + why.detail()),
                  Nano{0}, 0);
  }
  retry_or_fail(request,
                Error(ErrorKind::unavailable, "proxy_lost",
                      "the connection to the proxy was lost: " + why.detail()),
                1000, now);
}

/// We end it: the caller cancelled or stopped us, a deadline passed, or the network misbehaved.
void ClientCore::break_off(Request& request, const Error& error, Now) {
  if (ProxyLink* proxy = find_proxy(request.peer); proxy != nullptr && request.stream != 0) {
    const bool by_caller = error.kind() == ErrorKind::cancelled || ended_;
    leave_cut(request, by_caller ? CutBy::caller : CutBy::network);
    proxy->link->connection.reset(request.stream, error);
    touch(request.peer);
  }
  const bool by_us =
      error.kind() == ErrorKind::cancelled || error.kind() == ErrorKind::timeout || ended_;
  finish(request, error, by_us ? cost_of_mark(request) : Nano{0}, 0);
}

void ClientCore::cancel(ClientRequestId id, Now now) {
  const auto at = requests_.find(id);
  if (at == requests_.end()) return;
  break_off(*at->second, Error(ErrorKind::cancelled, "cancelled", "the caller cancelled"), now);
}

void ClientCore::end_all(Now now) {
  ended_ = true;
  const Error why(ErrorKind::unavailable, "draining",
                  "the client was stopped before the answer was complete");
  while (!requests_.empty()) break_off(*requests_.begin()->second, why, now);
}

void ClientCore::forget_stream(Request& request) {
  if (ProxyLink* proxy = find_proxy(request.peer); proxy != nullptr && request.stream != 0) {
    proxy->streams.erase(request.stream);
  }
  request.stream = 0;
  request.peer = 0;
}

/// Who answered well is wished for again. Who did not is forgotten, and so are the candidates it
/// stood among: the proxy may now know better.
void ClientCore::remember_worker(const Request& request, const Status& status) {
  ProxyLink* proxy = find_proxy(request.peer);
  if (proxy == nullptr || request.state != RequestState::accepted) return;
  const AccountId& worker = request.candidates[request.candidate].account;
  const auto wish = std::make_pair(request.set.model, request.set.preference);
  const bool broke = request.receipt && request.receipt->receipt.outcome != billing::Outcome::done;
  if (status && !broke) {  // one that answers with errors is quick, too
    if (request.answer_status < 400) proxy->last_workers[wish] = worker;
    return;
  }
  if (!status && status.error().kind() == ErrorKind::cancelled) return;  // by the caller
  const auto last = proxy->last_workers.find(wish);
  if (last != proxy->last_workers.end() && last->second == worker) proxy->last_workers.erase(last);
  const auto set = proxy->sets.find(request.set);
  if (set != proxy->sets.end() && set->second.state == SetState::ready) {
    set->second.state = SetState::none;
  }
}

void ClientCore::finish(Request& request, Status status, Nano cost, std::uint32_t retry_after_s) {
  RequestOutcome outcome;
  outcome.status = std::move(status);
  outcome.retry_after_s = retry_after_s;
  // Where nobody has said what it cost, that may be anything up to its cap.
  const bool unknown =
      request.cost_unknown || (request.state == RequestState::accepted && !request.cost_told);
  outcome.charged = cost.value > 0 || unknown;
  if (request.receipt || request.state == RequestState::accepted) {
    const billing::TokenCounts tokens =
        request.receipt ? request.receipt->receipt.tokens : marked(request);
    outcome.usage.prompt_tokens = tokens.prompt;
    outcome.usage.cached_tokens = tokens.cached;
    outcome.usage.completion_tokens = tokens.completion;
    outcome.usage.reasoning_tokens = tokens.reasoning;
  }
  outcome.usage.cost_nano = cost.value;
  if (request.state == RequestState::accepted) {
    outcome.worker = to_hex(request.candidates[request.candidate].account.bytes);
  }
  remember_worker(request, outcome.status);
  forget_stream(request);
  const ClientRequestId id = request.id;
  events_.push_back(RequestDone{id, std::move(outcome)});
  due_.erase({request.due, id});
  requests_.erase(id);
}

}  // namespace cocoon::core
