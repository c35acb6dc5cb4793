#pragma once
/// @file How current a platform is: matching of TCB levels and merging of statuses. Steps 9 to 12
/// of attestation.md section 1.3; Intel's reference is the Quote Verification Library (evaluation
/// of SGX and TDX TCB, relaunch check).

#include <optional>
#include <string>
#include <vector>

#include "attest/tcb_info.h"
#include "base/bytes.h"
#include "cocoon/attestation.h"

namespace cocoon::attest {

/// The platform's own status, made worse by those of the quoting enclave and the TDX module: any
/// `revoked` wins; `out_of_date` takes away "up to date" and "SW hardening needed" and joins
/// "configuration needed". Components that need configuration add that too.
TcbStatus converge(TcbStatus platform, const std::vector<TcbStatus>& components);

/// For guests that kept running across an update of the TDX module: the status at launch, turned
/// into "relaunch advised" where the platform was out of date then and is not now. A platform that
/// is revoked now is revoked.
TcbStatus merge_relaunch(TcbStatus launch, TcbStatus current);

/// The first level whose ISV SVN is at most `isv_svn`; null where none is.
const IsvLevel* find_level(const std::vector<IsvLevel>& levels, unsigned isv_svn);

/// The first level that a platform reaches: all SGX components and the PCE SVN at least the level's
/// and, where `tee_tcb_svn` is given, the TDX components too. Bytes 0 and 1 of those are the
/// module's version, which its own identity judges where byte 1 is not zero. Null where no level is
/// reached.
const PlatformLevel* find_level(const std::vector<PlatformLevel>& levels, const PckExtension& pck,
                                const ByteArray<16>* tee_tcb_svn);

/// Why a TDX module is not one that Intel vouches for; `part` is empty, "mrsigner" or "attributes".
struct ModuleMismatch {
  std::string part;
};

/// The TDX module of one TEE_TCB_SVN.
struct ModuleMatch {
  std::optional<ModuleMismatch> mismatch;
  /// Its identity, where its major version (byte 1) is not zero: then it has levels of its own.
  const TdxModuleIdentity* identity = nullptr;
};
ModuleMatch match_module(const TcbInfo& info, const ByteArray<16>& tee_tcb_svn,
                         const TdxMeasurement& mr_signer_seam, const ByteArray<8>& seam_attributes);

/// One evaluation: each part's status, and what they make together.
struct TcbEvaluation {
  std::optional<TcbStatus> platform;
  std::optional<TcbStatus> qe;
  std::optional<TcbStatus> module;
  /// Nothing where some part reaches no level.
  std::optional<TcbStatus> status;
  UnixTime date{};                      ///< the earliest of the parts'
  std::vector<std::string> advisories;  ///< of all parts, sorted, each once
};

/// Evaluates the levels that the parts reached. Null: no level; `module` is skipped where
/// `has_module` is false.
/// @pre every status of the documents is known
TcbEvaluation evaluate_levels(const PlatformLevel* platform, const IsvLevel* qe,
                              const IsvLevel* module, bool has_module);

}  // namespace cocoon::attest
