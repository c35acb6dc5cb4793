#include "tee/td_report.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "attest/td_report_struct.h"
#include "io/descriptor.h"

namespace cocoon::tee {
namespace {

/// struct tdx_report_req. Written out here, because Debian 12's headers come without it.
struct ReportRequest {
  std::uint8_t report_data[64];
  std::uint8_t td_report[attest::kTdReportStructBytes];
};
constexpr unsigned long kGetReport0 = _IOWR('T', 1, ReportRequest);

Error cannot_open(const std::string& device, int number) {
  std::string_view advice;
  if (number == ENOENT || number == ENXIO || number == ENODEV) {
    advice =
        "; either this machine is no TDX guest, or the driver is not loaded: modprobe tdx_guest "
        "(Linux 6.2, CONFIG_TDX_GUEST_DRIVER)";
  } else if (number == EACCES || number == EPERM) {
    advice =
        "; run as root, or give this user access to the device (containers: hand the device in)";
  }
  return Error(ErrorKind::unavailable, "no_tdx_device",
               fmt::format("{}{}", io::system_error("", device, number).detail(), advice));
}

}  // namespace

Result<Bytes> read_td_report(const std::string& device, const ByteArray<64>& report_data) {
  const io::Descriptor fd(::open(device.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return cannot_open(device, errno);
  ReportRequest request{};
  std::memcpy(request.report_data, report_data.data(), report_data.size());
  if (::ioctl(fd.get(), kGetReport0, &request) != 0) {
    return io::system_error("td_report_failed",
                            device + " gives no TDREPORT (is it the driver for TDX guests?)",
                            errno);
  }
  return to_bytes(request.td_report);
}

}  // namespace cocoon::tee
