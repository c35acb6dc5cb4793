#pragma once
/// @file The parts that the configurations of several roles share.

#include <string>
#include <vector>

#include "cocoon/config.h"
#include "config/table.h"

namespace cocoon::config {

/// The top-level keys of every role: log_level, drain, ledger and state_dir.
/// @post `log` writes to standard error from the configured level on.
void read_common(Table& root, ProcessConfig& process, std::string& ledger_path,
                 std::string& state_dir, LogSink& log);

/// admin_listen: a loopback address, as it has no authentication.
void read_admin(Table& root, ProcessConfig& process);

/// The table `key` with an AttestationPolicy. It is required, and so is its list of images: a
/// default that admits nobody is safe, but never what the writer of a file means.
void read_policy(Table& root, std::string_view key, AttestationPolicy& policy);

/// The table [evidence]; absent: this machine's TDX.
void read_evidence(Table& root, EvidenceSource& evidence);

}  // namespace cocoon::config
