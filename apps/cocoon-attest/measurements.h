#pragma once
/// @file Reports of what quotes and SEV-SNP reports contain, field by field.

#include "attest/pck.h"
#include "attest/quote.h"
#include "attest/snp_report.h"
#include "attest/verdict.h"
#include "report.h"

namespace cocoon::app {

/// What runs in the environment, with the image hash.
Report measurements(const attest::SgxReport& report);
Report measurements(const attest::TdReport& report);
Report measurements(const attest::SnpReport& report);

/// The platform, from its PCK certificate.
Report platform(const attest::PckExtension& extension);
/// The platform, from its VCEK or VLEK certificate, in the words of a policy's [snp].
Report platform(const attest::SnpPlatform& platform);

}  // namespace cocoon::app
