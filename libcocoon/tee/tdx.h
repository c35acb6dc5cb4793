#pragma once
/// @file Quotes of the TDX guest that this process runs in. There are two ways to one, and they are
/// tried in this order:
///
/// 1. configfs-tsm, where the kernel asks the host (tsm.h);
/// 2. a TDREPORT from /dev/tdx_guest, which Intel's Quote Generation Service makes a quote of
///    (qgs.h): for kernels without configfs-tsm, and for hosts that serve QGS by vsock only.
///
/// Either way the quote passes through the host, which can refuse it but not forge it.

#include <array>
#include <string>
#include <string_view>

#include "tee/source.h"

namespace cocoon::tee {

enum class TdxWay { configfs, qgs };
inline constexpr std::array<TdxWay, 2> kTdxWays = {TdxWay::configfs, TdxWay::qgs};
/// "configfs-tsm" or "QGS".
std::string_view to_string(TdxWay way);

/// Where the interfaces of the machine are.
struct TdxMachine {
  std::string configfs;
  std::string device;  ///< empty: /dev/tdx_guest
  QgsAddress qgs;
};

/// Asks one way only. Nothing about the quote is checked. Blocks, by either way for half a minute
/// at most; any thread. Errors: those of tsm_quote(), or of read_td_report() and qgs_quote().
Result<Bytes> tdx_quote(TdxWay way, const TdxMachine& machine, const ByteArray<64>& report_data);

/// The quote of the first way that gives one.
/// Errors of each call: unavailable/tdx_unavailable with what stands in either way.
MakeQuote tdx_quotes(TdxMachine machine);

}  // namespace cocoon::tee
