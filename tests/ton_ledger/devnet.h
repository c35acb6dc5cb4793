#pragma once
/// @file A chain of the test's own: apps/ton-devnet as a process, the contracts in the real TVM.

#include <sys/types.h>

#include <string>

#include "base/money.h"
#include "codec/json.h"
#include "io/http_client.h"
#include "ton/address.h"

namespace cocoon::test {

class Devnet {
 public:
  /// Starts it and waits until it listens. COCOON_TON_DEVNET names its server.mjs.
  explicit Devnet(int block_ms);
  /// Ends it, and waits until it has ended.
  ~Devnet();
  Devnet(const Devnet&) = delete;
  Devnet& operator=(const Devnet&) = delete;

  /// Where toncenter's API is; empty where it could not be started (a test failure).
  const std::string& url() const { return url_; }

 private:
  pid_t child_ = -1;
  int output_ = -1;
  std::string url_;
};

}  // namespace cocoon::test
