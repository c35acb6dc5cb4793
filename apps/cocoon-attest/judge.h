#pragma once
/// @file Evidence, judged: what `verify`, `certificate` and bundles share.

#include <optional>

#include "attest/gpu_verify.h"
#include "attest/policy.h"
#include "attest/trusted_root.h"
#include "attest/verify.h"
#include "base/time.h"
#include "commands.h"
#include "config/sections.h"
#include "report.h"

namespace cocoon::app {

/// JudgeOptions with their files read.
struct Judge {
  UnixTime now{};
  attest::TrustedRoot root;
  std::optional<config::PolicyFile> policy;  ///< nothing: strict
  attest::GpuRoot gpu_root = attest::GpuRoot::nvidia();

  /// Errors: invalid_argument/time_invalid, invalid_argument/gpu_root_not_simulated, those of
  /// read_file, TrustedRoot, GpuRoot and parse_policy_file.
  static Result<Judge> open(const JudgeOptions& options);

  /// The policy's word on a verdict.
  attest::PolicyDecision decide(const attest::Verdict& verdict) const;
};

/// The moment that people name: "2026-01-15T12:00:00Z", with or without the Z, always UTC; or
/// seconds since 1970; now where it is empty. Errors: invalid_argument/time_invalid.
Result<UnixTime> parse_moment(const std::string& text);

/// Reads a file in the layout of the test vectors. Errors: those of read_file and
/// CollateralText::from_json.
Result<attest::CollateralText> read_collateral(const std::string& path);

/// What `verify --json` prints: verdict, accepted, tcb_status, advisories, reasons, measurements
/// and expires, and nothing else.
Report verdict_report(const attest::Verdict& verdict, const attest::PolicyDecision& decision);

/// One fault in words, with what to do.
std::string explain(const attest::Finding& finding);

/// How `verify` ends with this verdict.
Exit exit_of(const attest::Verdict& verdict, const attest::PolicyDecision& decision);

}  // namespace cocoon::app
