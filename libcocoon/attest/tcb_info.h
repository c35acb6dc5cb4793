#pragma once
/// @file Intel's two signed documents, TCB info version 3 and enclave identity version 2, as values
/// (Intel PCS API v4, "TCB Info V3" and "Enclave Identity V2"). Who signed them and whether they
/// are current is verify.h's affair.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/pck.h"
#include "base/bytes.h"
#include "base/time.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// What a TCB level says about those that reach it.
struct LevelVerdict {
  /// Nothing where the document used a word that the verifier does not know.
  std::optional<TcbStatus> status;
  UnixTime date{};
  std::vector<std::string> advisories;
};

/// A level of a platform.
struct PlatformLevel {
  ByteArray<16> sgx_components{};
  std::uint16_t pce_svn = 0;
  ByteArray<16> tdx_components{};  ///< zeros in TCB info for SGX
  LevelVerdict verdict;
};

/// A level of the quoting enclave or of a TDX module.
struct IsvLevel {
  std::uint16_t isv_svn = 0;
  LevelVerdict verdict;
};

/// A TDX module that Intel vouches for.
struct TdxModuleIdentity {
  std::string id;  ///< "TDX_01"; empty for the entry `tdxModule`
  TdxMeasurement mr_signer{};
  ByteArray<8> attributes{};
  ByteArray<8> attributes_mask{};
  std::vector<IsvLevel> levels;  ///< highest first
};

/// What both documents begin with.
struct DocumentHead {
  std::string id;
  std::uint64_t version = 0;
  UnixTime issue_date{};
  UnixTime next_update{};
  std::uint32_t tcb_evaluation_number = 0;
  /// Whether every tcbStatus in the document is a word that its kind of level may use.
  bool statuses_known = true;
};

struct TcbInfo {
  DocumentHead head;
  Fmspc fmspc{};
  PceId pce_id{};
  std::optional<TdxModuleIdentity> module;
  std::vector<TdxModuleIdentity> module_identities;
  std::vector<PlatformLevel> levels;  ///< highest first
};

/// The identity of a quoting enclave.
struct QeIdentity {
  DocumentHead head;
  std::uint32_t misc_select = 0;
  std::uint32_t misc_select_mask = 0;
  ByteArray<16> attributes{};
  ByteArray<16> attributes_mask{};
  Hash mr_signer{};
  std::uint16_t isv_prod_id = 0;
  std::vector<IsvLevel> levels;  ///< highest first
};

/// Reads the exact text that Intel signed. A document of another id or version than the verifier
/// knows gives its head alone. Unknown members are passed over.
/// Errors: attestation/tcb_info_format.
Result<TcbInfo> parse_tcb_info(std::string_view json);
/// Errors: attestation/qe_identity_format.
Result<QeIdentity> parse_qe_identity(std::string_view json);

inline constexpr std::uint64_t kTcbInfoVersion = 3;
inline constexpr std::uint64_t kQeIdentityVersion = 2;

}  // namespace cocoon::attest
