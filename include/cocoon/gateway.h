#pragma once
/// @file Gateway: the OpenAI-compatible HTTP server in front of a Client.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cocoon/client.h"

COCOON_ABI_BEGIN

struct GatewayOptions {
  std::string listen = "127.0.0.1:10000";  ///< "address:port"; port 0 takes a free one
  /// Where not empty, callers must send one of these as `Authorization: Bearer …`.
  std::vector<std::string> api_keys;
  /// `Host` values accepted beside loopback names ("gateway.example", with or without port).
  std::vector<std::string> allowed_hosts;
  /// `Origin` values of web pages that may call; empty: none.
  std::vector<std::string> allowed_origins;
  /// Connections held at once; further ones wait in the accept queue.
  std::uint32_t max_connections = 4096;
  std::size_t max_request_bytes = 8 * 1024 * 1024;
  LogSink log;
  std::shared_ptr<Metrics> metrics;  ///< shown at /metrics
};

class COCOON_API Gateway {
 public:
  /// Binds the address. @pre `client` lives, on the same loop, until on_stopped.
  static Result<Gateway> create(Loop loop, Client& client, GatewayOptions options);
  Gateway(Gateway&&) noexcept;
  Gateway& operator=(Gateway&&) noexcept;
  /// Closes at once; calls nothing back.
  ~Gateway();

  Status start();
  /// The bound "address:port".
  std::string address() const;
  /// Stops accepting, lets running requests finish within `grace`. Asked again: as
  /// Client::stop().
  void stop(std::chrono::milliseconds grace, Callback<void()> on_stopped);

 private:
  struct COCOON_HIDDEN Impl;
  COCOON_HIDDEN explicit Gateway(std::shared_ptr<Impl>);
  std::shared_ptr<Impl> impl_;
};

COCOON_ABI_END
