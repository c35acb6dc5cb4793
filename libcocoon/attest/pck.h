#pragma once
/// @file Intel's extension in PCK certificates: which platform, and how current it was when the
/// certificate was issued ("Intel SGX PCK Certificate and Certificate Revocation List Profile
/// Specification", section 1.3.5; attestation.md section 1.1).

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::attest {

inline constexpr std::string_view kSgxExtensionOid = "1.2.840.113741.1.13.1";

using Fmspc = ByteArray<6>;
using PceId = ByteArray<2>;

/// The contents of the extension.
struct PckExtension {
  PlatformId ppid;
  ByteArray<16> sgx_components{};  ///< TCB component SVNs 1 to 16
  std::uint16_t pce_svn = 0;
  ByteArray<16> cpu_svn{};
  PceId pce_id{};
  Fmspc fmspc{};
  std::uint32_t sgx_type = 0;  ///< 0 standard, 1 scalable, 2 scalable with integrity
  // Certificates of the Platform CA only:
  std::optional<PlatformId> platform_instance_id;
  std::optional<bool> dynamic_platform;
  std::optional<bool> cached_keys;
  std::optional<bool> smt_enabled;
};

/// Reads the value of the extension. Every element may occur once; unknown ones are passed over.
/// Errors: attestation/pck_extension_invalid.
Result<PckExtension> parse_pck_extension(ByteView der);

}  // namespace cocoon::attest
