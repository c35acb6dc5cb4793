#include "tee/qgs.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
// After sys/socket.h, on which it depends.
#include <linux/vm_sockets.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "io/descriptor.h"
#include "tee/qgs_message.h"

namespace cocoon::tee {
namespace {

std::string_view advice(int number) {
  switch (number) {
    case EAFNOSUPPORT:
    case ENODEV:
    case ENETUNREACH:
    case EADDRNOTAVAIL:
      return "; this guest has no vsock: the host gives it one (QEMU: -device vhost-vsock-pci), "
             "and the guest loads vmw_vsock_virtio_transport";
    case ECONNREFUSED:
    case ECONNRESET:
    case ENOENT:
    case ETIMEDOUT:
      return "; nobody listens there: start qgsd on the host, and compare its port (\"port\" in "
             "/etc/qgs.conf) with the address";
    case EAGAIN: return "; it has no room for another connection now";
    case EACCES:
    case EPERM: return "; give this user access to the socket";
    default: return "";
  }
}

Error unreachable(int number) {
  return Error(
      ErrorKind::unavailable, "qgs_unreachable",
      fmt::format("{}{}", io::system_error("", "cannot connect", number).detail(), advice(number)));
}

/// One connection, one question, one answer, before the deadline.
class Exchange {
 public:
  explicit Exchange(Millis deadline) : until_(Clock::now() + deadline), deadline_(deadline) {}

  Status connect(const QgsAddress& address) {
    if (!address.unix_path.empty()) {
      sockaddr_un to{};
      to.sun_family = AF_UNIX;
      address.unix_path.copy(to.sun_path, sizeof to.sun_path - 1);
      return connect(reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
    sockaddr_vm to{};
    to.svm_family = AF_VSOCK;
    to.svm_cid = address.cid;
    to.svm_port = address.port;
    return connect(reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }

  Status send(ByteView bytes) {
    while (!bytes.empty()) {
      COCOON_CHECK(wait(POLLOUT, "takes no question"));
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && is_transient(errno)) continue;
      if (sent < 0) return lost("while it was asked", errno);
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    return ok();
  }

  Result<Bytes> receive(std::size_t size) {
    Bytes out(size);
    std::size_t received = 0;
    while (received < size) {
      COCOON_CHECK(wait(POLLIN, "does not answer"));
      const ssize_t n = ::recv(socket_.get(), out.data() + received, size - received, 0);
      if (n < 0 && is_transient(errno)) continue;
      if (n < 0) return lost("before its answer was complete", errno);
      if (n == 0) return lost("before its answer was complete", 0);
      received += static_cast<std::size_t>(n);
    }
    return out;
  }

 private:
  using Clock = std::chrono::steady_clock;

  static bool is_transient(int number) { return number == EAGAIN || number == EINTR; }

  static Error lost(std::string_view when, int number) {
    std::string what = fmt::format("the connection ended {}", when);
    if (number != 0) what = io::system_error("", what, number).detail();
    return Error(ErrorKind::unavailable, "qgs_connection_lost",
                 what + "; the log of QGS on the host says why (journalctl -u qgsd)");
  }

  Status connect(const sockaddr* address, socklen_t size) {
    socket_ =
        io::Descriptor(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_) return unreachable(errno);
    if (::connect(socket_.get(), address, size) == 0) return ok();
    if (errno != EINPROGRESS) return unreachable(errno);
    COCOON_CHECK(wait(POLLOUT, "does not take the connection"));
    int error = 0;
    socklen_t error_size = sizeof error;
    if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &error_size) != 0) error = errno;
    return error == 0 ? ok() : Status(unreachable(error));
  }

  Status wait(short events, std::string_view what_it_does) {
    for (;;) {
      const auto left = std::chrono::duration_cast<Millis>(until_ - Clock::now());
      pollfd entry{socket_.get(), events, 0};
      const int ready =
          ::poll(&entry, 1, static_cast<int>(std::max<Millis>(left, Millis(0)).count()));
      if (ready > 0) return ok();
      if (ready < 0 && errno != EINTR) return io::system_error("qgs_poll", "cannot wait", errno);
      if (Clock::now() < until_) continue;
      return Error(ErrorKind::timeout, "qgs_timeout",
                   fmt::format("it {} within {} s; its log on the host says more (journalctl -u "
                               "qgsd)",
                               what_it_does, std::chrono::duration<double>(deadline_).count()));
    }
  }

  io::Descriptor socket_;
  Clock::time_point until_;
  Millis deadline_;
};

Result<Bytes> exchange(const QgsAddress& address, ByteView td_report, Millis deadline) {
  Exchange exchange(deadline);
  COCOON_CHECK(exchange.connect(address));
  COCOON_CHECK(exchange.send(encode_quote_question(td_report)));
  COCOON_TRY(const Bytes prefix, exchange.receive(kQgsPrefixBytes));
  const std::uint32_t size = ByteReader(prefix).u32be();
  if (size > limits::kMaxQgsAnswerBytes) {
    return Error(ErrorKind::too_large, "quote_too_large",
                 fmt::format("it announces an answer of {} bytes; the limit is {}", size,
                             limits::kMaxQgsAnswerBytes));
  }
  COCOON_TRY(const Bytes answer, exchange.receive(size));
  return parse_quote_answer(answer);
}

}  // namespace

Result<Bytes> qgs_quote(const QgsAddress& address, ByteView td_report, Millis deadline) {
  auto quote = exchange(address, td_report, deadline);
  if (quote) return quote;
  return std::move(quote).error().within("QGS at " + address.to_text());
}

}  // namespace cocoon::tee
