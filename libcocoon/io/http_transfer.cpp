#include "io/http_transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/clock.h"

namespace cocoon::io {
namespace {

bool is_field_name(std::string_view name) {
  constexpr std::string_view kAllowed = "!#$%&'*+-.^_`|~";  // RFC 9110 section 5.6.2
  for (const char c : name) {
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!alnum && kAllowed.find(c) == std::string_view::npos) return false;
  }
  return !name.empty();
}

bool is_field_value(std::string_view value) {
  for (const char c : value) {
    if (c == '\r' || c == '\n' || c == '\0') return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

Status check_http_url(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  char* scheme = nullptr;
  char* user = nullptr;
  const bool good = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) == CURLUE_OK &&
                    curl_url_get(parsed.get(), CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                    (std::strcmp(scheme, "http") == 0 || std::strcmp(scheme, "https") == 0) &&
                    curl_url_get(parsed.get(), CURLUPART_USER, &user, 0) == CURLUE_NO_USER;
  curl_free(scheme);
  curl_free(user);
  if (good) return ok();
  return Error(ErrorKind::invalid_argument, "bad_url",
               fmt::format("\"{}\" is no URL of the form http://HOST:PORT/… or https://HOST/… "
                           "without user and password",
                           url.substr(0, 200)));
}

HttpTransfer::Impl::Impl(std::shared_ptr<HttpClient::Impl> client, HttpRequest request,
                         HttpEvents events)
    : client_(std::move(client)),
      request_(std::move(request)),
      on_sent_(std::move(events.on_sent)),
      on_head_(std::move(events.on_head)),
      on_body_(std::move(events.on_body)),
      on_done_(std::move(events.on_done)),
      deadline_(client_->context(), [this] { check_deadlines(); }) {}

HttpTransfer::Impl::~Impl() {
  release(false);
}

Status HttpTransfer::Impl::prepare() {
  COCOON_CHECK(client_->check_url(request_.url));
  COCOON_CHECK(set_fields());
  easy_ = client_->take_easy();
  if (easy_ == nullptr) return Error(ErrorKind::io, "no_memory", "libcurl gives no handle");
  CURL* e = easy_;
  curl_easy_setopt(e, CURLOPT_PRIVATE, this);
  curl_easy_setopt(e, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(e, CURLOPT_ERRORBUFFER, error_text_);
  curl_easy_setopt(e, CURLOPT_HTTPHEADER, fields_);
  const std::string& path = request_.unix_socket;
  curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, path.empty() ? nullptr : path.c_str());
  if (request_.method == HttpMethod::post) {
    curl_easy_setopt(e, CURLOPT_POST, 1L);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, request_.body.data());
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  } else {
    curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
  }
  // Zero: libcurl's own, five minutes.
  curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(request_.deadlines.connect.count()));
  curl_easy_setopt(e, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(e, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(e, CURLOPT_WRITEDATA, this);
  started_ = last_byte_ = now().mono;
  deadline_.set(next_deadline());
  return ok();
}

Status HttpTransfer::Impl::set_fields() {
  // Without this a POST of more than 1 KiB waits for "100 Continue", which engines do not send.
  fields_ = curl_slist_append(fields_, "Expect:");
  for (const HttpField& f : request_.fields) {
    if (!is_field_name(f.name) || !is_field_value(f.value)) {
      return Error(ErrorKind::invalid_argument, "bad_field",
                   fmt::format("the header field \"{}\" has a character that HTTP forbids",
                               f.name.substr(0, 100)));
    }
    // libcurl writes an empty value only where a semicolon stands for the colon.
    const std::string line = f.value.empty() ? f.name + ";" : f.name + ": " + f.value;
    fields_ = curl_slist_append(fields_, line.c_str());
  }
  return ok();
}

/// What libcurl knows of a transfer that did not end by itself is better forgotten.
void HttpTransfer::Impl::release(bool reusable) {
  if (easy_ != nullptr && reusable) {
    client_->give_back(std::exchange(easy_, nullptr));
  } else if (easy_ != nullptr) {
    curl_easy_cleanup(std::exchange(easy_, nullptr));
  }
  if (fields_ != nullptr) curl_slist_free_all(std::exchange(fields_, nullptr));
}

// --- Called by libcurl: note, and do not call it back ---

int HttpTransfer::Impl::on_send(void* self, char*, char*, int, int) {
  auto* transfer = static_cast<Impl*>(self);
  if (!transfer->sent_) {
    transfer->sent_ = true;
    transfer->client_->deliver_later(*transfer);
    return CURL_PREREQFUNC_OK;
  }
  // libcurl repeats a request by itself when a kept connection turns out to be dead; a POST may
  // have had its effect by then.
  if (transfer->request_.method == HttpMethod::get) return CURL_PREREQFUNC_OK;
  transfer->refuse(ErrorKind::upstream, "closed_before_answer",
                   fmt::format("{} closed the connection instead of answering; the request may "
                               "have been carried out, so it was not sent again",
                               transfer->request_.url));
  return CURL_PREREQFUNC_ABORT;
}

std::size_t HttpTransfer::Impl::on_header(char* data, std::size_t size, std::size_t count,
                                          void* self) {
  auto* transfer = static_cast<Impl*>(self);
  // What follows a complete head is the trailer of a chunked body, of no use to anyone here.
  if (transfer->head_complete_) return size * count;
  return transfer->take_header({data, size * count}) ? size * count : 0;
}

bool HttpTransfer::Impl::take_header(std::string_view line) {
  head_bytes_ += line.size();
  if (head_bytes_ > limits::kMaxHttpHeaderBytes) {
    return refuse(ErrorKind::upstream, "head_too_large",
                  fmt::format("the answer of {} has more than {} bytes of header fields",
                              request_.url, limits::kMaxHttpHeaderBytes));
  }
  if (!in_head_) return take_status(line);
  const std::string_view text = trimmed(line);
  if (text.empty()) {
    // An interim answer (100, 103) is followed by the real one.
    in_head_ = false;
    head_complete_ = head_.status >= 200;
    if (head_complete_) client_->deliver_later(*this);
    return true;
  }
  const std::size_t colon = text.find(':');
  const bool folded = line.front() == ' ' || line.front() == '\t';
  if (folded || colon == std::string_view::npos || !is_field_name(text.substr(0, colon))) {
    return refuse(ErrorKind::upstream, "bad_answer",
                  fmt::format("the answer of {} has a malformed header field", request_.url));
  }
  HttpField f{lower(text.substr(0, colon)), std::string(trimmed(text.substr(colon + 1)))};
  if (f.name == "content-length") {
    if (!content_length_.empty() && content_length_ != f.value) {
      return refuse(ErrorKind::upstream, "bad_answer",
                    fmt::format("the answer of {} declares two different lengths", request_.url));
    }
    content_length_ = f.value;
  }
  head_.fields.push_back(std::move(f));
  return true;
}

bool HttpTransfer::Impl::take_status(std::string_view line) {
  head_ = {};
  content_length_.clear();
  in_head_ = true;
  const std::size_t space = line.find(' ');
  // "HTTP/1.1 200 OK": three digits after the first space.
  const std::string_view digits = space == std::string_view::npos ? "" : line.substr(space + 1, 3);
  for (const char c : digits) {
    if (c < '0' || c > '9') break;
    head_.status = head_.status * 10 + (c - '0');
  }
  if (head_.status < 100 || head_.status > 599 || head_.status == 101) {
    return refuse(ErrorKind::upstream, "bad_answer",
                  fmt::format("the answer of {} has no usable HTTP status", request_.url));
  }
  return true;
}

std::size_t HttpTransfer::Impl::on_data(char* data, std::size_t size, std::size_t count,
                                        void* self) {
  auto* transfer = static_cast<Impl*>(self);
  const std::size_t bytes = size * count;
  if (transfer->body_bytes_ + bytes > transfer->request_.max_body_bytes) {
    transfer->refuse(ErrorKind::upstream, "answer_too_large",
                     fmt::format("the answer of {} has more than the {} bytes allowed",
                                 transfer->request_.url, transfer->request_.max_body_bytes));
    return 0;
  }
  if (transfer->paused_ || transfer->inbox_.size() + bytes > limits::kHttpInboxBytes) {
    transfer->held_ = true;
    transfer->client_->deliver_later(*transfer);
    return CURL_WRITEFUNC_PAUSE;
  }
  transfer->body_came_ = true;
  transfer->body_bytes_ += bytes;
  if (transfer->inbox_.empty()) transfer->inbox_.reserve(limits::kHttpReadBytes);
  append(transfer->inbox_, as_bytes({data, bytes}));
  transfer->client_->deliver_later(*transfer);
  return bytes;
}

bool HttpTransfer::Impl::refuse(ErrorKind kind, std::string_view code, std::string detail) {
  refused_ = Error(kind, code, std::move(detail));
  return false;
}

// --- Called from the loop ---

/// libcurl reports each chunk of an answer; the clock is asked once for all that came together.
void HttpTransfer::Impl::note_progress() {
  if (!std::exchange(body_came_, false)) return;
  last_byte_ = now().mono;
  if (!std::exchange(body_begun_, true)) deadline_.set(next_deadline());
}

void HttpTransfer::Impl::set_result(CURLcode code) {
  if (refused_) {
    result_ = std::move(*refused_);
  } else if (code != CURLE_OK) {
    result_ = failure(code);
  } else if (!head_complete_) {
    result_ = failure(CURLE_GOT_NOTHING);
  } else {
    result_ = ok();
  }
  client_->deliver_later(*this);
}

void HttpTransfer::Impl::deliver() {
  const auto keep = shared_from_this();
  if (ended_) return;
  note_progress();
  if (sent_ && !sent_delivered_) {
    sent_delivered_ = true;
    on_sent_();
  }
  if (!ended_ && head_complete_ && !head_delivered_) {
    head_delivered_ = true;
    on_head_(head_);
  }
  while (!ended_ && !paused_ && !inbox_.empty()) {
    Bytes piece;
    piece.swap(inbox_);
    on_body_(piece);
    // Keep the allocation for the next piece.
    piece.clear();
    if (inbox_.empty()) inbox_.swap(piece);
  }
  if (ended_ || paused_) return;
  if (result_) return finish(std::move(*result_));
  if (held_) {
    held_ = false;
    // May come back with more right away, which is delivered at the end of the turn.
    curl_easy_pause(easy_, CURLPAUSE_CONT);
  }
}

void HttpTransfer::Impl::set_paused(bool paused) {
  if (ended_ || paused_ == paused) return;
  paused_ = paused;
  if (paused) return;
  last_byte_ = now().mono;
  deadline_.set(next_deadline());
  client_->deliver_later(*this);
}

void HttpTransfer::Impl::cancel() {
  end(false);
}

void HttpTransfer::Impl::end(bool in_order) {
  if (ended_) return;
  const auto keep = shared_from_this();
  ended_ = true;
  deadline_.stop();
  client_->remove(*this);
  release(in_order);
  on_sent_ = {};
  on_head_ = {};
  on_body_ = {};
  on_done_ = {};
}

void HttpTransfer::Impl::finish(Status status) {
  const Slot<Status> on_done = std::move(on_done_);
  end(status.has_value());
  on_done(std::move(status));
}

MonoTime HttpTransfer::Impl::next_deadline() const {
  const HttpDeadlines& d = request_.deadlines;
  MonoTime next = kNever;
  if (d.total > Millis::zero()) next = std::min(next, started_ + d.total);
  if (!body_begun_) {
    if (d.first_byte > Millis::zero()) next = std::min(next, started_ + d.first_byte);
  } else if (d.progress > Millis::zero() && !paused_) {
    next = std::min(next, last_byte_ + d.progress);
  }
  return next;
}

/// The timer is not moved by every byte: when it fires, it looks how far off the deadline is now.
void HttpTransfer::Impl::check_deadlines() {
  const auto keep = shared_from_this();
  const MonoTime time = now().mono;
  // A complete answer that waits for its owner has met its deadlines.
  if (ended_ || result_) return;
  if (const MonoTime next = next_deadline(); time < next) return deadline_.set(next);
  const HttpDeadlines& d = request_.deadlines;
  if (d.total > Millis::zero() && time >= started_ + d.total) {
    return finish(Error(
        ErrorKind::timeout, "total_timeout",
        fmt::format("{} did not finish its answer within {} ms", request_.url, d.total.count())));
  }
  if (!body_begun_) {
    return finish(
        Error(ErrorKind::timeout, "first_byte_timeout",
              fmt::format("{} sent nothing within {} ms", request_.url, d.first_byte.count())));
  }
  finish(Error(ErrorKind::timeout, "progress_timeout",
               fmt::format("{} stopped in the middle of its answer for {} ms", request_.url,
                           d.progress.count())));
}

Error HttpTransfer::Impl::connect_failure() const {
  long system = 0;
  curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &system);
  if (system == ECONNREFUSED || system == ENOENT) {
    return Error(ErrorKind::unavailable, "connection_refused",
                 fmt::format("nothing listens at {} (connection refused)", request_.url));
  }
  return Error(ErrorKind::unavailable, "unreachable",
               fmt::format("{} cannot be reached: {}", request_.url, error_text_));
}

Error HttpTransfer::Impl::failure(CURLcode code) const {
  const std::string& url = request_.url;
  const std::string_view why = error_text_[0] != '\0' ? error_text_ : curl_easy_strerror(code);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return Error(ErrorKind::unavailable, "name_not_found",
                   fmt::format("the host name of {} could not be resolved", url));
    case CURLE_COULDNT_CONNECT: return connect_failure();
    case CURLE_OPERATION_TIMEDOUT:
      return Error(ErrorKind::timeout, "connect_timeout",
                   fmt::format("{} did not accept a connection within {} ms", url,
                               request_.deadlines.connect.count()));
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
      return Error(ErrorKind::unavailable, "tls_failed",
                   fmt::format("no trusted TLS connection to {}: {}", url, why));
    case CURLE_PARTIAL_FILE:
      return Error(
          ErrorKind::upstream, "broken_off",
          fmt::format("{} closed the connection before the length it had declared: {}", url, why));
    case CURLE_GOT_NOTHING:
      return Error(ErrorKind::upstream, "closed_before_answer",
                   fmt::format("{} closed the connection without an answer", url));
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      // The same code stands for a malformed chunk; only the words tell the two apart.
      if (why.find("chunked-encoding") != std::string_view::npos) break;
      return Error(ErrorKind::upstream, "connection_reset",
                   fmt::format("the connection to {} was reset: {}", url, why));
    default: break;
  }
  return Error(ErrorKind::upstream, "bad_answer",
               fmt::format("{} did not answer as an HTTP server should: {}", url, why));
}

}  // namespace cocoon::io
