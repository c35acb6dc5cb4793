#pragma once
/// @file Addresses as people write them in options and configs.

#include <cstdint>
#include <string>
#include <string_view>

#include "cocoon/result.h"

namespace cocoon::io {

/// Where to listen or to connect: a host and a TCP port, or the path of a unix socket.
struct Address {
  std::string host;        ///< name or numeric address without brackets; empty for a unix socket
  std::uint16_t port = 0;  ///< 0 means "any" when listening
  std::string unix_path;   ///< empty for TCP

  bool is_unix() const { return !unix_path.empty(); }
  /// As parse() reads it: `host:port`, `[v6]:port`, `unix:/path`.
  std::string text() const;
  friend bool operator==(const Address&, const Address&) = default;

  /// Reads `host:port`, `[v6]:port` or `unix:/path`. A port is never implied.
  /// Errors: `invalid_argument` saying what was expected.
  static Result<Address> parse(std::string_view text);
};

}  // namespace cocoon::io
