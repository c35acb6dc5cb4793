#pragma once
/// @file GatewayCore: the OpenAI-compatible HTTP server as a state machine. Pure.
///
///   in:  on_accept, on_bytes, on_closed, on_pressure; on_answer_…, on_models, on_page; on_time
///   out: take_effects(), take_writable() + output(connection), next_deadline()

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "base/random.h"
#include "base/time.h"
#include "cocoon/request.h"
#include "cocoon/result.h"
#include "gateway/access.h"
#include "gateway/answer.h"
#include "gateway/model_list.h"
#include "gateway/route.h"
#include "http/request_parser.h"

namespace cocoon::gateway {

using ConnectionId = std::uint64_t;  ///< chosen by the owner, never reused
using RequestId = std::uint64_t;     ///< chosen by the core, never reused

/// Ask the network; answered by on_answer_… with the same id.
struct Submit {
  RequestId request = 0;
  InferenceRequest content;
};
/// The caller has gone: nothing more of this request is wanted, and nothing is to be told.
struct Cancel {
  RequestId request = 0;
};
/// Stop or go on taking the answer's bytes.
struct Pause {
  RequestId request = 0;
  bool paused = false;
};
/// Answered by on_models.
struct AskModels {
  RequestId request = 0;
};
/// Answered by on_page; `page` is health, metrics or evidence.
struct AskPage {
  RequestId request = 0;
  RouteKind page{};
};
/// Stop or go on reading from a caller.
struct PauseReading {
  ConnectionId connection = 0;
  bool paused = false;
};
/// Send `last`, then close; where `abort` is set, drop what is unsent and close at once. The core
/// has forgotten the connection.
struct Close {
  ConnectionId connection = 0;
  std::string last;
  bool abort = false;
};
/// A request has ended; for metrics.
struct Answered {
  int status = 0;  ///< what the caller saw; 499: it was gone before it saw anything
  std::chrono::microseconds duration{0};
};

using Effect =
    std::variant<Submit, Cancel, Pause, AskModels, AskPage, PauseReading, Close, Answered>;

struct GatewayCoreOptions {
  AccessRules access;
  std::size_t max_request_bytes = limits::kDefaultMaxRequestBytes;
};

/// One request per connection is worked on at a time; what a caller pipelines behind it waits.
/// Calls about connections and requests that have ended are ignored.
class GatewayCore {
 public:
  GatewayCore(GatewayCoreOptions options, Random& random);
  ~GatewayCore();

  void on_accept(ConnectionId connection, Now now);
  void on_bytes(ConnectionId connection, std::string_view bytes, Now now);
  /// The caller has closed, or the socket failed.
  void on_closed(ConnectionId connection, Now now);
  /// True: the caller takes its output too slowly, stop producing. False: go on.
  void on_pressure(ConnectionId connection, bool high, Now now);

  void on_answer_head(RequestId request, const AnswerHead& head);
  void on_answer_bytes(RequestId request, std::string_view bytes, Now now);
  /// Also where the request was refused before it began.
  void on_answer_done(RequestId request, const RequestOutcome& outcome, Now now);
  void on_models(RequestId request, const Result<std::vector<ModelInfo>>& models, Now now);
  void on_page(RequestId request, int status, std::string_view content_type, std::string_view body,
               Now now);

  void on_time(Now now);
  /// kNever where nothing is waited for.
  MonoTime next_deadline() const;

  /// Closes connections without a request; others close behind their answer.
  void drain(Now now);

  std::vector<Effect> take_effects();
  /// Connections whose output() has grown since the last call.
  std::vector<ConnectionId> take_writable();
  /// Bytes for the caller, to be taken by the owner; null for an unknown connection. Valid until
  /// the next call of a non-const member.
  std::string* output(ConnectionId connection);
  /// Those that are open.
  std::size_t connections() const { return connections_.size(); }

 private:
  struct Exchange;
  struct Connection;
  /// What a connection waits for, and so which deadline it has.
  enum class Phase : std::uint8_t { fresh, idle, head, body, answer, caller };

  Connection* find(ConnectionId id);
  Connection* connection_of(RequestId request);
  Phase phase_of(const Connection& connection) const;

  void advance(Connection& connection, Now now);
  std::string_view parse(Connection& connection, std::string_view input, Now now);
  void begin(Connection& connection, Now now);
  Result<Route> admit(const http::RequestHead& head);
  void receive(Connection& connection, std::string_view part, Now now);
  void complete(Connection& connection, Now now);
  void submit(Connection& connection, Now now);
  void answer_preflight(Connection& connection, Now now);
  void refuse(Connection& connection, const Error& error, Now now);
  void refuse_unread(Connection& connection, const Error& error, Now now);
  void finish(Connection& connection, Now now);
  void close(Connection& connection, bool abort, Now now);
  void end_exchange(Connection& connection, Now now);
  void settle(Connection& connection, Now now);
  void on_due(Connection& connection, Now now);

  GatewayCoreOptions options_;
  std::string instance_;  // hex, drawn at the start: the request names of two runs differ
  RequestId last_request_ = 0;
  std::size_t received_bytes_ = 0;  // of bodies that are not complete
  bool draining_ = false;

  std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections_;
  std::unordered_map<RequestId, ConnectionId> requests_;
  std::set<std::pair<MonoTime, ConnectionId>> deadlines_;
  std::vector<ConnectionId> writable_;
  std::vector<Effect> effects_;
};

}  // namespace cocoon::gateway
