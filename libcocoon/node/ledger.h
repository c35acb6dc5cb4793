#pragma once
/// @file The ledger that a node's options name.

#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/random.h"
#include "cocoon/ledger.h"
#include "cocoon/result.h"
#include "crypto/ed25519.h"
#include "io/context.h"
#include "ports/ledger.h"

namespace cocoon::node {

/// One of `path` and `ton` is set.
struct LedgerOptions {
  std::string path;  ///< the file of a local ledger
  std::optional<TonNetwork> ton;
  std::string state_dir;  ///< for what is remembered of a registry
  Logger log;
};

/// Opens it for `account`; blocks on files, and asks no server yet. Errors: those of
/// LocalLedgerPort::open(), ledger::ton_ledger_options() and TonLedgerPort::open();
/// invalid_argument/bad_option.
/// @param random outlives the ledger
Result<std::unique_ptr<ports::Ledger>> open_ledger(const io::Context& context,
                                                   const LedgerOptions& options,
                                                   const crypto::SigningKey& account,
                                                   Random& random);

}  // namespace cocoon::node
