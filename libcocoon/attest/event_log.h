#pragma once
/// @file The boot event log of a TDX guest (CCEL): what was measured into RTMR0 to RTMR3, so that a
/// reader can tell from measurements what booted. The log itself is not signed; it is worth
/// something only where its replay gives the quote's registers.
///
/// Format: TCG PC Client Platform Firmware Profile, section 10.2 (TCG_PCR_EVENT,
/// TCG_EfiSpecIDEvent, TCG_PCR_EVENT2); TDX virtual firmware design guide, section 8 (registers);
/// ACPI 6.5 section 5.2.34 (the table). All integers are little-endian.

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// The four runtime measurement registers.
using Rtmrs = std::array<TdxMeasurement, 4>;

/// One measured event.
struct MeasuredEvent {
  std::uint32_t register_index = 0;  ///< 1 to 4 stand for RTMR0 to RTMR3; 0 for MRTD
  std::uint32_t type = 0;
  TdxMeasurement digest{};  ///< SHA-384
  ByteView data;            ///< into the parsed bytes
};

/// Events of this type (EV_NO_ACTION) inform; they are not measured.
inline constexpr std::uint32_t kNoActionEvent = 3;

/// Reads a log up to its end, which is the end of the bytes or a register index of 0xFFFFFFFF (logs
/// lie in buffers filled with ones). Every event must have a SHA-384 digest.
/// Errors: attestation/event_log_malformed.
Result<std::vector<MeasuredEvent>> parse_event_log(ByteView log);

/// The registers that the events give, starting from zero.
Rtmrs replay(const std::vector<MeasuredEvent>& events);

/// Where the firmware says that the log lies: the ACPI table CCEL.
struct CcelTable {
  std::uint8_t type = 0;  ///< 2 = TDX
  std::uint64_t log_bytes = 0;
  std::uint64_t log_address = 0;
};

/// Reads the table; checks its length and sum. Errors: attestation/ccel_malformed.
Result<CcelTable> parse_ccel_table(ByteView table);

}  // namespace cocoon::attest
