#pragma once
/// @file TDREPORT, what a TDX module tells a guest about itself: 1024 bytes under a MAC that only
/// the same machine can check. A quoting enclave turns one into a quote; alone it proves nothing.
///
/// Layout: Intel TDX Module ABI specification, "TDREPORT_STRUCT"; attestation.md section 1.1.

#include "attest/quote.h"
#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// The parts of a TDREPORT. All of them as they stand: nobody has signed them.
struct TdReportStruct {
  std::uint8_t type = 0;  ///< 0x81 in what a TDX module makes
  std::uint8_t subtype = 0;
  std::uint8_t version = 0;
  ByteArray<16> cpu_svn{};
  TdxMeasurement tee_tcb_info_hash{};
  TdxMeasurement td_info_hash{};
  /// The same values as in a quote; `current` is present, as in TD 1.5.
  TdReport td;
  /// Whether the two hashes above are those of the parts that follow. They are in every genuine
  /// one.
  bool hashes_match = false;
};

/// Reads exactly 1024 bytes. Errors: attestation/td_report_format.
Result<TdReportStruct> parse_td_report_struct(ByteView bytes);

inline constexpr std::size_t kTdReportStructBytes = 1024;
inline constexpr std::uint8_t kTdReportType = 0x81;

}  // namespace cocoon::attest
