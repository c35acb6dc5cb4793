#include "demo_engine/demo_engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "demo_engine/demo_answer.h"
#include "demo_engine/demo_stream.h"
#include "http/request_parser.h"
#include "http/response_writer.h"

namespace cocoon::demo {
namespace {

constexpr Millis kGoodbye{2000};
/// Bytes of further requests that wait behind one that is being answered.
constexpr std::size_t kMaxWaitingInput = 64 * 1024;

/// The value of `name` in a query, with %XX and + decoded as little as tests need: not at all.
std::string query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.substr(0, name.size()) == name && pair.substr(name.size(), 1) == "=") {
      return std::string(pair.substr(name.size() + 1));
    }
  }
  return {};
}

}  // namespace

/// One connection to the engine: requests in order, one answer at a time.
class DemoEngine::Caller {
 public:
  Caller(DemoEngine& engine, io::Connection connection)
      : engine_(engine),
        connection_(std::move(connection)),
        parser_(limits::kHighestMaxRequestBytes) {}

  void start() {
    connection_.start({.on_bytes = [this](ByteView bytes) { take(bytes); },
                       .on_end = {},
                       .on_pressure =
                           [this](bool on) {
                             if (!on && stream_) stream_->relieved();
                           },
                       .on_closed = [this](const Error&) { engine_.remove(*this); }});
  }

  std::size_t index = 0;  ///< in the engine's list; the engine's business

 private:
  void take(ByteView bytes) {
    input_ += as_text(bytes);
    if (stream_) {
      if (input_.size() > kMaxWaitingInput) connection_.pause();
      return;
    }
    read_waiting();
    if (!connection_.is_open()) engine_.remove(*this);
  }

  void read_waiting() {
    const std::string waiting = std::exchange(input_, {});
    std::string_view view = waiting;
    read_requests(view);
    input_ = view;
  }

  /// Consumes input until it needs more, or an answer takes its time.
  void read_requests(std::string_view& input) {
    using Event = http::RequestParser::Event;
    while (!stream_ && connection_.is_open()) {
      switch (parser_.next(input)) {
        case Event::need_more: return;
        case Event::head: take_head(); break;
        case Event::body: body_ += parser_.body(); break;
        case Event::complete: route(); break;
        case Event::error: {
          writer_ = {};
          refuse(parser_.error());
          input = {};
          return;
        }
      }
    }
  }

  void take_head() {
    body_.clear();
    writer_ = http::ResponseWriter(parser_.head(), false);
    if (!parser_.head().expect_continue) return;
    std::string out;
    http::ResponseWriter::informational_continue(out);
    connection_.write(as_bytes(out));
  }

  void route() {
    const http::RequestHead& head = parser_.head();
    if (head.method == "POST") {
      if (const auto endpoint = http::endpoint_of(head.path)) return answer(*endpoint);
      if (head.path == "/demo/confirm") {
        engine_.control_.confirm(query_value(head.query, "token"));
        return reply(200, "{}");
      }
      if (head.path == "/demo/health") {
        engine_.control_.healthy = query_value(head.query, "ready") != "0";
        return reply(200, "{}");
      }
    }
    if (head.method == "GET") {
      if (head.path == "/v1/models") return reply(200, render_models(engine_.options_.models));
      if (head.path == "/health") {
        return engine_.control_.healthy ? reply(200, R"({"status":"ok"})")
                                        : reply(503, R"({"status":"not ready"})");
      }
      if (head.path == "/demo/executions") return reply(200, engine_.control_.executions());
      if (head.path == "/demo/events") return reply(200, engine_.control_.events());
      if (head.path == "/demo/last") {
        const std::string* body = engine_.control_.last_body(query_value(head.query, "id"));
        return body != nullptr ? reply(200, *body) : reply(404, "null");
      }
    }
    refuse(Error(ErrorKind::not_found, "path_not_found",
                 fmt::format("the demo engine has no {} {}", head.method, head.path)));
  }

  void answer(Endpoint endpoint) {
    const auto x_request_id = parser_.head().header("x-request-id").value_or("");
    auto request = read_request(endpoint, body_, x_request_id, engine_.options_.shape);
    if (!request) return refuse(request.error());
    if (!engine_.serves(request->facts.model)) {
      return refuse(Error(
          ErrorKind::not_found, "model_not_found",
          fmt::format("the demo engine does not serve the model \"{}\"", request->facts.model)));
    }
    engine_.control_.started(request->id, body_);
    stream_ = std::make_unique<Stream>(engine_.context_, connection_, engine_.control_, writer_,
                                       std::move(request).value(), ++engine_.requests_,
                                       [this](Stream::End how) { answered(how); });
    stream_->start();
  }

  void answered(Stream::End how) {
    // The stream is still on the stack: it goes with the next answer, or with this object.
    finished_ = std::move(stream_);
    if (how == Stream::End::close || !writer_.keeps_alive()) {
      connection_.finish(kGoodbye);
      return engine_.remove(*this);
    }
    connection_.resume();
    read_waiting();
    if (!connection_.is_open()) engine_.remove(*this);
  }

  void reply(int status, std::string_view json) {
    const http::Header headers[] = {{"Content-Type", "application/json"}};
    std::string out;
    writer_.fixed(out, status, headers, json);
    connection_.write(as_bytes(out));
    if (!writer_.keeps_alive()) connection_.finish(kGoodbye);
  }

  void refuse(const Error& error) {
    reply(http::http_status(error.kind(), error.code()), http::error_body(error));
  }

  DemoEngine& engine_;
  io::Connection connection_;
  http::RequestParser parser_;
  http::ResponseWriter writer_;
  std::string input_;  // not parsed yet
  std::string body_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Stream> finished_;
};

DemoEngine::DemoEngine(const io::Context& context, EngineOptions options)
    : context_(context), options_(std::move(options)) {}
DemoEngine::~DemoEngine() = default;

Result<std::unique_ptr<DemoEngine>> DemoEngine::start(const io::Context& context,
                                                      EngineOptions options) {
  std::unique_ptr<DemoEngine> engine(new DemoEngine(context, std::move(options)));
  COCOON_TRY(io::Listener listener,
             io::Listener::open(context, engine->options_.listen, {.log = engine->options_.log},
                                [e = engine.get()](io::Connection c) { e->accept(std::move(c)); }));
  engine->listener_ = std::make_unique<io::Listener>(std::move(listener));
  return engine;
}

void DemoEngine::accept(io::Connection connection) {
  auto caller = std::make_unique<Caller>(*this, std::move(connection));
  caller->index = callers_.size();
  callers_.push_back(std::move(caller));
  callers_.back()->start();
}

void DemoEngine::remove(Caller& caller) {
  const std::size_t at = caller.index;
  std::swap(callers_[at], callers_.back());
  callers_[at]->index = at;
  callers_.pop_back();
}

bool DemoEngine::serves(std::string_view model) const {
  return std::find(options_.models.begin(), options_.models.end(), model) != options_.models.end();
}

}  // namespace cocoon::demo
