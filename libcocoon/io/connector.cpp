#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <vector>

#include "io/context_state.h"
#include "io/descriptor.h"
#include "io/poll.h"
#include "io/slot.h"
#include "io/socket_address.h"
#include "io/tcp.h"
#include "io/timer.h"
#include "io/turn.h"

namespace cocoon::io {
namespace {

/// A name look-up in libuv's thread pool. It outlives a connector that gives up.
struct Lookup {
  using Found = Callback<void(int status, const addrinfo* first)>;

  uv_getaddrinfo_t request{};
  std::shared_ptr<ContextState> context;
  Found found;  // empty once nobody waits

  /// Null where libuv refuses to start (`status` says why).
  static Lookup* start(const Context& context, const Address& address, Found found, int& status) {
    auto* self = new Lookup;
    self->context = context.state();
    self->found = std::move(found);
    self->request.data = self;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
    self->context->hold();
    status = uv_getaddrinfo(self->context->loop(), &self->request, &Lookup::done,
                            address.host.c_str(), std::to_string(address.port).c_str(), &hints);
    if (status == 0) return self;
    self->context->release();
    delete self;
    return nullptr;
  }

  void forget() {
    found = {};
    (void)uv_cancel(reinterpret_cast<uv_req_t*>(&request));
  }

  static void done(uv_getaddrinfo_t* request, int status, addrinfo* first) {
    auto* self = static_cast<Lookup*>(request->data);
    if (self->found) self->found(status, first);
    uv_freeaddrinfo(first);
    const auto context = std::move(self->context);
    delete self;
    context->release();
  }
};

}  // namespace

class Connector::Impl {
 public:
  Impl(const Context& context, const Address& address, Callback<void(Result<Connection>)> on_result)
      : context_(context),
        address_(address),
        on_result_(std::move(on_result)),
        poll_(context, &Impl::on_poll, this),
        deadline_(context, [this] { time_out(); }),
        next_turn_(context, TurnPhase::work, [this] { try_next(); }) {}

  ~Impl() {
    if (lookup_ != nullptr) lookup_->forget();
  }

  void start(Millis deadline) {
    deadline_.set_in(deadline);
    SocketAddress known = address_.is_unix() ? SocketAddress::of_unix(address_)
                                             : SocketAddress::of_numeric(address_, false);
    if (known.size > 0) {
      candidates_.push_back(known);
      next_turn_.arm();
      return;
    }
    int status = 0;
    lookup_ = Lookup::start(
        context_, address_, [this](int rc, const addrinfo* first) { resolved(rc, first); }, status);
    if (lookup_ == nullptr) {
      failure_ = name_not_found(status);
      next_turn_.arm();
    }
  }

 private:
  static void on_poll(void* owner, int, int) { static_cast<Impl*>(owner)->answered(); }

  Error name_not_found(int status) const {
    return Error(ErrorKind::unavailable, "name_not_found",
                 fmt::format("the host name of {} could not be resolved: {}", address_.text(),
                             uv_strerror(status)));
  }

  void resolved(int status, const addrinfo* first) {
    lookup_ = nullptr;
    if (status != 0) failure_ = name_not_found(status);
    for (const addrinfo* a = status == 0 ? first : nullptr; a != nullptr; a = a->ai_next) {
      candidates_.push_back(SocketAddress::of(a->ai_addr, a->ai_addrlen));
    }
    try_next();
  }

  void try_next() {
    while (next_ < candidates_.size()) {
      const SocketAddress& to = candidates_[next_++];
      poll_.close();
      auto opened = open_socket(to.family());
      if (!opened) {
        failure_ = std::move(opened).error();
        continue;
      }
      fd_ = std::move(opened).value();
      if (::connect(fd_.get(), to.raw(), to.size) == 0) return succeed();
      if (errno != EINPROGRESS) {
        note_failure(errno);
        continue;
      }
      if (Status watched = poll_.open(fd_.get()); !watched) {
        failure_ = std::move(watched).error();
        continue;
      }
      poll_.watch(UV_WRITABLE);
      return;
    }
    finish(failure_ ? std::move(*failure_)
                    : Error(ErrorKind::unavailable, "name_not_found",
                            fmt::format("the host name of {} has no address", address_.text())));
  }

  void answered() {
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return succeed();
    note_failure(error);
    try_next();
  }

  void note_failure(int error) {
    if (error == ECONNREFUSED || error == ENOENT) {
      failure_ = Error(ErrorKind::unavailable, "connection_refused",
                       fmt::format("nothing listens at {} (connection refused)", address_.text()));
      return;
    }
    failure_ = Error(ErrorKind::unavailable, "unreachable",
                     fmt::format("{} cannot be reached: {}", address_.text(), uv_strerror(-error)));
  }

  void succeed() {
    poll_.close();
    const int family = candidates_[next_ - 1].family();
    const std::string peer = family == AF_UNIX ? "unix" : candidates_[next_ - 1].text();
    finish(Connection::adopt(context_, std::move(fd_).release(), peer));
  }

  void time_out() {
    finish(Error(ErrorKind::timeout, "connect_timeout",
                 fmt::format("{} did not answer in time", address_.text())));
  }

  /// Last: the callback may destroy this object.
  void finish(Result<Connection> result) {
    poll_.close();
    fd_.close();
    deadline_.stop();
    if (lookup_ != nullptr) std::exchange(lookup_, nullptr)->forget();
    std::exchange(on_result_, {})(std::move(result));
  }

  Context context_;
  Address address_;
  Slot<Result<Connection>> on_result_;
  Descriptor fd_;
  Poll poll_;
  Timer deadline_;
  TurnHook next_turn_;
  Lookup* lookup_ = nullptr;  // frees itself
  std::vector<SocketAddress> candidates_;
  std::size_t next_ = 0;
  std::optional<Error> failure_;  // of the latest candidate
};

Connector::Connector(const Context& context, const Address& address, Millis deadline,
                     Callback<void(Result<Connection>)> on_result)
    : impl_(std::make_unique<Impl>(context, address, std::move(on_result))) {
  impl_->start(deadline);
}

Connector::~Connector() = default;

}  // namespace cocoon::io
