#pragma once
/// @file Asks NVIDIA's services: for manifests, and whether certificates were revoked.

#include <string>
#include <vector>

#include "base/time.h"
#include "cocoon/result.h"
#include "commands.h"
#include "rim/ocsp.h"

namespace cocoon::app {

/// Fetches a manifest by its id. Errors: those of rim_url, run_on_loop and read_rim_answer.
Result<std::string> fetch_rim(const std::string& id, const std::string& service,
                              const std::string& ca_file);

/// Asks about each certificate from `first` on, but the root, which nobody can revoke. Returns
/// what speaks against them, empty where all are good. An error where the service gives no answer
/// at all: then nothing is known. Errors: those of OcspQuestion::create and run_on_loop;
/// upstream/ocsp_status.
Result<std::vector<std::string>> revoked(const CheckedChain& chain, std::size_t first,
                                         const OcspOptions& options, UnixTime now);

}  // namespace cocoon::app
