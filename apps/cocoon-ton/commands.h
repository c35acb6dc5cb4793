#pragma once
/// @file What cocoon-ton can do. Each command prints to standard output or returns an error.

#include <cstdint>
#include <string>

#include "cocoon/result.h"

namespace cocoon::app {

/// Prints the roots of the bag of cells in `file` ("-": standard input).
Status show_boc(const std::string& file, bool json);

/// Prints every form of an address.
Status show_address(const std::string& text, bool json);

struct WalletCommand {
  std::string public_key;  ///< 64 hexadecimal digits
  std::string version;     ///< v3r2, v4r2 or v5r1
  std::int32_t workchain = 0;
  bool testnet = false;
  bool json = false;
};
/// Prints where the first wallet of a key lives.
Status show_wallet(const WalletCommand& command);

struct InspectCommand {
  std::string address;       ///< whose state is asked for
  std::string data;          ///< instead: a file with a contract's data
  std::string api;           ///< the URL of toncenter's API, without the method
  std::string api_key_file;  ///< empty: none
  std::string ca_file;       ///< empty: the system's authorities
  bool json = false;
};
/// Prints an account, and what its data says if it is a contract that this library knows.
/// Errors of a server are of kind unavailable, timeout or busy.
Status inspect(const InspectCommand& command);

}  // namespace cocoon::app
