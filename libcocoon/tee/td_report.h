#pragma once
/// @file The TDREPORT of this guest, from the Linux driver for TDX guests.

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::tee {

inline constexpr std::string_view kTdxDevice = "/dev/tdx_guest";

/// The report over `report_data`, 1024 bytes (TDX_CMD_GET_REPORT0 of linux/tdx-guest.h, Linux 6.2).
/// Errors: unavailable/no_tdx_device, io/td_report_failed.
Result<Bytes> read_td_report(const std::string& device, const ByteArray<64>& report_data);

}  // namespace cocoon::tee
