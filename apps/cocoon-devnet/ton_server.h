#pragma once
/// @file apps/ton-devnet as one of this network's processes: a chain with the real TVM.

#include <string>
#include <vector>

#include "children.h"
#include "cocoon/result.h"

namespace cocoon::app {

/// How a development chain is reached.
struct TonServer {
  std::string address;  ///< "127.0.0.1:port"
  std::string api_key;

  std::string api_url() const { return "http://" + address + "/api/v2"; }
};

/// The server's place beside the programs of a build.
std::string default_ton_server(const std::string& programs);

/// The beginning of its command line. Errors, which say what to install: not_found/no_node,
/// not_found/no_ton_devnet.
/// @param script server.mjs
Result<std::vector<std::string>> ton_server_command(const std::string& script);

/// Gives the server an order (docs/ton.md "Orders to the devnet"). @return "result", as JSON
/// Errors: io/ton_devnet_failed.
Result<std::string> tell(const TonServer& server, const std::string& path, const std::string& json);

/// Whether all that was handed in has been carried out, with what followed from it.
bool is_at_rest(const TonServer& server);

}  // namespace cocoon::app
