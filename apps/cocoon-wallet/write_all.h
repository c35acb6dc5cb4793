#pragma once
/// @file Several vouchers, presented one after the other.

#include <string>
#include <vector>

#include "commands.h"
#include "session.h"

namespace cocoon::app {

struct DueWrite {
  std::string name;  ///< whose it is
  Nano amount;       ///< what it pays
  ports::LedgerRequest request;
};

Nano total_of(const std::vector<DueWrite>& writes);

/// Presents each, and says what became of it; one that fails does not stop the others.
/// @return refused where one has failed
Result<Exit> write_all(Session& session, std::vector<DueWrite> writes);

}  // namespace cocoon::app
