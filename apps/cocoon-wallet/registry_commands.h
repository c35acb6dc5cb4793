#pragma once
/// @file The registry: what a node works with, and what keepers sign.

#include <string>

#include "commands.h"

namespace cocoon::app {

/// What a node of this configuration works with, who has signed it, and what the ledger has beside
/// it. Changes nothing, and needs no account.
Result<Exit> show_registry(const Common& common, bool json);

struct SignCommand {
  std::string key;   ///< the keeper's file
  std::string file;  ///< where signatures are gathered; empty: the configuration's registry_file
  bool offline = false;  ///< sign what is in the file, without a look at the ledger
};
/// Adds a keeper's signature to the registry that the root shows.
Result<Exit> sign_registry(const Common& common, const SignCommand& command);

/// Whether enough of the configuration's keepers have signed; says who has not.
/// @param file empty: the configuration's registry_file
Result<Exit> verify_registry(const Common& common, const std::string& file);

/// Prints the public half of a keeper's key; makes the key where there is none.
Result<Exit> show_keeper(const std::string& key);

}  // namespace cocoon::app
