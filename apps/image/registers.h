#pragma once
/// @file What RTMR0 to RTMR2 of a TDX guest will be, event by event, as far as the files that it
/// boots say; and the rest from the event log of a boot that is known to be good.
///
/// Sources: Intel TDX Virtual Firmware Design Guide, section 8; edk2 OvmfPkg/Tcg/TdTcg2Dxe (RTMR0,
/// RTMR1) and OvmfPkg/Library/X86QemuLoadImageLib (the kernel's options); Linux
/// drivers/firmware/efi/libstub/efi-stub-helper.c (RTMR2).

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attest/event_log.h"
#include "cocoon/attestation.h"

namespace cocoon::app {

/// One event that a register is extended by.
struct ExpectedEvent {
  std::string name;
  std::optional<TdxMeasurement> digest;  ///< nothing: not determined
  bool from_log = false;                 ///< the digest is the log's, and rests on nothing else
  std::string reason;                    ///< why it is not determined
};

/// One register.
struct ExpectedRegister {
  std::vector<ExpectedEvent> events;  ///< in their order
  bool all_from_log = false;          ///< nothing of it is of the files
  std::string reason;                 ///< why not even the events are known; empty: they are

  /// Why it is not determined, an entry each; empty: it is.
  std::vector<std::string> missing() const;
  /// Whether it, or any event of it, is only the log's word.
  bool from_log() const;
  /// @pre missing() is empty
  TdxMeasurement value() const;
};

/// A kernel that firmware boots without a boot loader (QEMU: -kernel).
struct DirectBoot {
  std::optional<TdxMeasurement> kernel;  ///< digest as an EFI program; nothing: `kernel_reason`
  std::string kernel_reason;
  bool unified = false;                  ///< its stub measures more than Linux's does
  std::string command_line;              ///< as given to QEMU
  std::optional<TdxMeasurement> initrd;  ///< of the file; nothing: none
};

/// What is known of a guest.
struct GuestFiles {
  std::optional<TdxMeasurement> configuration;  ///< tdvf_configuration()
  std::optional<TdxMeasurement> hand_off;       ///< tdvf_hand_off()
  std::optional<DirectBoot> boot;               ///< nothing: whatever it boots
};

/// RTMR0 to RTMR2. Without a log, the events are those of OVMF as of 2026 booting a kernel
/// directly. With one, they are the log's, and digests that the files give replace the log's:
/// - kernel, options and initrd may differ from the log's boot: that is what a new image is;
/// - hand-off block and configuration volume may not: then the log is of another machine or
///   firmware, and what it says of the rest of RTMR0 would be wrong.
std::array<ExpectedRegister, 3> expected_registers(
    const GuestFiles& files, const std::optional<std::vector<attest::MeasuredEvent>>& log);

/// Digest of the options that OVMF hands to a kernel, in UTF-16 with a zero at the end: the command
/// line and, where there is an initrd, " initrd=initrd". Characters outside ASCII, and a zero, have
/// no known form.
/// @pre the command line is ASCII
TdxMeasurement load_options_digest(const std::string& command_line, bool initrd);

}  // namespace cocoon::app
