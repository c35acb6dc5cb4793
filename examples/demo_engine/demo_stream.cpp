#include "demo_engine/demo_stream.h"

#include <fmt/format.h>

#include "http/sse.h"
#include "io/clock.h"

namespace cocoon::demo {
namespace {

/// Chunks without delay that one stream sends before others get their turn.
constexpr int kPiecesPerTurn = 64;
/// What a wrong Content-Length promises beyond the body.
constexpr std::size_t kMissingBytes = 1000;

constexpr std::string_view kEventStream = "text/event-stream";
constexpr std::string_view kJson = "application/json";

bool breaks_off(Fault fault) {
  return fault == Fault::stall || fault == Fault::truncate;
}

/// Where in an answer of so many pieces the fault strikes.
std::size_t strikes_at(Fault fault, std::size_t pieces) {
  return breaks_off(fault) || fault == Fault::error_in_200 ? pieces / 2 : SIZE_MAX;
}

const Error& asked_for() {
  static const Error error(ErrorKind::internal, "demo_fault",
                           "the request asked the demo engine for this error");
  return error;
}

}  // namespace

Stream::Stream(const io::Context& context, io::Connection& connection, Control& control,
               http::ResponseWriter writer, Request request, std::uint64_t number,
               Callback<void(End)> on_end)
    : connection_(connection),
      control_(control),
      writer_(writer),
      request_(std::move(request)),
      reply_(make_reply(request_, number, io::now().unix)),
      on_end_(std::move(on_end)),
      timer_(context, [this] { on_timer(); }),
      stop_at_(strikes_at(request_.shape.fault, reply_.pieces())) {}

Stream::~Stream() {
  if (state_ == State::ended) return;
  control_.stop_waiting(request_.shape.confirm, *this);
  control_.aborted();
}

void Stream::start() {
  timer_.set_in(request_.shape.first_delay);
}

void Stream::on_timer() {
  if (state_ == State::waiting_to_begin) return begin();
  if (state_ != State::sending) return;
  released_ = true;
  send_pieces();
}

void Stream::confirmed() {
  released_ = true;
  state_ = State::sending;
  // Not from here: the caller may be the request that confirmed, or send_pieces() itself.
  timer_.set_in(Millis(0));
}

void Stream::relieved() {
  if (state_ == State::sending && timer_.deadline() == kNever) send_pieces();
}

void Stream::begin() {
  state_ = State::sending;
  const Endpoint endpoint = request_.facts.endpoint;
  switch (request_.shape.fault) {
    case Fault::error400: return send_error(400);
    case Fault::error404: return send_error(404);
    case Fault::error429: return send_error(429);
    case Fault::error500: return send_error(500);
    case Fault::close_before_head: return end(End::close);
    default: break;
  }
  if (endpoint == Endpoint::embeddings)
    return send_whole(render_embeddings(request_, reply_), kJson);
  if (!request_.facts.stream || request_.shape.fault == Fault::not_a_stream) {
    const bool error = request_.shape.fault == Fault::error_in_200;
    return send_whole(error ? http::error_body(asked_for()) : render_whole(endpoint, reply_),
                      kJson);
  }
  renderer_ = make_renderer(endpoint, reply_, request_.facts.include_usage);
  if (request_.shape.fault == Fault::wrong_length) {
    std::string all = renderer_->opening();
    for (std::size_t i = 0; i < reply_.pieces(); ++i) renderer_->piece(i, all);
    return send_whole(all + renderer_->closing(), kEventStream);
  }
  begin_events();
}

void Stream::begin_events() {
  const http::Header headers[] = {{"Content-Type", kEventStream}, {"Cache-Control", "no-cache"}};
  std::string out;
  writer_.begin_stream(out, 200, headers);
  connection_.write(as_bytes(out));
  send(renderer_->opening());
  if (request_.shape.fault == Fault::huge_line) {
    scratch_.clear();
    http::append_sse_data(scratch_, std::string(kHugeLineBytes, 'x'));
    send(scratch_);
  }
  send_pieces();
}

void Stream::send_pieces() {
  for (int sent = 0; next_ < reply_.pieces(); ++sent) {
    if (next_ == stop_at_) {
      if (request_.shape.fault == Fault::truncate) return end(End::close);
      if (request_.shape.fault == Fault::error_in_200) return end_with_error();
      state_ = State::stalled;
      return;
    }
    // relieved() goes on.
    if (connection_.under_pressure()) return;
    if (sent == kPiecesPerTurn) return timer_.set_in(Millis(0));
    if (!may_send_now()) return;
    scratch_.clear();
    if (request_.shape.stamp) {
      const auto sent_at = io::now().mono.time_since_epoch();
      scratch_ = fmt::format(": sent {}\n",
                             std::chrono::duration_cast<std::chrono::nanoseconds>(sent_at).count());
    }
    renderer_->piece(next_++, scratch_);
    send(scratch_);
  }
  if (request_.shape.fault != Fault::no_done) send(renderer_->closing());
  finish_stream();
}

/// As vLLM and SGLang do it once a stream has begun.
void Stream::end_with_error() {
  send(http::error_event(asked_for()) + "data: [DONE]\n\n");
  finish_stream();
}

void Stream::finish_stream() {
  scratch_.clear();
  writer_.end_stream(scratch_);
  connection_.write(as_bytes(scratch_));
  end(End::complete);
}

/// Whether nothing holds the next piece back; otherwise sees to it that this stream goes on later.
bool Stream::may_send_now() {
  const Shape& shape = request_.shape;
  if (next_ == 0 || std::exchange(released_, false)) return true;
  if (!shape.confirm.empty()) {
    state_ = State::waiting;
    control_.wait(shape.confirm, *this);
    return false;
  }
  if (shape.delay > Millis::zero()) {
    timer_.set_in(shape.delay);
    return false;
  }
  return true;
}

void Stream::send(std::string_view events) {
  std::string out;
  writer_.chunk(out, events);
  connection_.write(as_bytes(out));
  connection_.flush();
}

void Stream::send_whole(const std::string& body, std::string_view content_type) {
  const Fault fault = request_.shape.fault;
  const http::Header headers[] = {{"Content-Type", content_type}};
  std::string out;
  if (fault == Fault::wrong_length) {
    out = fmt::format("HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
                      content_type, body.size() + kMissingBytes, body);
  } else {
    const std::size_t sent = fault == Fault::short_length ? body.size() / 2 : body.size();
    writer_.fixed(out, 200, headers, std::string_view(body).substr(0, sent));
  }
  if (breaks_off(fault)) out.resize(out.size() - body.size() / 2);
  connection_.write(as_bytes(out));
  connection_.flush();
  if (fault == Fault::stall) {
    state_ = State::stalled;
    return;
  }
  end(fault == Fault::wrong_length || fault == Fault::truncate ? End::close : End::complete);
}

void Stream::send_error(int status) {
  const Error error(status < 500 ? ErrorKind::invalid_argument : ErrorKind::internal,
                    asked_for().code(), asked_for().detail());
  const http::Header headers[] = {{"Content-Type", kJson}};
  std::string out;
  writer_.fixed(out, status, headers, http::error_body(error));
  connection_.write(as_bytes(out));
  end(End::complete);
}

void Stream::end(End how) {
  state_ = State::ended;
  const Fault fault = request_.shape.fault;
  if (fault == Fault::none || fault == Fault::no_usage) {
    control_.completed();
  } else {
    control_.faulted();
  }
  on_end_(how);
}

}  // namespace cocoon::demo
