/// ClientCore: how long a request may make no progress, which proxy is asked, and those that hang.
/// One that is silent while something waits on it is asked for a sign of life long before its
/// connection counts as dead, and is the last choice until it gives one.

#include <fmt/format.h>

#include <algorithm>

#include "core/client_core.h"

namespace cocoon::core {
namespace {

/// So long nothing may come from a proxy of which something is awaited, before it is pinged.
constexpr Seconds kQuiet{2};
/// So long it may take to answer: no line that is of use takes longer, only one that has stopped.
constexpr Seconds kPongWithin{3};

}  // namespace

/// The first that is ready; a silent one only where there is no other.
ClientCore::ProxyLink* ClientCore::best_proxy(const std::vector<PeerId>& except) {
  ProxyLink* silent = nullptr;
  for (ProxyLink& proxy : proxies_) {
    if (proxy.state != ProxyState::ready || proxy.going_away) continue;
    if (std::find(except.begin(), except.end(), proxy.peer) != except.end()) continue;
    if (!proxy.silent) return &proxy;
    if (silent == nullptr) silent = &proxy;
  }
  return silent;
}

/// Whether a word of that proxy's is awaited: on a request, or on who could take one.
bool ClientCore::is_awaited(const ProxyLink& proxy) {
  return !proxy.streams.empty() ||
         std::any_of(proxy.sets.begin(), proxy.sets.end(),
                     [](const auto& entry) { return entry.second.state == SetState::asked; });
}

void ClientCore::check_liveness(Now now) {
  for (ProxyLink& proxy : proxies_) {
    if (!proxy.link) continue;
    session::Connection& connection = proxy.link->connection;
    if (connection.next_deadline() <= now.mono) {
      connection.on_time(now.mono);
      drain_events(proxy.peer, now);
      continue;
    }
    if (proxy.state != ProxyState::ready) continue;
    if (is_awaited(proxy) && connection.heard_at() + kQuiet <= now.mono) {
      connection.ping(now.mono);
      touch(proxy.peer);
    }
    const MonoTime asked_at = connection.pinged_at();
    const bool silent = asked_at != kNever && asked_at + kPongWithin <= now.mono;
    if (!silent || std::exchange(proxy.silent, true)) continue;
    report(LogLevel::warning,
           fmt::format("proxy {} does not answer: others are asked first", proxy.endpoint));
    advance_ = true;  // who waits for its word may have another's
  }
}

/// Whether a worker has accepted it and nothing of its answer can come yet: of one that is no
/// stream an engine sends nothing before it has all of it.
bool ClientCore::awaits_plain_answer(const Request& request) {
  return request.state == RequestState::accepted && !request.plan.streams &&
         request.answer_bytes == 0;
}

/// When to look at it. A caller that takes nothing holds the network up by itself.
MonoTime ClientCore::due_of(const Request& request) {
  return request.paused || awaits_plain_answer(request)
             ? request.deadline
             : std::min(request.deadline, request.progress_by);
}

void ClientCore::arm(Request& request) {
  due_.erase({request.due, request.id});
  request.due = due_of(request);
  due_.emplace(request.due, request.id);
}

void ClientCore::pause(ClientRequestId id, bool paused, Now now) {
  const auto at = requests_.find(id);
  if (at == requests_.end()) return;
  Request& request = *at->second;
  if (request.paused && !paused) {
    request.progress_by = std::max(request.progress_by, now.mono + limits::kProgressDeadline);
  }
  request.paused = paused;
  arm(request);
  if (paused || request.unconsumed == 0) return;
  if (ProxyLink* proxy = find_proxy(request.peer); proxy != nullptr && proxy->link) {
    proxy->link->connection.consumed(request.stream, std::exchange(request.unconsumed, 0));
    touch(request.peer);
  }
}

}  // namespace cocoon::core
