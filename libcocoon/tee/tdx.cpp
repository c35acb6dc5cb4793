#include "tee/tdx.h"

#include "tee/qgs.h"
#include "tee/td_report.h"
#include "tee/tsm.h"

namespace cocoon::tee {

std::string_view to_string(TdxWay way) {
  switch (way) {
    case TdxWay::configfs: return "configfs-tsm";
    case TdxWay::qgs: return "QGS";
  }
  return "unknown";
}

Result<Bytes> tdx_quote(TdxWay way, const TdxMachine& machine, const ByteArray<64>& report_data) {
  if (way == TdxWay::configfs) return tsm_quote(machine.configfs, report_data);
  const std::string device = machine.device.empty() ? std::string(kTdxDevice) : machine.device;
  COCOON_TRY(const Bytes td_report, read_td_report(device, report_data));
  return qgs_quote(machine.qgs, td_report);
}

MakeQuote tdx_quotes(TdxMachine machine) {
  return [machine = std::move(machine)](const ByteArray<64>& report_data) -> Result<Bytes> {
    std::string reasons;
    for (const TdxWay way : kTdxWays) {
      auto quote = tdx_quote(way, machine, report_data);
      if (quote) return quote;
      reasons.append("; by ").append(to_string(way)).append(": ").append(quote.error().detail());
    }
    return Error(ErrorKind::unavailable, "tdx_unavailable",
                 "this machine makes no TDX quote" + reasons +
                     ". `cocoon-attest source` tries again; a development network without TDX sets "
                     "kind = \"simulated\" under [evidence]");
  };
}

}  // namespace cocoon::tee
