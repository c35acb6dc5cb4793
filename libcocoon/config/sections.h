#pragma once
/// @file The parts that the configurations of several roles share.

#include <optional>
#include <string>
#include <vector>

#include "attest/policy.h"
#include "cocoon/config.h"
#include "config/table.h"

namespace cocoon::config {

/// What every role has: log_level, drain, ledger or [ton], and state_dir.
/// @post `log` writes to standard error from the configured level on.
void read_common(Table& root, ProcessConfig& process, std::string& ledger_path,
                 std::optional<TonNetwork>& ton, std::string& state_dir, LogSink& log);

/// admin_listen: a loopback address, as it has no authentication.
void read_admin(Table& root, ProcessConfig& process);

/// The table `key` with an AttestationPolicy. It is required: whom a node trusts is nothing to
/// forget.
/// @return the table, for what only some policies have in it
Table& read_policy(Table& root, std::string_view key, AttestationPolicy& policy);

/// The same for workers, who may have to show GPUs, too.
void read_worker_policy(Table& root, AttestationPolicy& policy);

/// A policy in a file of its own, as cocoon-attest takes it.
struct PolicyFile {
  AttestationPolicy policy;
  attest::Allowances allowances;
};

/// Reads the keys of a worker's policy section at the top level, and what no role has:
/// `allow_debug`, `allow_sept_ve` and `allow_migratable`, "snp" among `tees`, and the table [snp]
/// (snp_policy.h).
/// @param file the name to report errors with; relative paths in the text start at its folder
/// Errors: invalid_argument with a code of Reader::finish() or parse_document().
Result<PolicyFile> parse_policy_file(std::string_view text, const std::string& file);

/// The table [collateral]; absent: Intel's service.
void read_collateral(Table& root, CollateralSource& source);

/// The table [evidence]; absent: this machine's TDX.
/// @return the table, for what only some roles have in it
Table& read_evidence(Table& root, EvidenceSource& evidence);

/// What a worker has in its table [evidence] besides: its GPUs.
void read_gpu_evidence(Table& table, EvidenceSource& evidence);

}  // namespace cocoon::config
