/// WorkerCore: from the sealed body to the engine. Whatever goes wrong before the engine has
/// started is a refusal: the proxy may offer the request to the next candidate.

#include <fmt/format.h>

#include <algorithm>

#include "core/body_rules.h"
#include "core/worker_core.h"

namespace cocoon::core {
namespace {

constexpr Seconds kClockWarningInterval{60};

/// When a worker ends a run by itself. Before that the client does, or the proxy for it.
MonoTime end_of(MonoTime clients_deadline) {
  return clients_deadline + 2 * limits::kDeadlineGrace;
}

}  // namespace

WorkerCore::Run* WorkerCore::find_run(RunKey key) {
  const auto at = runs_.find(key);
  return at == runs_.end() ? nullptr : at->second.get();
}

WorkerCore::Run* WorkerCore::run_of(ProxyLink& proxy, StreamId stream) {
  const auto at = proxy.runs.find(stream);
  return at == proxy.runs.end() ? nullptr : find_run(at->second);
}

/// The most that the run can earn: this worker's share of the reservation. Errors: where the model
/// or the price that the header calls for is none that this worker takes, or its cap does not cover
/// the reservation.
Result<Nano> WorkerCore::most_earned(Run& run, Now now) {
  const session::RequestHeader& header = run.opener.header();
  COCOON_TRY(const billing::Registry* registry,
             registry_.priced(header.registry_version, now.unix));
  const billing::ModelEntry* model = registry->find_model(header.model);
  if (model == nullptr || registry_.current()->find_model(header.model) == nullptr) {
    return Error(ErrorKind::not_found, "model_not_found", "the registry does not list that model");
  }
  run.model = *model;
  run.prices = registry->prices;
  if (header.max_coefficient_e3 < options_.coefficient_e3) {
    return Error(ErrorKind::payment, "coefficient_too_low",
                 "the request pays less than this worker asks");
  }
  const std::uint64_t choices = header.choices;
  COCOON_TRY(const Nano most, billing::reservation(header.prompt_bound_tokens * choices,
                                                   header.max_output_tokens * choices,
                                                   options_.coefficient_e3, run.prices));
  COCOON_CHECK(billing::within_cap(most, header.cost_cap));
  return billing::worker_share(most, run.prices.worker_share_e4);
}

Result<std::unique_ptr<WorkerCore::Run>> WorkerCore::admit_request(ProxyLink& proxy,
                                                                   const wire::Open& open,
                                                                   Now now) {
  if (proxy.state != ProxyState::ready) {
    return Error(ErrorKind::unauthorized, "proxy_not_admitted",
                 "the ledger has not confirmed yet that this is the newest run of the proxy");
  }
  if (!engine_.takes() || draining_ || !registry_.fresh()) {
    return Error(ErrorKind::busy, "worker_not_ready", "this worker takes no requests now");
  }
  if (runs_.size() >= options_.capacity) {
    return Error(ErrorKind::busy, "worker_full", "this worker has as many requests as it takes");
  }
  if (open.wraps.size() != 1) {
    return Error(ErrorKind::protocol, "wrap_count", "a worker is given exactly its own wrap");
  }
  const session::OpenPolicy policy{identity_.network, proxy.account, options_.max_request_bytes};
  COCOON_TRY(auto opener, session::open_request(open.header, open.wraps[0], open.first_wrap, policy,
                                                keys_, replays_, now.unix));
  auto run = std::make_unique<Run>(std::move(opener));
  const session::RequestHeader& header = run->opener.header();
  const auto served = std::find(options_.models.begin(), options_.models.end(), header.model);
  Status status = ok();
  if (served == options_.models.end()) {
    status =
        Error(ErrorKind::not_found, "model_not_found", "this worker does not serve that model");
  }
  run->run_id = RunId{random_.array<16>()};
  if (status) {
    const auto most = most_earned(*run, now);
    status = most ? meter_of(proxy.account).reserve(run->run_id, *most) : most.error();
  }
  if (!status) {
    replays_.forget(run->opener.hash());
    return std::move(status).error();
  }
  return run;
}

/// Proxies hand on nothing that is over by their own clocks.
void WorkerCore::doubt_clock(const ProxyLink& proxy, Now now) {
  if (now.mono < doubt_clock_from_) return;
  doubt_clock_from_ = now.mono + kClockWarningInterval;
  report(LogLevel::warning,
         fmt::format("proxy {} handed over a request that is over by this machine's clock, and it "
                     "was refused: if this comes again, see that the clock is right (timedatectl)",
                     proxy.endpoint));
}

void WorkerCore::on_open(ProxyLink& proxy, const wire::Open& open, Now now) {
  auto admitted = admit_request(proxy, open, now);
  if (!admitted) {
    ++counts_.requests_refused;
    if (admitted.error().kind() == ErrorKind::timeout) doubt_clock(proxy, now);
    proxy.link->connection.reset(open.stream, admitted.error());
    return touch(proxy.peer);
  }
  proxy.failures.proved();
  std::unique_ptr<Run> run = std::move(*admitted);
  run->key = ++last_run_;
  engine_.given(run->key);
  run->peer = proxy.peer;
  run->stream = open.stream;
  run->proxy = proxy.account;
  const Millis left = std::min<Millis>(Millis(open.time_left_ms), limits::kRequestDeadline);
  run->deadline = now.mono + left;
  run->body_by = now.mono + limits::kBodyDeadline;
  arm(*run);
  proxy.runs[open.stream] = run->key;
  runs_[run->key] = std::move(run);
}

void WorkerCore::on_data(ProxyLink& proxy, const wire::Data& data, Now now) {
  Run* run = run_of(proxy, data.stream);
  proxy.link->connection.consumed(data.stream, data.payload.size());
  if (run == nullptr) return;
  run->body_by = now.mono + limits::kBodyDeadline;
  if (auto status = run->opener.add_chunk(data.payload); !status) {
    refuse_run(*run, status.error(), now);
  }
}

void WorkerCore::on_end(ProxyLink& proxy, StreamId stream, Now now) {
  Run* run = run_of(proxy, stream);
  if (run == nullptr || run->state != RunState::receiving) return;
  if (!run->opener.complete()) {
    return refuse_run(*run,
                      Error(ErrorKind::protocol, "body_truncated",
                            "the request's body ended before its final chunk"),
                      now);
  }
  const session::RequestHeader& header = run->opener.header();
  auto body = prepare_body(header, run->model, as_text(run->opener.body()));
  if (!body) return refuse_run(*run, body.error(), now);
  if (!engine_.answers_probe()) {
    return refuse_run(*run, Error(ErrorKind::busy, "worker_not_ready", "the engine has gone away"),
                      now);
  }
  run->streams = body->streams;
  run->usage = UsageCounter(header.endpoint, body->streams, body->prompt_text_bytes);
  run->sealer.emplace(run->opener.answer(run->run_id));
  run->state = RunState::starting;
  run->asked_at = now.mono;
  if (!run->streams) run->head_by = now.mono + limits::kProgressDeadline;
  run->body_hash = std::hash<std::string>()(body->text);
  ports::EngineRequest request;
  request.run = run->key;
  request.path = std::string(session::path_of(header.endpoint));
  request.body = std::move(body->text);
  request.streams = body->streams;
  request.time_left = std::chrono::duration_cast<Millis>(end_of(run->deadline) - now.mono);
  emit(StartEngine{std::move(request)});
}

void WorkerCore::on_reset(ProxyLink& proxy, const wire::Reset& reset, Now now) {
  Run* run = run_of(proxy, reset.stream);
  if (run == nullptr) return;
  proxy.runs.erase(reset.stream);
  queue_cut_receipt(*run, now);
  abandon(*run, now);
}

/// Before the engine has started: nothing was run, so the same bytes may come again.
void WorkerCore::refuse_run(Run& run, const Error& error, Now now) {
  ++counts_.requests_refused;
  replays_.forget(run.opener.hash());
  (void)meter_of(run.proxy).earn(run.run_id, Nano{0});
  if (ProxyLink* proxy = find_proxy(run.peer); proxy != nullptr && proxy->link) {
    proxy->link->connection.reset(run.stream, error);
    proxy->runs.erase(run.stream);
    touch(run.peer);
  }
  erase_run(run, now);
}

/// Nobody waits for the answer any more: the engine is told within this turn.
void WorkerCore::abandon(Run& run, Now now) {
  ++counts_.requests_cancelled;
  if (run.state == RunState::receiving) replays_.forget(run.opener.hash());
  if (run.state != RunState::receiving && !run.engine_ended) emit(CancelEngine{run.key});
  account_for_cut(run);
  erase_run(run, now);
}

/// What the proxy forwarded of it is paid by its next voucher. Nobody but the proxy knows how much
/// that was; one that pays for none of it is not served for long.
void WorkerCore::account_for_cut(Run& run) {
  const wire::UsageMark& mark = run.sent_mark;
  const auto cost = billing::cost({mark.prompt, mark.cached, mark.completion, mark.reasoning},
                                  options_.coefficient_e3, run.prices);
  const Nano share =
      cost ? billing::worker_share(*cost, run.prices.worker_share_e4) : Nano{UINT64_MAX};
  billing::WorkerMeter& meter = meter_of(run.proxy);
  (void)meter.cut(run.run_id, share);
  ProxyLink* proxy = find_proxy(run.peer);
  if (proxy != nullptr && proxy->link && !meter.accepts()) send_status(*proxy);
}

/// When a run is to be looked at next.
void WorkerCore::arm(Run& run) {
  const MonoTime end = end_of(run.deadline);
  run.due = std::min(end, run.state == RunState::receiving ? run.body_by : run.head_by);
  deadlines_.emplace(run.due, run.key);
}

void WorkerCore::end_overdue(Now now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now.mono) {
    const RunKey key = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    Run* run = find_run(key);
    if (run == nullptr) continue;
    if (end_of(run->deadline) <= now.mono) {
      fail_run(*run,
               Error(ErrorKind::timeout, "deadline_exceeded",
                     "the request's deadline passed before its answer was complete"),
               now);
    } else if (run->state == RunState::receiving && run->body_by <= now.mono) {
      refuse_run(*run,
                 Error(ErrorKind::timeout, "body_truncated",
                       fmt::format("no more of the request's body came for {} s",
                                   limits::kBodyDeadline.count())),
                 now);
    } else {
      if (run->head_by <= now.mono) assume_head(*run);
      arm(*run);
    }
  }
}

void WorkerCore::erase_run(Run& run, Now now) {
  if (engine_.run_ended(run.key, run.asked_at, now)) report(LogLevel::warning, engine_.reason());
  const auto [first, last] = deadlines_.equal_range(run.due);
  for (auto at = first; at != last; ++at) {
    if (at->second == run.key) {
      deadlines_.erase(at);
      break;
    }
  }
  runs_.erase(run.key);
}

}  // namespace cocoon::core
