#include "io/http_client.h"

#include <openssl/crypto.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "io/http_transfer.h"
#include "io/poll.h"

namespace cocoon::io {
namespace {

void start_libcurl() {
  static std::once_flag once;
  std::call_once(once, [] {
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
  });
}

}  // namespace

/// A socket that libcurl works with. That of a connection stays watched while the connection is
/// kept for the next request: to begin and end watching costs libuv more system calls than to send
/// the request.
struct HttpClient::Impl::Socket {
  Socket(Impl& to, curl_socket_t descriptor)
      : client(to), fd(descriptor), poll(to.context_, &Impl::on_poll, this) {}

  Impl& client;
  curl_socket_t fd;
  Poll poll;
  bool is_connection = false;  // opened by on_open, so on_close says when it goes
  bool wanted = false;         // libcurl wants to hear of it
};

HttpClient::Impl::Impl(const Context& context, const HttpClientOptions& options)
    : context_(context),
      ca_file_(options.ca_file),
      timer_(context, [this] { drive(CURL_SOCKET_TIMEOUT, 0); }),
      kick_(context, TurnPhase::work, [this] { drive(CURL_SOCKET_TIMEOUT, 0); }),
      deliver_(context, TurnPhase::work, [this] { deliver_all(); }) {
  start_libcurl();
  multi_ = curl_multi_init();
  const auto connections = static_cast<long>(options.max_connections);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Impl::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Impl::on_curl_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, connections);
}

HttpClient::Impl::~Impl() {
  close();
}

void HttpClient::Impl::close() {
  if (multi_ == nullptr) return;
  while (!transfers_.empty()) transfers_.back()->cancel();
  waiting_.clear();
  for (CURL* easy : std::exchange(idle_easies_, {})) curl_easy_cleanup(easy);
  curl_multi_cleanup(multi_);
  multi_ = nullptr;
  sockets_.clear();
  timer_.stop();
  kick_.disarm();
  deliver_.disarm();
}

Result<std::shared_ptr<HttpTransfer::Impl>> HttpClient::Impl::start(HttpRequest request,
                                                                    HttpEvents events) {
  auto transfer = std::make_shared<HttpTransfer::Impl>(shared_from_this(), std::move(request),
                                                       std::move(events));
  COCOON_CHECK(transfer->prepare());
  transfer->index = transfers_.size();
  transfers_.push_back(transfer);
  if (const CURLMcode rc = curl_multi_add_handle(multi_, transfer->easy()); rc != CURLM_OK) {
    transfer->cancel();
    return Error(ErrorKind::internal, "http_client", curl_multi_strerror(rc));
  }
  return transfer;
}

void HttpClient::Impl::remove(HttpTransfer::Impl& transfer) {
  curl_multi_remove_handle(multi_, transfer.easy());
  // Swap with the last; the caller keeps the transfer alive.
  const std::size_t at = transfer.index;
  std::swap(transfers_[at], transfers_.back());
  transfers_[at]->index = at;
  transfers_.pop_back();
}

void HttpClient::Impl::deliver_later(HttpTransfer::Impl& transfer) {
  if (transfer.waits_to_deliver) return;
  transfer.waits_to_deliver = true;
  waiting_.push_back(transfer.shared_from_this());
  deliver_.arm();
}

Status HttpClient::Impl::check_url(const std::string& url) {
  if (url == good_url_) return ok();
  COCOON_CHECK(check_http_url(url));
  good_url_ = url;
  return ok();
}

CURL* HttpClient::Impl::take_easy() {
  if (idle_easies_.empty()) return make_easy();
  CURL* easy = idle_easies_.back();
  idle_easies_.pop_back();
  return easy;
}

void HttpClient::Impl::give_back(CURL* easy) {
  if (multi_ == nullptr || idle_easies_.size() == limits::kIdleHttpHandles) {
    return curl_easy_cleanup(easy);
  }
  // These point into the transfer, which goes.
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, nullptr);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nullptr);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, nullptr);
  idle_easies_.push_back(easy);
}

/// To make a handle and end it costs libcurl as much as the exchange itself.
CURL* HttpClient::Impl::make_easy() {
  CURL* e = curl_easy_init();
  if (e == nullptr) return nullptr;
  curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(e, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
  // An empty proxy, unlike none, keeps libcurl from looking at http_proxy and its relatives.
  curl_easy_setopt(e, CURLOPT_PROXY, "");
  if (!ca_file_.empty()) {
    curl_easy_setopt(e, CURLOPT_CAINFO, ca_file_.c_str());
    curl_easy_setopt(e, CURLOPT_CAPATH, nullptr);  // else the system's count beside it
  }
  curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, static_cast<long>(limits::kHttpKeepIdle.count()));
  curl_easy_setopt(e, CURLOPT_BUFFERSIZE, static_cast<long>(limits::kHttpReadBytes));
  // The sockets of libcurl's connections are opened and closed through this client.
  curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, &Impl::on_open);
  curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, &Impl::on_close);
  curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, this);
  curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, &HttpTransfer::Impl::on_send);
  curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, &HttpTransfer::Impl::on_header);
  curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, &HttpTransfer::Impl::on_data);
  return e;
}

curl_socket_t HttpClient::Impl::on_open(void* self, curlsocktype, curl_sockaddr* address) {
  auto* client = static_cast<Impl*>(self);
  const int type = address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const int fd = ::socket(address->family, type, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  auto socket = std::make_unique<Socket>(*client, fd);
  socket->is_connection = true;
  client->sockets_[fd] = std::move(socket);
  return fd;
}

int HttpClient::Impl::on_close(void* self, curl_socket_t fd) {
  // The watching ends before the number can be given to another file.
  static_cast<Impl*>(self)->sockets_.erase(fd);
  return ::close(fd);
}

int HttpClient::Impl::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  static_cast<Impl*>(self)->watch(fd, what);
  return 0;
}

void HttpClient::Impl::watch(curl_socket_t fd, int what) {
  auto found = sockets_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (found == sockets_.end()) return;
    found->second->wanted = false;
    if (!found->second->is_connection) sockets_.erase(found);
    return;
  }
  if (found == sockets_.end()) {
    found = sockets_.emplace(fd, std::make_unique<Socket>(*this, fd)).first;
  }
  Socket& socket = *found->second;
  // A socket that cannot be watched ends by its deadline.
  if (!socket.poll.is_open() && !socket.poll.open(fd)) return;
  socket.wanted = what != CURL_POLL_NONE;
  int events = 0;
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= UV_READABLE;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= UV_WRITABLE;
  socket.poll.watch(events);
}

int HttpClient::Impl::on_curl_timer(CURLM*, long timeout_ms, void* self) {
  auto* client = static_cast<Impl*>(self);
  client->kick_.disarm();
  if (timeout_ms < 0) {
    client->timer_.stop();
  } else if (timeout_ms == 0) {
    client->timer_.stop();
    client->kick_.arm();
  } else {
    client->timer_.set_in(Millis(timeout_ms));
  }
  return 0;
}

void HttpClient::Impl::on_poll(void* socket, int status, int events) {
  auto* self = static_cast<Socket*>(socket);
  // The end of a kept connection: libcurl finds that out when it looks at it again.
  if (!self->wanted) return self->poll.watch(0);
  int mask = 0;
  if (status != 0) mask |= CURL_CSELECT_ERR;
  if ((events & UV_READABLE) != 0) mask |= CURL_CSELECT_IN;
  if ((events & UV_WRITABLE) != 0) mask |= CURL_CSELECT_OUT;
  self->client.drive(self->fd, mask);
}

void HttpClient::Impl::drive(curl_socket_t fd, int mask) {
  const auto keep = shared_from_this();
  int running = 0;
  (void)curl_multi_socket_action(multi_, fd, mask, &running);
  collect_results();
  deliver_all();
}

void HttpClient::Impl::collect_results() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    reinterpret_cast<HttpTransfer::Impl*>(transfer)->set_result(message->data.result);
  }
}

void HttpClient::Impl::deliver_all() {
  const auto keep = shared_from_this();
  deliver_.disarm();
  // Owners may add to the list, or end this client, while they are told.
  std::vector<std::shared_ptr<HttpTransfer::Impl>> now;
  now.swap(waiting_);
  for (const auto& transfer : now) {
    transfer->waits_to_deliver = false;
    transfer->deliver();
  }
  now.clear();
  if (waiting_.empty()) waiting_.swap(now);
}

std::string_view HttpAnswerHead::field(std::string_view name) const {
  for (const HttpField& f : fields) {
    if (f.name == name) return f.value;
  }
  return {};
}

HttpClient::HttpClient(const Context& context, HttpClientOptions options)
    : impl_(std::make_shared<Impl>(context, options)) {}

HttpClient::~HttpClient() {
  impl_->close();
}

Result<HttpTransfer> HttpClient::start(HttpRequest request, HttpEvents events) {
  COCOON_TRY(auto transfer, impl_->start(std::move(request), std::move(events)));
  return HttpTransfer(std::move(transfer));
}

HttpTransfer::HttpTransfer() = default;
HttpTransfer::HttpTransfer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpTransfer::HttpTransfer(HttpTransfer&&) noexcept = default;

HttpTransfer& HttpTransfer::operator=(HttpTransfer&& other) noexcept {
  if (this != &other) {
    cancel();
    impl_ = std::move(other.impl_);
  }
  return *this;
}

HttpTransfer::~HttpTransfer() {
  cancel();
}

void HttpTransfer::pause() {
  if (impl_) impl_->set_paused(true);
}
void HttpTransfer::resume() {
  if (impl_) impl_->set_paused(false);
}
void HttpTransfer::cancel() {
  if (impl_) impl_->cancel();
}

Result<HttpTransfer> fetch(HttpClient& client, HttpRequest request,
                           Callback<void(Result<HttpAnswer>)> on_answer) {
  struct Gathering {
    HttpAnswer answer;
    Callback<void(Result<HttpAnswer>)> on_answer;
  };
  auto state = std::make_shared<Gathering>();
  state->on_answer = std::move(on_answer);
  HttpEvents events;
  events.on_head = [state](const HttpAnswerHead& head) { state->answer.head = head; };
  events.on_body = [state](ByteView bytes) { state->answer.body += as_text(bytes); };
  events.on_done = [state](Status status) {
    if (status) {
      state->on_answer(std::move(state->answer));
    } else {
      state->on_answer(std::move(status).error());
    }
  };
  return client.start(std::move(request), std::move(events));
}

}  // namespace cocoon::io
