#pragma once
// The local ledger's operations, on a file that is synchronised as nodes' is.

#include <string>
#include <vector>

namespace cocoon::bench {

struct Operation {
  std::string name;
  std::vector<double> us;  ///< one of each, sent and carried out
};

/// @param folder gets the ledger's file: put it on the disk that is meant
std::vector<Operation> local_operations(const std::string& folder);

}  // namespace cocoon::bench
