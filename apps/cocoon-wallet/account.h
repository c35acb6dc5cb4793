#pragma once
/// @file Whose money it is: the account of a role, by the file that the role starts with.

#include <string>

#include "cocoon/result.h"
#include "crypto/ed25519.h"
#include "node/ledger.h"

namespace cocoon::app {

enum class AccountRole { client, proxy, worker };

/// Where a role keeps its state, and its ledger.
struct Place {
  AccountRole role{};
  std::string state_dir;
  node::LedgerOptions ledger;
};

struct Account {
  Place place;
  crypto::SigningKey key;

  AccountRole role() const { return place.role; }
  AccountId id() const { return key.account_id(); }
};

/// Which file was named on the command line; one of them.
struct AccountFiles {
  std::string client;
  std::string proxy;
  std::string worker;
};

/// Reads the file. Errors: those of the configuration; invalid_argument/bad_value.
Result<Place> read_place(const AccountFiles& files);

/// Reads the file, and the account's key in its state_dir; makes folder and key where there are
/// none. Errors: those of read_place() and of load_or_create_account_key().
Result<Account> open_account(const AccountFiles& files);

}  // namespace cocoon::app
