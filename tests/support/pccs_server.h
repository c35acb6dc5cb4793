#pragma once
/// @file A PCCS for tests: a real HTTPS server on threads of its own, which answers, refuses, or
/// keeps everybody waiting.

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "attest/collateral.h"
#include "support/https_server.h"

namespace cocoon::test {

class PccsServer {
 public:
  /// Listens on a free loopback port, with a certificate for 127.0.0.1 that it has made.
  /// @param ca_file where that certificate is written, for those who are to trust it
  explicit PccsServer(const std::string& ca_file);
  ~PccsServer();
  PccsServer(const PccsServer&) = delete;
  PccsServer& operator=(const PccsServer&) = delete;

  std::string url() const;

  /// What it answers about the platforms with this FMSPC (12 lower-case hexadecimal digits). The
  /// lists of the authorities are those of the last call.
  void serve(const std::string& fmspc, const attest::CollateralText& collateral);
  /// All questions get this status from now on; 200: what is served.
  void set_status(int status);
  /// Questions wait until release().
  void hold();
  void release();
  /// Ends the listener and all connections: whoever asks now meets nobody.
  void stop();

  /// Paths and queries that were asked, in order.
  std::vector<std::string> asked() const;

 private:
  std::string answer_to(const std::string& path);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, attest::CollateralText> platforms_;
  attest::CollateralText lists_;
  std::vector<std::string> asked_;
  int status_ = 200;
  bool held_ = false;
  bool stopping_ = false;

  HttpsServer server_;  // last: its threads use the rest
};

}  // namespace cocoon::test
