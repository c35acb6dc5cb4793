#pragma once
/// @file The table [snp] of a policy file: which SEV-SNP guests are good enough.

#include "cocoon/attestation.h"
#include "config/table.h"

namespace cocoon::config {

/// Reads the keys of SnpPolicy by their names there. The floor of the TCB is a table for each
/// product that is admitted, [snp.minimum_tcb.Milan], with a number for each of its parts: none may
/// be left out, because a part that was forgotten would count as any.
void read_snp_policy(Table& table, SnpPolicy& policy);

}  // namespace cocoon::config
