/// WorkerCore: from the engine to the sealed answer, its usage marks and its receipt.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/store_keys.h"
#include "core/usage_bounds.h"
#include "core/worker_core.h"

namespace cocoon::core {
namespace {

/// The head of an answer for which the engine takes long.
constexpr std::uint16_t kAssumedStatus = 200;
constexpr std::string_view kAssumedType = "application/json";

/// Engines have it for faults of their own and for bodies that they cannot take: llama.cpp for
/// every exception of a chat template.
constexpr int kInternalError = 500;
/// So many bodies in a row may have brought that about by themselves.
constexpr std::uint32_t kBodiesAtFault = 2;

/// The failure that an engine's status is, if it is one. No caller's body brings these about, but
/// for kInternalError: the engine has a fault, or too much to do.
std::optional<Error> failure_of(int status) {
  constexpr int kTooManyRequests = 429;
  constexpr int kNotImplemented = 501;  // as llama.cpp says of embeddings by a chat model
  constexpr std::array kRefusals = {401, 403, 407, 408, 409, 425};
  if (status == kTooManyRequests) {
    return Error(ErrorKind::busy, "worker_full",
                 "the worker's engine has as many requests as it takes (status 429)");
  }
  const bool refuses = std::find(kRefusals.begin(), kRefusals.end(), status) != kRefusals.end();
  if ((status >= 200 && status < 500 && !refuses) || status == kNotImplemented) return std::nullopt;
  return Error(ErrorKind::upstream, "engine_failed",
               fmt::format("the worker's engine answered with status {}", status));
}

}  // namespace

// --- The engine's side ---

void WorkerCore::on_engine_started(RunKey key, Now now) {
  Run* run = find_run(key);
  if (run == nullptr || run->state != RunState::starting) return;
  run->state = RunState::running;
  if (ProxyLink* proxy = find_proxy(run->peer); proxy != nullptr && proxy->link) {
    run->sent_mark = {.prompt = mark_of(*run).prompt};
    proxy->link->connection.send_accepted(run->stream, run->opener.candidate(),
                                          run->sent_mark.prompt);
    touch(run->peer);
  }
  // An engine may take a body only when it has a slot for it: the head is due already then.
  if (!run->streams && run->asked_at + limits::kProgressDeadline <= now.mono) assume_head(*run);
}

void WorkerCore::on_engine_head(RunKey key, int status, std::string_view content_type, Now now) {
  Run* run = find_run(key);
  if (run == nullptr) return;
  run->status = status;
  if (status >= 300) hear(now);
  on_engine_started(key, now);
  const auto failure = failure_of(status);
  const int former = std::exchange(engine_failure_, failure ? status : 0);
  if (failure && former != status) report(LogLevel::warning, failure->detail());  // once in a row
  const bool is_bodys = is_bodys_fault(*run);
  if (failure && !is_bodys) return fail_run(*run, *failure, now);
  run->content_type = content_type;
  if (run->head_assumed && status >= 400) {
    run->refusal = Error(ErrorKind::invalid_argument, "engine_failed",
                         fmt::format("the worker's engine refused the request, with status {}, "
                                     "after it had been silent for long",
                                     status));
  }
  touch_run(*run);
}

/// Whether the engine's status may be its answer to this one body, which the caller then gets to
/// see as it is. Callers try again with the same body: that shows nothing new.
bool WorkerCore::is_bodys_fault(const Run& run) {
  if (run.status < 300) failed_bodies_ = 0;
  if (run.status != kInternalError) return false;
  if (failed_bodies_ == 0 || run.body_hash != failed_body_) ++failed_bodies_;
  failed_body_ = run.body_hash;
  return failed_bodies_ <= kBodiesAtFault;
}

void WorkerCore::on_engine_bytes(RunKey key, ByteView bytes, Now now) {
  Run* run = find_run(key);
  if (run == nullptr || run->status == 0) return;
  hear(now);
  run->usage.add(bytes);
  if (run->usage.output_tokens() > bounds_of(*run).output_tokens) {
    const Error error(ErrorKind::upstream, "engine_over_limit",
                      "the worker's engine went on past the request's token limit");
    report(LogLevel::warning, error.detail() + ", and was cut: see that it heeds `max_tokens`");
    return fail_run(*run, error, now);
  }
  if (run->refusal) return;
  append(run->pending, bytes);
  if (!withholds(*run) && run->pending.size() - run->pending_at > limits::kMaxPendingAnswerBytes) {
    set_paused(*run, true);
  }
  touch_run(*run);
}

void WorkerCore::on_engine_end(RunKey key, const Status& status, Now now) {
  Run* run = find_run(key);
  if (run == nullptr) return;
  run->engine_ended = true;
  if (!status) {
    const bool never_ran = run->state == RunState::starting;
    return never_ran ? refuse_run(*run, status.error(), now) : fail_run(*run, status.error(), now);
  }
  if (run->status == 0) {
    return fail_run(
        *run,
        Error(ErrorKind::upstream, "engine_silent", "the worker's engine ended without an answer"),
        now);
  }
  run->usage.finish();
  if (auto whole = check_whole(*run); !whole) {
    report(LogLevel::warning, whole.error().detail());
    return fail_run(*run, whole.error(), now);
  }
  touch_run(*run);
}

/// Whether the body is kept back: that of an answer that is no stream, until all of it is there and
/// the engine has said in it what it costs. Who hung up in the middle would have the rest for less.
bool WorkerCore::withholds(const Run& run) {
  return !run.streams && run.status < 300 && !run.engine_ended && !run.usage.whole_is_cut();
}

/// Whether the engine has given the answer that its status says: what it has not is not charged.
/// (The error that a stream has brought is told to the caller by that itself.)
Status WorkerCore::check_whole(const Run& run) {
  if (run.status >= 300) return ok();
  if (!run.streams && run.usage.failed()) {
    return Error(ErrorKind::upstream, "engine_bad_answer",
                 fmt::format("the worker's engine answered with status {}, but with an error, or "
                             "with what is no JSON object",
                             run.status));
  }
  if (run.streams && !run.usage.failed() && !run.usage.ended()) {
    return Error(ErrorKind::upstream, "engine_broke_off",
                 "the worker's engine ended its answer without the event that ends it");
  }
  return ok();
}

void WorkerCore::set_paused(Run& run, bool paused) {
  if (run.paused == paused || run.engine_ended) return;
  run.paused = paused;
  emit(PauseEngine{run.key, paused});
}

// --- Towards the client ---

void WorkerCore::touch_run(Run& run) {
  if (std::exchange(run.touched, true)) return;
  touched_runs_.push_back(run.key);
}

billing::UsageBounds WorkerCore::bounds_of(const Run& run) const {
  return usage_bounds(run.opener.header(), run.body_bytes);
}

/// What a run costs if it ends now: usage marks and the receipt of a cut say the same. A head of
/// this worker's own is no word of its engine's, which may hang.
billing::TokenCounts WorkerCore::usage_so_far(const Run& run) const {
  if (run.status >= 400 || (run.head_assumed && run.status == 0)) return {};
  return billing::clamp(run.usage.running(), bounds_of(run));
}

wire::UsageMark WorkerCore::mark_of(const Run& run) const {
  const billing::TokenCounts counts = usage_so_far(run);
  return {counts.prompt, counts.cached, counts.completion, counts.reasoning};
}

/// Of an answer that is no stream an engine says nothing before it has all of it. The proxy, which
/// cannot tell a stream from others, is shown in time that this worker is at it: by a head.
void WorkerCore::assume_head(Run& run) {
  run.head_by = kNever;
  if (run.state != RunState::running || run.status != 0) return;
  run.head_assumed = true;
  touch_run(run);
}

/// Seals the next chunk of the answer into run.sealed. False: there is nothing to seal now.
bool WorkerCore::seal_next(Run& run) {
  session::AnswerSealer& sealer = *run.sealer;
  if (!run.head_sealed) {
    session::AnswerHead head{static_cast<std::uint16_t>(run.status), run.content_type};
    if (run.head_assumed) head = {kAssumedStatus, kAssumedType};
    if (!sealer.add_head(head)) {
      (void)sealer.add_head({static_cast<std::uint16_t>(run.status), "application/json"});
    }
    run.head_sealed = true;
  }
  while (run.pending_at < run.pending.size() && !withholds(run)) {
    const std::size_t taken = sealer.add_body(ByteView(run.pending).subspan(run.pending_at));
    run.pending_at += taken;
    run.body_bytes += taken;
    if (taken == 0 || run.pending_at < run.pending.size()) break;  // the chunk is full
  }
  if (run.pending_at == run.pending.size()) {
    run.pending.clear();
    run.pending_at = 0;
    if (run.receipt && run.refusal) (void)sealer.add_error(*std::exchange(run.refusal, {}));
    if (run.receipt && !sealer.add_receipt(run.receipt->encode())) {
      sealer.flush(run.sealed);  // no room beside the rest: it goes alone
      return true;
    }
  }
  if (!sealer.has_pending()) return false;
  sealer.flush(run.sealed);
  return true;
}

void WorkerCore::send_answer(Run& run, Now now) {
  ProxyLink* proxy = find_proxy(run.peer);
  if (proxy == nullptr || !proxy->link || !run.sealer) return;
  if (run.status == 0 && !run.head_assumed) return;
  session::Connection& connection = proxy->link->connection;
  while (true) {
    if (!run.sealed.empty()) {
      const wire::UsageMark mark = mark_of(run);
      if (!connection.send_data(run.stream, run.sealed, mark)) break;
      run.sent_mark = mark;
      run.answered = true;
      run.sealed.clear();
      continue;
    }
    if (run.sealer->finished()) return finish_run(run, now);
    // The receipt belongs into the last chunk: while it is being signed, keep what is left.
    if (!seal_next(run)) break;
  }
  touch(run.peer);
  if (run.paused && run.pending.size() - run.pending_at <= limits::kMaxPendingAnswerBytes / 2) {
    set_paused(run, false);
  }
  const bool all_sealed = run.pending.empty() && run.sealed.empty();
  if (run.engine_ended && all_sealed && !run.receipt_queued) queue_receipt(run, now);
}

billing::Receipt WorkerCore::make_receipt(Run& run, billing::Outcome outcome,
                                          const billing::TokenCounts& tokens, Now now) {
  const session::RequestHeader& header = run.opener.header();
  billing::Receipt receipt;
  receipt.network = identity_.network;
  receipt.request = run.opener.hash();
  receipt.run = run.run_id;
  receipt.proxy = run.proxy;
  receipt.worker = identity_.account.account_id();
  receipt.outcome = outcome;
  if (run.status < 400) receipt.tokens = billing::clamp(tokens, bounds_of(run));
  receipt.registry_version = header.registry_version;
  receipt.coefficient_e3 = options_.coefficient_e3;
  if (auto cost = billing::cost(receipt.tokens, options_.coefficient_e3, run.prices)) {
    receipt.cost = *cost;
  }
  const ProxyLink* proxy = find_proxy(run.peer);
  receipt.evidence = EvidenceDigest{proxy->link->identity.own_leaf_sha256};
  receipt.time = now.unix;
  const session::Commitments& commitments = run.sealer->commitments();
  receipt.request_commitment = commitments.request;
  receipt.answer_commitment = commitments.answer;
  return receipt;
}

void WorkerCore::queue_receipt(Run& run, Now now) {
  run.state = RunState::closing;
  run.receipt_queued = true;
  // An error by which a stream begins may be for its body, as a status would say of it.
  const bool refused = run.streams && run.usage.refused();
  if (refused) {
    batch_.add(make_receipt(run, billing::Outcome::done, {}, now));
  } else if (run.status < 300 && run.usage.failed()) {
    report(LogLevel::warning, "the worker's engine ended a stream with an error");
    batch_.add(make_receipt(run, billing::Outcome::failed, {}, now));
  } else {
    batch_.add(make_receipt(run, billing::Outcome::done, run.usage.final(), now));
  }
  batch_entries_.push_back({.run = run.key});
}

/// The stream of a run is reset before its end. What the proxy charges for it, if it had accepted
/// it, needs this worker's word: its receipt goes by itself.
void WorkerCore::queue_cut_receipt(Run& run, Now now) {
  if (run.state != RunState::running && run.state != RunState::closing) return;
  batch_.add(make_receipt(run, billing::Outcome::cancelled, usage_so_far(run), now));
  batch_entries_.push_back({.cut_by = run.peer});
}

void WorkerCore::end_turn(Now now) {
  begin_batch();
  send_answers(now);
  if (engine_.take_changed()) send_status_to_all();
  tell_others_load();
}

void WorkerCore::send_answers(Now now) {
  for (const RunKey key : std::exchange(touched_runs_, {})) {
    Run* run = find_run(key);
    if (run == nullptr) continue;
    run->touched = false;
    send_answer(*run, now);
  }
  if (batch_.empty()) return;
  // One signature for all answers that ended in this turn.
  std::vector<billing::SignedReceipt> receipts = batch_.finish(identity_.boot);
  const std::vector<BatchEntry> entries = std::exchange(batch_entries_, {});
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].cut_by != 0) {
      ProxyLink* proxy = find_proxy(entries[i].cut_by);
      if (proxy == nullptr || !proxy->link) continue;
      const Bytes receipt = receipts[i].encode();
      proxy->link->connection.send(
          wire::Settlement{.request = receipts[i].receipt.request, .receipt = receipt});
      touch(proxy->peer);
      continue;
    }
    Run* run = find_run(entries[i].run);
    if (run == nullptr) continue;  // cancelled since
    run->receipt = std::move(receipts[i]);
    send_answer(*run, now);
  }
}

/// The sealed receipt is out: tell the proxy the same.
void WorkerCore::finish_run(Run& run, Now now) {
  ProxyLink* proxy = find_proxy(run.peer);
  const Bytes receipt = run.receipt->encode();
  wire::End end;
  end.stream = run.stream;
  end.receipt = receipt;
  proxy->link->connection.send_end(end);
  proxy->runs.erase(run.stream);
  touch(run.peer);
  const Nano share = billing::worker_share(run.receipt->receipt.cost, run.prices.worker_share_e4);
  (void)meter_of(run.proxy).earn(run.run_id, share);
  counts_.earned = saturating_add(counts_.earned, share);
  ++counts_.requests_done;
  dirty_ = true;
  const bool solvent = meter_of(run.proxy).accepts();
  erase_run(run, now);
  if (!solvent) send_status(*proxy);
}

/// After the engine has started: the client is told, and nothing is charged, unless it was the
/// client's time that ran out, or it has had about all that it may: the proxy then charges as for a
/// cut.
void WorkerCore::fail_run(Run& run, const Error& error, Now now) {
  const bool overdue = error.kind() == ErrorKind::timeout && run.deadline <= now.mono;
  const bool full = error.code() == "engine_over_limit" && run.answered &&
                    neared_limit(run.opener.header(), run.sent_mark);
  const bool cut = overdue || full;
  ++(cut ? counts_.requests_cancelled : counts_.requests_failed);
  if (run.state != RunState::receiving && !run.engine_ended) emit(CancelEngine{run.key});
  if (ProxyLink* proxy = find_proxy(run.peer); proxy != nullptr && proxy->link) {
    if (cut) queue_cut_receipt(run, now);
    proxy->link->connection.reset(run.stream, error);
    proxy->runs.erase(run.stream);
    touch(run.peer);
  }
  if (cut) {
    account_for_cut(run);
  } else {
    (void)meter_of(run.proxy).earn(run.run_id, Nano{0});
  }
  erase_run(run, now);
}

}  // namespace cocoon::core
