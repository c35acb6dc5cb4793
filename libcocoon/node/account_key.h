#pragma once
/// @file Persistent keys in files of their owners alone; that of an account is in the role's state
/// directory.

#include <string>

#include "cocoon/result.h"
#include "crypto/ed25519.h"

namespace cocoon::node {

/// `state_dir`/account.key: PKCS #8 PEM, mode 0600.
std::string account_key_path(const std::string& state_dir);

/// Loads a key (PKCS #8 PEM). Errors: io/account_key_unusable (not there, unreadable, not a key, or
/// readable by others).
Result<crypto::SigningKey> load_key(const std::string& path);
/// The same; makes a key (0600) where there is no such file.
Result<crypto::SigningKey> load_or_create_key(const std::string& path);

/// Loads the account key of `state_dir`; makes directory (0700) and key (0600) where there are
/// none. Errors: io/state_dir_unusable, io/account_key_unusable (unreadable, not a key, or readable
/// by others).
Result<crypto::SigningKey> load_or_create_account_key(const std::string& state_dir);

}  // namespace cocoon::node
