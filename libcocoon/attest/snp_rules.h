#pragma once
/// @file The part of policy.h that concerns SEV-SNP guests only.

#include <vector>

#include "attest/policy.h"
#include "attest/verdict.h"

namespace cocoon::attest {

/// All rules that a guest on a genuine platform breaks. Codes: snp_policy_reserved, migratable,
/// snp_abi, snp_smt, snp_sockets, snp_cxl, snp_platform_info, snp_alias_check, snp_vmpl,
/// snp_product, snp_tcb, snp_provisional, snp_chip_masked, snp_vlek, snp_no_revocation_list,
/// snp_id_key, snp_author_key.
std::vector<Refusal> snp_refusals(const SnpReport& report, const SnpPlatform& platform,
                                  const SnpPolicy& policy);

}  // namespace cocoon::attest
