#pragma once
/// @file The ledger of a network on TON, as a node reaches it.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "cocoon/export.h"

COCOON_ABI_BEGIN

/// A network whose contracts are on TON, and the servers by which this node reads and writes them.
/// The servers may lie: they can then refuse, delay and take away, but not let anybody in whom the
/// keepers have not signed for, nor make anybody pay twice (docs/ton.md "What an API that lies can
/// and cannot do").
struct TonNetwork {
  std::string network;   ///< the network's id, 32 hexadecimal digits
  std::string root;      ///< the address of its root contract, in any of TON's forms
  bool testnet = false;  ///< whether it is on TON's own test network
  /// Servers with toncenter's API, such as "https://toncenter.com/api/v2"; the first is preferred.
  std::vector<std::string> endpoints;
  /// A file with the key for these servers; empty: none.
  std::string api_key_file;
  /// Certificates (PEM) that vouch for the servers in place of the system's; empty: the system's.
  std::string ca_file;
  /// Who signs registries, 64 hexadecimal digits each, and how many of them it takes.
  std::vector<std::string> keepers;
  std::uint32_t keepers_needed = 0;
  /// The newest registry that they have signed (`cocoon-wallet registry sign`). A newer one may be
  /// put in its place at any time.
  std::string registry_file;
  /// How long the node works on with what it last read while no server answers: the longest that
  /// a removal from the registry goes unnoticed.
  std::chrono::seconds registry_max_age{24 * 3600};
};

COCOON_ABI_END
