#pragma once
/// @file The persistent key of an account, in a file of the role's state directory.

#include <string>

#include "cocoon/result.h"
#include "crypto/ed25519.h"

namespace cocoon::node {

/// `state_dir`/account.key: PKCS #8 PEM, mode 0600.
std::string account_key_path(const std::string& state_dir);

/// Loads the account key of `state_dir`; makes directory (0700) and key (0600) where there are
/// none. Errors: io/state_dir_unusable, io/account_key_unusable (unreadable, not a key, or readable
/// by others).
Result<crypto::SigningKey> load_or_create_account_key(const std::string& state_dir);

}  // namespace cocoon::node
