#pragma once
/// @file Internal to io/: socket addresses as the system wants them.

#include <sys/socket.h>

#include <string>

#include "io/address.h"
#include "io/descriptor.h"

namespace cocoon::io {

/// A system socket address of any family.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }

  /// As Address::text() writes it; "unix" for any unix socket.
  std::string text() const;

  static SocketAddress of(const sockaddr* address, socklen_t size);
  /// @pre address.is_unix()
  static SocketAddress of_unix(const Address& address);
  /// Nothing resolved: an empty result (size 0) where the host is a name. "localhost" counts as
  /// 127.0.0.1 if `localhost_is_numeric`.
  static SocketAddress of_numeric(const Address& address, bool localhost_is_numeric);
};

/// A non-blocking stream socket that children of the process do not inherit.
Result<Descriptor> open_socket(int family);

}  // namespace cocoon::io
