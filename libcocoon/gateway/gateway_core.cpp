#include "gateway/gateway_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "http/openai.h"

namespace cocoon::gateway {
namespace {

constexpr std::string_view kJson = "application/json";

/// A list of header names, and nothing that would have to be escaped.
bool is_header_list(std::string_view text) {
  return text.size() <= limits::kMaxPreflightHeaderBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == ',' || c == ' ';
         });
}

}  // namespace

/// One request and its answer.
struct GatewayCore::Exchange {
  /// receiving → asked → (answered); refused ones go to answered at once.
  enum class State : std::uint8_t { receiving, asked, answered };

  Exchange(RequestId request, Result<Route> r, Answer a, MonoTime start)
      : id(request), route(std::move(r)), answer(std::move(a)), began(start) {}

  RequestId id;
  State state = State::receiving;
  Result<Route> route;
  Answer answer;
  MonoTime began;
  bool body_follows = false;  // its end has not been read
  bool parsed = false;        // the parser is behind it
  bool submitted = false;     // the network works on it
  std::string body;
  // Of a preflight, and for a refused method.
  std::string asked_headers;
  std::string path;
};

struct GatewayCore::Connection {
  Connection(ConnectionId i, std::size_t max_body_bytes) : id(i), parser(max_body_bytes) {}

  bool busy() const { return exchange && exchange->state == Exchange::State::asked; }

  ConnectionId id;
  http::RequestParser parser;
  std::string input;         // came while an earlier request was being answered
  std::size_t input_at = 0;  // what of it has been parsed
  std::string output;
  std::unique_ptr<Exchange> exchange;
  bool pressed = false;  // the caller takes its output too slowly
  bool reading_paused = false;
  bool writable = false;  // stands in writable_
  bool closed = false;
  Phase phase = Phase::fresh;
  MonoTime deadline = kNever;
};

GatewayCore::GatewayCore(GatewayCoreOptions options, Random& random)
    : options_(std::move(options)), instance_(fmt::format("{:016x}", random.u64())) {}
GatewayCore::~GatewayCore() = default;

GatewayCore::Connection* GatewayCore::find(ConnectionId id) {
  const auto at = connections_.find(id);
  return at == connections_.end() ? nullptr : at->second.get();
}

GatewayCore::Connection* GatewayCore::connection_of(RequestId request) {
  const auto at = requests_.find(request);
  return at == requests_.end() ? nullptr : find(at->second);
}

// --- Connections ---

void GatewayCore::on_accept(ConnectionId id, Now now) {
  auto& connection = connections_[id];
  connection = std::make_unique<Connection>(id, options_.max_request_bytes);
  if (draining_) close(*connection, false, now);
  settle(*connection, now);
}

void GatewayCore::on_bytes(ConnectionId id, std::string_view bytes, Now now) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if (connection->input.empty()) {
    connection->input = parse(*connection, bytes, now);
  } else {
    connection->input += bytes;
    advance(*connection, now);
  }
  settle(*connection, now);
}

void GatewayCore::on_closed(ConnectionId id, Now now) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if (connection->exchange) end_exchange(*connection, now);
  connection->closed = true;
  settle(*connection, now);
}

void GatewayCore::on_pressure(ConnectionId id, bool high, Now now) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->pressed == high) return;
  connection->pressed = high;
  if (connection->busy() && connection->exchange->submitted) {
    effects_.push_back(Pause{connection->exchange->id, high});
  }
  if (!high) advance(*connection, now);
  settle(*connection, now);
}

/// Goes on with what has been received and not yet parsed.
void GatewayCore::advance(Connection& connection, Now now) {
  const auto input = std::string_view(connection.input).substr(connection.input_at);
  const std::string_view rest = parse(connection, input, now);
  if (rest.empty()) {
    connection.input = std::string();
    connection.input_at = 0;
  } else {
    connection.input_at = connection.input.size() - rest.size();
  }
}

/// Parses until one request is being answered. Returns what is left of `input`.
std::string_view GatewayCore::parse(Connection& connection, std::string_view input, Now now) {
  while (!connection.closed && !connection.pressed && !connection.busy()) {
    switch (connection.parser.next(input)) {
      case http::RequestParser::Event::need_more: return {};
      case http::RequestParser::Event::head: begin(connection, now); break;
      case http::RequestParser::Event::body:
        receive(connection, connection.parser.body(), now);
        break;
      case http::RequestParser::Event::complete: complete(connection, now); break;
      case http::RequestParser::Event::error:
        refuse_unread(connection, connection.parser.error(), now);
        break;
    }
  }
  return connection.closed ? std::string_view{} : input;
}

GatewayCore::Phase GatewayCore::phase_of(const Connection& connection) const {
  if (connection.pressed) return Phase::caller;
  if (connection.busy()) return Phase::answer;
  if (connection.exchange) return Phase::body;
  return connection.parser.idle() ? Phase::idle : Phase::head;
}

/// The end of every input: what follows from the connection's new state.
void GatewayCore::settle(Connection& connection, Now now) {
  const ConnectionId id = connection.id;
  const Phase phase = phase_of(connection);
  if (connection.closed || phase != connection.phase) {
    deadlines_.erase({connection.deadline, id});
    connection.deadline = kNever;
    connection.phase = phase;
    if (phase == Phase::idle) connection.deadline = now.mono + limits::kHttpIdleDeadline;
    if (phase == Phase::head) connection.deadline = now.mono + limits::kHttpHeadDeadline;
    if (phase == Phase::body) connection.deadline = now.mono + limits::kHttpBodyDeadline;
    if (phase == Phase::caller) connection.deadline = now.mono + limits::kHttpStalledDeadline;
  }
  if (connection.closed) {
    connections_.erase(id);
    return;
  }
  if (connection.deadline != kNever) deadlines_.insert({connection.deadline, id});
  const bool ahead = connection.input.size() - connection.input_at > limits::kMaxPipelinedBytes;
  if (ahead != connection.reading_paused) {
    connection.reading_paused = ahead;
    effects_.push_back(PauseReading{id, ahead});
  }
  if (!connection.output.empty() && !connection.writable) {
    connection.writable = true;
    writable_.push_back(id);
  }
}

void GatewayCore::close(Connection& connection, bool abort, Now now) {
  if (connection.exchange) end_exchange(connection, now);
  connection.closed = true;
  effects_.push_back(Close{connection.id, std::move(connection.output), abort});
}

void GatewayCore::drain(Now now) {
  draining_ = true;
  std::vector<ConnectionId> idle;
  for (const auto& [id, connection] : connections_) {
    if (connection->phase == Phase::idle) idle.push_back(id);
  }
  std::sort(idle.begin(), idle.end());
  for (const ConnectionId id : idle) {
    Connection* connection = find(id);
    close(*connection, false, now);
    settle(*connection, now);
  }
}

// --- Requests ---

Result<Route> GatewayCore::admit(const http::RequestHead& head) {
  COCOON_CHECK(check_caller(options_.access, head));
  COCOON_TRY(Route route, find_route(head));
  COCOON_CHECK(check_route_access(options_.access, head, route));
  COCOON_TRY(route.preference, find_preference(head));
  return route;
}

/// A head has come.
void GatewayCore::begin(Connection& connection, Now now) {
  const http::RequestHead& head = connection.parser.head();
  const RequestId id = ++last_request_;
  CommonHeaders headers;
  headers.request_id = fmt::format("req_{}{:08x}", instance_, id);
  if (check_caller(options_.access, head)) headers.origin = head.header("origin").value_or("");
  Answer answer(http::ResponseWriter(head, draining_), std::move(headers));
  connection.exchange = std::make_unique<Exchange>(id, admit(head), std::move(answer), now.mono);
  connection.phase = Phase::fresh;  // a new request has deadlines of its own
  Exchange& exchange = *connection.exchange;
  exchange.body_follows = head.has_body();
  exchange.path = head.path;
  exchange.asked_headers = head.header("access-control-request-headers").value_or("");
  if (!exchange.route) {
    // A copy: refusing ends the exchange.
    const Error error = exchange.route.error();
    refuse(connection, error, now);
  } else if (head.expect_continue && head.has_body()) {
    http::ResponseWriter::informational_continue(connection.output);
  }
}

void GatewayCore::receive(Connection& connection, std::string_view part, Now now) {
  Exchange& exchange = *connection.exchange;
  if (exchange.route->kind != RouteKind::inference) return;
  exchange.body += part;
  received_bytes_ += part.size();
  if (received_bytes_ > limits::kMaxReceivedBodiesBytes) {
    refuse(connection,
           Error(ErrorKind::busy, "gateway_busy",
                 "The gateway is receiving too many large requests at once; try again."),
           now);
  }
}

/// The whole request is here.
void GatewayCore::complete(Connection& connection, Now now) {
  Exchange& exchange = *connection.exchange;
  exchange.body_follows = false;
  exchange.parsed = true;
  if (exchange.state == Exchange::State::answered) {
    connection.exchange.reset();
    return;
  }
  switch (exchange.route->kind) {
    case RouteKind::inference: submit(connection, now); return;
    case RouteKind::models:
    case RouteKind::market:
    case RouteKind::model: effects_.push_back(AskModels{exchange.id}); break;
    case RouteKind::health:
    case RouteKind::metrics:
    case RouteKind::evidence: effects_.push_back(AskPage{exchange.id, exchange.route->kind}); break;
    case RouteKind::preflight: answer_preflight(connection, now); return;
  }
  exchange.state = Exchange::State::asked;
  requests_.emplace(exchange.id, connection.id);
}

void GatewayCore::submit(Connection& connection, Now now) {
  Exchange& exchange = *connection.exchange;
  const Endpoint endpoint = exchange.route->endpoint;
  auto facts = http::inspect_request(endpoint, exchange.body);
  if (!facts) return refuse(connection, facts.error(), now);
  exchange.answer.expect(endpoint, facts->stream && !facts->include_usage);
  exchange.state = Exchange::State::asked;
  exchange.submitted = true;
  requests_.emplace(exchange.id, connection.id);
  received_bytes_ -= exchange.body.size();
  InferenceRequest request;
  request.endpoint = endpoint;
  request.model = std::move(facts->model);
  request.body = std::exchange(exchange.body, {});
  request.preference = exchange.route->preference;
  effects_.push_back(Submit{exchange.id, std::move(request)});
}

/// A browser asks whether a page of an allowed origin may send what it wants to send.
void GatewayCore::answer_preflight(Connection& connection, Now now) {
  Exchange& exchange = *connection.exchange;
  if (!exchange.answer.for_browser()) {
    return refuse(connection,
                  Error(ErrorKind::invalid_argument, "method_not_allowed",
                        "OPTIONS is answered for browsers only: there is no Origin header."),
                  now);
  }
  std::vector<http::Header> more = {{"Access-Control-Allow-Methods", "GET, POST"},
                                    {"Access-Control-Max-Age", "600"}};
  if (is_header_list(exchange.asked_headers)) {
    more.push_back({"Access-Control-Allow-Headers", exchange.asked_headers});
  }
  exchange.answer.fixed(connection.output, 204, {}, {}, std::move(more));
  finish(connection, now);
}

/// Answers the present request with an error, whether or not its body has been read.
void GatewayCore::refuse(Connection& connection, const Error& error, Now now) {
  Exchange& exchange = *connection.exchange;
  if (exchange.body_follows) exchange.answer.close_behind();
  std::vector<http::Header> more;
  if (error.code() == "method_not_allowed") {
    more.push_back({"Allow", allowed_methods(exchange.path)});
  }
  if (error.code() == "invalid_api_key") more.push_back({"WWW-Authenticate", "Bearer"});
  exchange.answer.error(connection.output, error, false, 0, std::move(more));
  finish(connection, now);
}

/// Answers something that is no request, or did not come to its end; then closes.
void GatewayCore::refuse_unread(Connection& connection, const Error& error, Now now) {
  if (!connection.exchange) {
    CommonHeaders headers;
    const RequestId id = ++last_request_;
    headers.request_id = fmt::format("req_{}{:08x}", instance_, id);
    connection.exchange = std::make_unique<Exchange>(
        id, error, Answer(http::ResponseWriter(), std::move(headers)), now.mono);
  }
  connection.exchange->body_follows = true;
  refuse(connection, error, now);
}

/// The present request has been answered. Its exchange stays until the parser, too, is behind it.
void GatewayCore::finish(Connection& connection, Now now) {
  const bool stays_open = connection.exchange->answer.keeps_alive() && !draining_;
  end_exchange(connection, now);
  if (!stays_open) return close(connection, false, now);
  if (connection.exchange->parsed) connection.exchange.reset();
}

/// Nothing more is to come of the present request, nor to be done for it.
void GatewayCore::end_exchange(Connection& connection, Now now) {
  Exchange& exchange = *connection.exchange;
  if (exchange.state == Exchange::State::answered) return;
  if (exchange.submitted) effects_.push_back(Cancel{exchange.id});
  requests_.erase(exchange.id);
  received_bytes_ -= exchange.body.size();
  exchange.body = std::string();
  exchange.state = Exchange::State::answered;
  constexpr int kCallerGone = 499;
  const int status = exchange.answer.status() != 0 ? exchange.answer.status() : kCallerGone;
  effects_.push_back(Answered{status, now.mono - exchange.began});
}

// --- Answers ---

void GatewayCore::on_answer_head(RequestId request, const AnswerHead& head) {
  if (Connection* connection = connection_of(request)) connection->exchange->answer.on_head(head);
}

void GatewayCore::on_answer_bytes(RequestId request, std::string_view bytes, Now now) {
  Connection* connection = connection_of(request);
  if (connection == nullptr) return;
  if (auto status = connection->exchange->answer.on_bytes(connection->output, bytes); !status) {
    effects_.push_back(Cancel{request});
    RequestOutcome outcome;
    outcome.status = status;
    on_answer_done(request, outcome, now);
    return;
  }
  settle(*connection, now);
}

void GatewayCore::on_answer_done(RequestId request, const RequestOutcome& outcome, Now now) {
  Connection* connection = connection_of(request);
  if (connection == nullptr) return;
  connection->exchange->submitted = false;
  if (connection->exchange->answer.on_done(connection->output, outcome)) {
    finish(*connection, now);
    advance(*connection, now);
  } else {
    close(*connection, true, now);
  }
  settle(*connection, now);
}

void GatewayCore::on_models(RequestId request, const Result<std::vector<ModelInfo>>& models,
                            Now now) {
  Connection* connection = connection_of(request);
  if (connection == nullptr) return;
  Exchange& exchange = *connection->exchange;
  if (!models) {
    exchange.answer.error(connection->output, models.error());
  } else if (exchange.route->kind == RouteKind::models) {
    exchange.answer.fixed(connection->output, 200, kJson, model_list_json(*models));
  } else if (exchange.route->kind == RouteKind::market) {
    exchange.answer.fixed(connection->output, 200, kJson, market_json(*models));
  } else if (const std::string body = model_json(*models, exchange.route->model_id);
             !body.empty()) {
    exchange.answer.fixed(connection->output, 200, kJson, body);
  } else {
    exchange.answer.error(connection->output,
                          Error(ErrorKind::not_found, "model_not_found",
                                "No worker serves a model of this id now; /v1/models lists those "
                                "that are served."));
  }
  finish(*connection, now);
  advance(*connection, now);
  settle(*connection, now);
}

void GatewayCore::on_page(RequestId request, int status, std::string_view content_type,
                          std::string_view body, Now now) {
  Connection* connection = connection_of(request);
  if (connection == nullptr) return;
  connection->exchange->answer.fixed(connection->output, status, content_type, body);
  finish(*connection, now);
  advance(*connection, now);
  settle(*connection, now);
}

// --- Time and output ---

void GatewayCore::on_time(Now now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now.mono) {
    Connection& connection = *find(deadlines_.begin()->second);
    on_due(connection, now);
    settle(connection, now);
  }
}

void GatewayCore::on_due(Connection& connection, Now now) {
  switch (connection.phase) {
    case Phase::head:
      refuse_unread(connection,
                    Error(ErrorKind::timeout, "request_head_too_slow",
                          fmt::format("The request's head did not come within {} s.",
                                      limits::kHttpHeadDeadline.count())),
                    now);
      return;
    case Phase::body:
      refuse_unread(connection,
                    Error(ErrorKind::timeout, "request_body_too_slow",
                          fmt::format("The request's body did not come within {} s.",
                                      limits::kHttpBodyDeadline.count())),
                    now);
      return;
    case Phase::caller: close(connection, true, now); return;
    case Phase::fresh:
    case Phase::idle:
    case Phase::answer: close(connection, false, now); return;
  }
}

MonoTime GatewayCore::next_deadline() const {
  return deadlines_.empty() ? kNever : deadlines_.begin()->first;
}

std::vector<Effect> GatewayCore::take_effects() {
  return std::exchange(effects_, {});
}

std::vector<ConnectionId> GatewayCore::take_writable() {
  for (const ConnectionId id : writable_) {
    if (Connection* connection = find(id)) connection->writable = false;
  }
  return std::exchange(writable_, {});
}

std::string* GatewayCore::output(ConnectionId id) {
  Connection* connection = find(id);
  return connection == nullptr ? nullptr : &connection->output;
}

}  // namespace cocoon::gateway
