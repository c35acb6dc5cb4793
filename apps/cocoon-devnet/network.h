#pragma once
/// @file A whole network on this machine: ledger, simulated platform, proxy, workers, client.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "children.h"
#include "cocoon/ledger.h"
#include "cocoon/result.h"
#include "crypto/ed25519.h"
#include "ton_server.h"

namespace cocoon::app {

struct NetworkOptions {
  std::string backend;                     ///< the engine's URL, without /v1
  std::string listen = "127.0.0.1:10000";  ///< of the gateway
  unsigned workers = 1;
  std::string model = "demo/echo";
  std::string state;       ///< directory; kept
  bool on_ton = false;     ///< whether the ledger is contracts on a chain of its own
  std::string ton_devnet;  ///< that chain's server.mjs; empty: the one beside the programs
  std::string deposit = "100 TON";
  unsigned capacity = 256;  ///< of each worker
};

class Network {
 public:
  explicit Network(NetworkOptions options);
  /// Kills what still runs.
  ~Network();

  /// Makes what the state directory lacks, starts everything, and returns when a request would
  /// succeed. `interrupted` is asked now and then.
  Status start(const std::function<bool()>& interrupted);
  /// "http://ADDR:PORT/v1".
  const std::string& url() const { return url_; }
  /// A child that has ended, or null.
  const Child* ended_child();
  /// Drains and stops: client, workers, proxy, and the chain once it has carried out everything.
  void stop();

 private:
  Status prepare();
  Status make_platform();
  Status make_local_ledger(const crypto::SigningKey& client, const crypto::SigningKey& proxy);
  Status make_ton_ledger(const crypto::SigningKey& client, const crypto::SigningKey& proxy);
  Status start_chain();
  Status start_proxy();
  Status start_worker(unsigned number);
  Status allow_model();
  Status make_app_channel(const std::string& proxy);
  Status write_client(const std::string& name, const std::string& listen) const;
  Status start_client();
  Status wait_until_served(const std::function<bool()>& interrupted);
  Result<std::string> ledger(std::vector<std::string> arguments);
  Status write_file(const std::string& path, const std::string& text) const;
  std::string path(const std::string& name) const { return options_.state + "/" + name; }
  std::string program(const std::string& name) const { return programs_ + "/" + name; }
  std::string ledger_key() const;
  std::string ledger_table() const;
  std::string policy(const std::string& section) const;
  std::string evidence() const;

  NetworkOptions options_;
  std::string programs_;  ///< where this program lies, and the others beside it
  std::string proxy_address_;
  std::string url_;
  std::optional<TonServer> chain_;  ///< set while it runs
  TonNetwork ton_;                  ///< with options_.on_ton: what the roles are told
  std::vector<Child> children_;     ///< in the order of starting
};

}  // namespace cocoon::app
