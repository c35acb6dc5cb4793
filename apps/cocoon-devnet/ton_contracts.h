#pragma once
/// @file The contracts of a development network on the chain of apps/ton-devnet.

#include <string>
#include <vector>

#include "base/money.h"
#include "cocoon/ledger.h"
#include "cocoon/result.h"
#include "crypto/ed25519.h"
#include "ton_server.h"

namespace cocoon::app {

struct TonContracts {
  TonServer server;
  std::string state;  ///< the network's folder: keeper's key, network and signed registry are kept
  std::string model;
  std::string proxy_endpoint;
  Nano deposit;  ///< of the client's channel
  const crypto::SigningKey* client = nullptr;
  const crypto::SigningKey* proxy = nullptr;
  std::vector<AccountId> workers;
};

/// Where the network is remembered; there once it was made.
std::string ton_network_path(const std::string& state);

/// Makes what the chain and the folder lack: the root, the signed registry, money for all accounts,
/// the proxy's contract and the client's channel. Blocks until all of it stands on the chain.
/// @pre no role of the network runs: an account has one wallet at work at a time
/// @return the network as roles are told about it
/// Errors: those of tell() and of the ledger port; io where files cannot be used.
Result<TonNetwork> make_ton_contracts(const TonContracts& wanted);

}  // namespace cocoon::app
