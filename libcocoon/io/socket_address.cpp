#include "io/socket_address.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace cocoon::io {

SocketAddress SocketAddress::of(const sockaddr* address, socklen_t size) {
  SocketAddress out;
  out.size = std::min<socklen_t>(size, sizeof out.storage);
  std::memcpy(&out.storage, address, out.size);
  return out;
}

SocketAddress SocketAddress::of_unix(const Address& address) {
  SocketAddress out;
  auto* un = reinterpret_cast<sockaddr_un*>(&out.storage);
  un->sun_family = AF_UNIX;
  const std::size_t length = std::min(address.unix_path.size(), sizeof un->sun_path - 1);
  std::memcpy(un->sun_path, address.unix_path.data(), length);
  out.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + 1);
  return out;
}

SocketAddress SocketAddress::of_numeric(const Address& address, bool localhost_is_numeric) {
  const char* host = address.host.c_str();
  if (localhost_is_numeric && address.host == "localhost") host = "127.0.0.1";
  sockaddr_in v4{};
  if (uv_ip4_addr(host, address.port, &v4) == 0) {
    return of(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  }
  sockaddr_in6 v6{};
  if (uv_ip6_addr(host, address.port, &v6) == 0) {
    return of(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
  }
  return {};
}

std::string SocketAddress::text() const {
  char host[INET6_ADDRSTRLEN] = "?";
  if (family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    (void)uv_ip4_name(v4, host, sizeof host);
    return fmt::format("{}:{}", host, ntohs(v4->sin_port));
  }
  if (family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    (void)uv_ip6_name(v6, host, sizeof host);
    return fmt::format("[{}]:{}", host, ntohs(v6->sin6_port));
  }
  return "unix";
}

Result<Descriptor> open_socket(int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return system_error("no_socket", "the system gives no further socket", errno);
  return Descriptor(fd);
}

}  // namespace cocoon::io
