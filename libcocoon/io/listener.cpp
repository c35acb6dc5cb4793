#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "io/descriptor.h"
#include "io/poll.h"
#include "io/slot.h"
#include "io/socket_address.h"
#include "io/tcp.h"
#include "io/timer.h"

namespace cocoon::io {
namespace {

Error cannot_bind(const Address& address, int error) {
  const std::string where = address.text();
  switch (error) {
    case EADDRINUSE:
      return Error(ErrorKind::io, "address_in_use",
                   fmt::format("address in use: {} (is another copy running? choose another "
                               "address, or port 0 for any)",
                               where));
    case EADDRNOTAVAIL:
      return Error(ErrorKind::io, "address_not_here",
                   fmt::format("{} is not an address of this machine", where));
    case EACCES:
    case EPERM:
      return Error(
          ErrorKind::io, "permission_denied",
          fmt::format("no permission to listen at {} (ports below 1024 are for root)", where));
    default: return system_error("cannot_listen", "cannot listen at " + where, error);
  }
}

/// True if `address` is a unix socket is left over from a process that is gone.
bool is_stale_socket(const Address& address, const SocketAddress& to) {
  struct stat file {};
  if (::lstat(address.unix_path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  auto probe = open_socket(AF_UNIX);
  if (!probe) return false;
  return ::connect(probe->get(), to.raw(), to.size) != 0 && errno == ECONNREFUSED;
}

Result<Descriptor> listen_at(const Address& address, const SocketAddress& at, int backlog) {
  COCOON_TRY(Descriptor fd, open_socket(at.family()));
  if (address.is_unix()) {
    // The mode of an unbound socket is that of the file which bind creates, less the umask.
    (void)::fchmod(fd.get(), S_IRUSR | S_IWUSR);
  } else {
    const int on = 1;
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (::bind(fd.get(), at.raw(), at.size) != 0) {
    const int error = errno;
    const bool stale = error == EADDRINUSE && address.is_unix() && is_stale_socket(address, at);
    if (!stale || ::unlink(address.unix_path.c_str()) != 0 ||
        ::bind(fd.get(), at.raw(), at.size) != 0) {
      return cannot_bind(address, error);
    }
  }
  if (::listen(fd.get(), backlog) != 0) return cannot_bind(address, errno);
  return fd;
}

}  // namespace

class Listener::Impl {
 public:
  Impl(const Context& context, Descriptor fd, Address address, Logger log,
       Callback<void(Connection)> on_accept)
      : context_(context),
        fd_(std::move(fd)),
        address_(std::move(address)),
        log_(std::move(log)),
        on_accept_(std::move(on_accept)),
        poll_(context, &Impl::on_poll, this),
        back_off_(context, [this] { watch(); }) {}

  ~Impl() {
    if (destroyed_ != nullptr) *destroyed_ = true;
    if (address_.is_unix()) (void)::unlink(address_.unix_path.c_str());
  }

  Status open() {
    COCOON_CHECK(poll_.open(fd_.get()));
    watch();
    return ok();
  }

  const Address& address() const { return address_; }

  void set_paused(bool paused) {
    paused_ = paused;
    watch();
  }

 private:
  static void on_poll(void* owner, int status, int) {
    auto* self = static_cast<Impl*>(owner);
    if (status == 0) return self->accept_some();
    self->back_off(EBADF);
  }

  void watch() {
    const bool listening = !paused_ && back_off_.deadline() == kNever;
    poll_.watch(listening ? UV_READABLE : 0);
  }

  void accept_some() {
    bool destroyed = false;
    destroyed_ = &destroyed;
    for (int i = 0; i < limits::kMaxAcceptsPerTurn && !paused_; ++i) {
      SocketAddress from;
      from.size = sizeof from.storage;
      const int fd = ::accept4(fd_.get(), from.raw(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) back_off(errno);
        break;
      }
      auto connection = Connection::adopt(context_, fd, address_.is_unix() ? "unix" : from.text());
      if (connection) on_accept_(std::move(connection).value());
      if (destroyed) return;
    }
    destroyed_ = nullptr;
  }

  /// No descriptor or memory: the connection stays in the kernel's queue, and trying again at once
  /// would spin.
  void back_off(int error) {
    log_.warning("{}; connections to {} wait (raise the limit of open files, ulimit -n)",
                 system_error("cannot_accept", "cannot accept a connection", error).detail(),
                 address_.text());
    back_off_.set_in(limits::kAcceptBackOff);
    watch();
  }

  Context context_;
  Descriptor fd_;
  Address address_;
  Logger log_;
  Slot<Connection> on_accept_;
  Poll poll_;
  Timer back_off_;
  bool paused_ = false;
  bool* destroyed_ = nullptr;
};

Result<Listener> Listener::open(const Context& context, const Address& address,
                                ListenOptions options, Callback<void(Connection)> on_accept) {
  const SocketAddress at = address.is_unix() ? SocketAddress::of_unix(address)
                                             : SocketAddress::of_numeric(address, true);
  if (at.size == 0) {
    return Error(ErrorKind::invalid_argument, "bad_address",
                 fmt::format("cannot listen at \"{}\": write a numeric address of this machine, "
                             "such as 127.0.0.1:{} or 0.0.0.0:{}",
                             address.text(), address.port, address.port));
  }
  COCOON_TRY(Descriptor fd, listen_at(address, at, options.backlog));
  Address bound = address;
  if (!address.is_unix()) {
    SocketAddress name;
    name.size = sizeof name.storage;
    if (::getsockname(fd.get(), name.raw(), &name.size) == 0) {
      COCOON_TRY(bound, Address::parse(name.text()));
    }
  }
  auto impl = std::make_unique<Impl>(context, std::move(fd), std::move(bound),
                                     std::move(options.log), std::move(on_accept));
  COCOON_CHECK(impl->open());
  return Listener(std::move(impl));
}

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&&) noexcept = default;
Listener::~Listener() = default;

const Address& Listener::address() const {
  return impl_->address();
}
void Listener::pause() {
  impl_->set_paused(true);
}
void Listener::resume() {
  impl_->set_paused(false);
}

}  // namespace cocoon::io
