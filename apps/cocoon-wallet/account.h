#pragma once
/// @file Whose money it is: the account of a role, by the file that the role starts with.

#include <string>

#include "cocoon/result.h"
#include "crypto/ed25519.h"
#include "node/ledger.h"

namespace cocoon::app {

enum class AccountRole { client, proxy, worker };

struct Account {
  AccountRole role{};
  std::string state_dir;
  node::LedgerOptions ledger;
  crypto::SigningKey key;

  AccountId id() const { return key.account_id(); }
};

/// Which file was named on the command line; one of them.
struct AccountFiles {
  std::string client;
  std::string proxy;
  std::string worker;
};

/// Reads the file, and the account's key in its state_dir; makes folder and key where there are
/// none. Errors: those of the configuration and of load_or_create_account_key();
/// invalid_argument/bad_value.
Result<Account> open_account(const AccountFiles& files);

}  // namespace cocoon::app
