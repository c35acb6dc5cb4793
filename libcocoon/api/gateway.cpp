#include "cocoon/gateway.h"

#include <fmt/format.h>

#include <optional>
#include <unordered_map>
#include <utility>
#include <variant>

#include "base/limits.h"
#include "base/log.h"
#include "codec/json.h"
#include "crypto/compare.h"
#include "crypto/hash.h"
#include "crypto/system_random.h"
#include "gateway/gateway_core.h"
#include "io/clock.h"
#include "io/context.h"
#include "io/tcp.h"
#include "io/timer.h"
#include "io/turn.h"
#include "node/host_metrics.h"
#include "node/metric_table.h"

namespace cocoon {
namespace {

/// How long a closed connection waits for its caller to read the last answer and close, too.
constexpr Millis kFarewell{2000};

/// The local API keys. Hashed, so that comparing takes the same time for every length.
class ApiKeys {
 public:
  explicit ApiKeys(const std::vector<std::string>& keys) {
    for (const std::string& key : keys) digests_.push_back(crypto::sha256(as_bytes(key)));
  }
  bool accept(std::string_view key) const {
    const Hash given = crypto::sha256(as_bytes(key));
    bool found = false;
    for (const Hash& digest : digests_) found |= crypto::equal_secret(given, digest);
    return found;
  }

 private:
  std::vector<Hash> digests_;
};

gateway::AccessRules access_rules(const GatewayOptions& options) {
  gateway::AccessRules rules;
  rules.hosts = options.allowed_hosts;
  rules.origins = options.allowed_origins;
  if (!options.api_keys.empty()) {
    rules.key_accepted = [keys = ApiKeys(options.api_keys)](std::string_view key) {
      return keys.accept(key);
    };
  }
  return rules;
}

Error invalid(std::string_view code, std::string detail) {
  return Error(ErrorKind::invalid_argument, code, std::move(detail));
}

Status check(const GatewayOptions& options) {
  if (options.max_connections == 0) {
    return invalid("bad_max_connections", "max_connections must be at least 1.");
  }
  if (options.max_request_bytes < limits::kLowestMaxRequestBytes ||
      options.max_request_bytes > limits::kHighestMaxRequestBytes) {
    return invalid("bad_max_request_bytes",
                   fmt::format("max_request_bytes must be from {} to {}.",
                               limits::kLowestMaxRequestBytes, limits::kHighestMaxRequestBytes));
  }
  for (const std::string& key : options.api_keys) {
    if (key.empty()) return invalid("bad_api_key", "An API key of the gateway is empty.");
  }
  return ok();
}

}  // namespace

/// Carries out what the core asks for, once at the end of each loop turn that brought something.
struct Gateway::Impl : std::enable_shared_from_this<Gateway::Impl> {
  Impl(Loop l, Client& c, GatewayOptions o)
      : loop(l),
        client(c),
        options(std::move(o)),
        log(options.log, "gateway"),
        context(l),
        core({access_rules(options), options.max_request_bytes}, random) {
    options.metrics = node::HostMetrics::wrap(std::move(options.metrics));
  }

  // --- Life ---

  Status open() {
    COCOON_CHECK(check(options));
    COCOON_TRY(const io::Address address, io::Address::parse(options.listen));
    io::ListenOptions listen;
    listen.log = log;
    COCOON_TRY(auto opened, io::Listener::open(context, address, std::move(listen),
                                               [this](io::Connection connection) {
                                                 on_accept(std::move(connection));
                                               }));
    listener.emplace(std::move(opened));
    listener->pause();
    where = listener->address().text();
    return ok();
  }

  void start() {
    hook.emplace(context, io::TurnPhase::work, [this] { work(); });
    timer.emplace(context, [this] {
      core.on_time(io::now());
      hook->arm();
    });
    grace_timer.emplace(context, [this] { on_grace_over(); });
    const bool local = listener->address().is_unix() || gateway::is_loopback_host(where);
    if (!local && options.api_keys.empty()) {
      log.warning("listening on {} without API keys: whoever reaches it spends the deposit", where);
    }
    accept_or_not();
  }

  void stop(std::chrono::milliseconds grace, Callback<void()> done) {
    if (stopped) {
      // A context that is only closed calls back on a later turn.
      if (!done) return;
      return io::Context(loop).close([weak = weak_from_this(), told = std::move(done)]() mutable {
        if (!weak.expired()) told();
      });
    }
    if (done) on_stopped.push_back(std::move(done));
    if (std::exchange(stop_asked, true)) return;
    listener.reset();
    if (!hook) return close_context();  // never started
    core.drain(io::now());
    grace_timer->set_in(grace);
    stopping = true;
    hook->arm();
  }

  void on_grace_over() {
    // What runs now ends without an answer: its callers see a closed connection.
    requests.clear();
    for (const auto& entry : connections) core.on_closed(entry.first, io::now());
    connections.clear();
    hook->arm();
  }

  void close_context() {
    hook.reset();
    timer.reset();
    grace_timer.reset();
    stopping = false;
    // The host may let go while handles close, and in each call.
    context.close([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->stopped = true;
      for (Callback<void()>& told : std::exchange(self->on_stopped, {})) {
        if (self.use_count() == 1) return;
        told();
      }
    });
  }

  // --- Connections ---

  void on_accept(io::Connection connection) {
    const gateway::ConnectionId id = ++last_connection;
    io::Connection& kept = connections.emplace(id, std::move(connection)).first->second;
    core.on_accept(id, io::now());
    io::ConnectionEvents events;
    events.on_bytes = [this, id](ByteView bytes) {
      core.on_bytes(id, as_text(bytes), io::now());
      hook->arm();
    };
    events.on_pressure = [this, id](bool high) {
      core.on_pressure(id, high, io::now());
      hook->arm();
    };
    events.on_closed = [this, id](const Error&) {
      core.on_closed(id, io::now());
      connections.erase(id);
      hook->arm();
    };
    kept.start(std::move(events));
    hook->arm();
  }

  void accept_or_not() {
    if (options.metrics && connections.size() != shown_connections) {
      shown_connections = connections.size();
      options.metrics->set("cocoon_gateway_connections", static_cast<double>(shown_connections));
    }
    if (!listener) return;
    const bool room = connections.size() < options.max_connections;
    if (room == accepting) return;
    accepting = room;
    if (room) {
      listener->resume();
    } else {
      listener->pause();
    }
  }

  // --- Effects ---

  void work() {
    // Carrying out an effect may bring the next: a refused submission, a page.
    for (auto effects = core.take_effects(); !effects.empty(); effects = core.take_effects()) {
      for (gateway::Effect& effect : effects) {
        std::visit([this](auto& e) { carry_out(e); }, effect);
      }
    }
    for (const gateway::ConnectionId id : core.take_writable()) {
      std::string* output = core.output(id);
      if (output == nullptr) continue;
      const auto at = connections.find(id);
      if (at != connections.end()) at->second.write(as_bytes(*output));
      output->clear();
    }
    ended.clear();
    accept_or_not();
    timer->set(core.next_deadline());
    if (stopping && connections.empty()) close_context();
  }

  void carry_out(gateway::Submit& submit) {
    const gateway::RequestId id = submit.request;
    StreamCallbacks callbacks;
    callbacks.on_head = [this, id](const AnswerHead& head) { core.on_answer_head(id, head); };
    callbacks.on_chunk = [this, id](std::string_view bytes) {
      core.on_answer_bytes(id, bytes, io::now());
      hook->arm();
    };
    callbacks.on_done = [this, id](const RequestOutcome& outcome) {
      // The handle outlives its own callback.
      if (auto handle = requests.extract(id)) ended.push_back(std::move(handle.mapped()));
      core.on_answer_done(id, outcome, io::now());
      hook->arm();
    };
    auto handle = client.submit(std::move(submit.content), std::move(callbacks));
    if (handle) {
      requests.emplace(id, std::move(handle).value());
      return;
    }
    RequestOutcome refused;
    refused.status = std::move(handle).error();
    core.on_answer_done(id, refused, io::now());
  }

  void carry_out(gateway::Cancel& cancel) { requests.erase(cancel.request); }

  void carry_out(gateway::Pause& pause) {
    const auto at = requests.find(pause.request);
    if (at == requests.end()) return;
    if (pause.paused) {
      at->second.pause();
    } else {
      at->second.resume();
    }
  }

  void carry_out(gateway::AskModels& ask) {
    client.models([weak = weak_from_this(), id = ask.request](auto models) {
      if (const auto self = weak.lock()) self->on_models(id, models);
    });
  }

  void on_models(gateway::RequestId id, const Result<std::vector<ModelInfo>>& models) {
    if (!hook) return;  // stopped
    core.on_models(id, models, io::now());
    hook->arm();
  }

  void carry_out(gateway::AskPage& ask) {
    if (ask.page == gateway::RouteKind::evidence) {
      core.on_page(ask.request, 200, "application/json", client.evidence_json(), io::now());
    } else if (ask.page == gateway::RouteKind::metrics) {
      core.on_page(ask.request, 200, "text/plain; version=0.0.4; charset=utf-8",
                   options.metrics ? options.metrics->prometheus_text() : std::string(), io::now());
    } else {
      core.on_page(ask.request, client.ready() ? 200 : 503, "application/json", health(),
                   io::now());
    }
  }

  std::string health() const {
    if (client.ready()) return R"({"status":"ready"})";
    json::Writer w;
    w.begin_object().key("status").string("not ready");
    w.key("reason").string(client.not_ready_reason()).end_object();
    return w.take();
  }

  void carry_out(gateway::PauseReading& pause) {
    const auto at = connections.find(pause.connection);
    if (at == connections.end()) return;
    if (pause.paused) {
      at->second.pause();
    } else {
      at->second.resume();
    }
  }

  void carry_out(gateway::Close& close) {
    auto node = connections.extract(close.connection);
    if (!node) return;
    io::Connection& connection = node.mapped();
    if (close.abort) return;  // destroyed, and so closed
    connection.write(as_bytes(close.last));
    connection.finish(kFarewell);
  }

  void carry_out(gateway::Answered& answered) {
    if (!options.metrics) return;
    options.metrics->add("cocoon_gateway_requests_total", 1, fmt::format("{}", answered.status));
    options.metrics->observe("cocoon_gateway_request_seconds",
                             std::chrono::duration<double>(answered.duration).count());
  }

  Loop loop;
  Client& client;
  GatewayOptions options;
  Logger log;
  io::Context context;
  crypto::SystemRandom random;
  gateway::GatewayCore core;
  std::string where;
  bool accepting = false;
  bool stop_asked = false;
  bool stopping = false;  ///< until the last connection has gone
  bool stopped = false;
  gateway::ConnectionId last_connection = 0;
  std::size_t shown_connections = 0;
  std::unordered_map<gateway::ConnectionId, io::Connection> connections;
  std::unordered_map<gateway::RequestId, RequestHandle> requests;
  std::vector<RequestHandle> ended;
  std::optional<io::Listener> listener;
  std::optional<io::Timer> timer;
  std::optional<io::Timer> grace_timer;
  std::optional<io::TurnHook> hook;
  std::vector<Callback<void()>> on_stopped;
};

Gateway::Gateway(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gateway::Gateway(Gateway&&) noexcept = default;
Gateway& Gateway::operator=(Gateway&&) noexcept = default;
Gateway::~Gateway() = default;

Result<Gateway> Gateway::create(Loop loop, Client& client, GatewayOptions options) {
  auto impl = std::make_shared<Impl>(loop, client, std::move(options));
  COCOON_CHECK(impl->open());
  return Gateway(std::move(impl));
}

Status Gateway::start() {
  if (impl_->hook || !impl_->listener) {
    return Error(ErrorKind::invalid_argument, "gateway_already_started",
                 "A gateway is started once.");
  }
  if (impl_->options.metrics) node::begin_metrics(*impl_->options.metrics, "cocoon_gateway_");
  impl_->start();
  return ok();
}

std::string Gateway::address() const {
  return impl_->where;
}

void Gateway::stop(std::chrono::milliseconds grace, Callback<void()> on_stopped) {
  impl_->stop(grace, std::move(on_stopped));
}

}  // namespace cocoon
