#include "image/registers.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/hash.h"

namespace cocoon::app {

namespace {

using attest::MeasuredEvent;

// Event types: TCG PC Client Platform Firmware Profile, section 10.4.1.
constexpr std::uint32_t kSeparator = 0x00000004;
constexpr std::uint32_t kEventTag = 0x00000006;
constexpr std::uint32_t kPlatformConfig = 0x0000000A;
constexpr std::uint32_t kVariableConfig = 0x80000001;
constexpr std::uint32_t kVariableBoot = 0x80000002;
constexpr std::uint32_t kApplication = 0x80000003;
constexpr std::uint32_t kAction = 0x80000007;
constexpr std::uint32_t kFirmwareBlob2 = 0x8000000A;
constexpr std::uint32_t kHandOffTables2 = 0x8000000B;
constexpr std::uint32_t kVariableBoot2 = 0x8000000C;
constexpr std::uint32_t kVariableAuthority = 0x800000E0;

constexpr std::string_view kCalling = "Calling EFI Application from Boot Option";
constexpr std::string_view kLeaving = "Exit Boot Services Invocation";
constexpr std::string_view kLeft = "Exit Boot Services Returned with Success";
constexpr ByteArray<4> kZeros{};

// Linux's tags of what its stub measures.
constexpr std::string_view kLoadOptionsTag = "LOADED_IMAGE::LoadOptions";
constexpr std::string_view kInitrdTag = "Linux initrd";

const char* const kHandOffName = "TD hand-off block";
const char* const kConfigurationName = "configuration volume";
const char* const kKernelName = "kernel";
const char* const kOptionsName = "kernel's load options";
const char* const kInitrdName = "initrd";

ExpectedEvent computed(std::string name, const TdxMeasurement& digest) {
  return {std::move(name), digest, false, {}};
}

ExpectedEvent unknown(std::string name, std::string reason) {
  return {std::move(name), std::nullopt, false, std::move(reason)};
}

ExpectedEvent constant(std::string_view text) {
  return computed(std::string(text), crypto::sha384(as_bytes(text)));
}

ExpectedEvent separator() {
  return computed("separator", crypto::sha384(kZeros));
}

/// The digest where there is one, else `reason`.
ExpectedEvent given(const char* name, const std::optional<TdxMeasurement>& digest,
                    const char* reason) {
  return digest ? computed(name, *digest) : unknown(name, reason);
}

bool contains(ByteView data, std::string_view text) {
  return as_text(data).find(text) != std::string_view::npos;
}

/// The name of a UEFI variable in its event (UEFI_VARIABLE_DATA: GUID, two lengths, UTF-16).
std::string variable_name(ByteView data) {
  ByteReader in(data);
  (void)in.take(16);
  const std::uint64_t characters = in.u64le();
  (void)in.take(8);
  std::string out;
  constexpr std::size_t kShown = 32;
  for (std::uint64_t i = 0; i < characters && i < kShown && !in.failed(); ++i) {
    const std::uint16_t c = in.u16le();
    if (!in.failed()) out += c >= 0x20 && c < 0x7F ? static_cast<char>(c) : '?';
  }
  return out;
}

std::string name_of(const MeasuredEvent& event) {
  switch (event.type) {
    case kSeparator: return "separator";
    case kAction: return std::string(as_text(event.data));
    case kPlatformConfig: return "ACPI table";
    case kHandOffTables2: return kHandOffName;
    case kFirmwareBlob2: return kConfigurationName;
    case kApplication: return "EFI program";
    case kVariableConfig:
    case kVariableBoot:
    case kVariableBoot2:
    case kVariableAuthority: return "variable " + variable_name(event.data);
    case kEventTag:
      if (contains(event.data, kLoadOptionsTag)) return kOptionsName;
      if (contains(event.data, kInitrdTag)) return kInitrdName;
      break;
    default: break;
  }
  return fmt::format("event of type {:#010x}", event.type);
}

/// Whether an event says the same at every boot, and the log tells its digest rightly.
bool is_constant(const MeasuredEvent& event) {
  const std::string_view text = as_text(event.data);
  const bool known =
      event.type == kSeparator
          ? equal_public(event.data, kZeros)
          : event.type == kAction && (text == kCalling || text == kLeaving || text == kLeft);
  return known && event.digest == crypto::sha384(event.data);
}

std::vector<const MeasuredEvent*> of_register(const std::vector<MeasuredEvent>& log,
                                              std::uint32_t rtmr) {
  std::vector<const MeasuredEvent*> out;
  for (const MeasuredEvent& event : log) {
    if (event.type != attest::kNoActionEvent && event.register_index == rtmr + 1) {
      out.push_back(&event);
    }
  }
  return out;
}

ExpectedEvent logged(const MeasuredEvent& event) {
  ExpectedEvent out = computed(name_of(event), event.digest);
  out.from_log = !is_constant(event);
  return out;
}

ExpectedRegister all_logged(const std::vector<const MeasuredEvent*>& events) {
  ExpectedRegister out;
  out.all_from_log = true;
  for (const MeasuredEvent* event : events) out.events.push_back(logged(*event));
  return out;
}

/// RTMR0 as OVMF makes it, as far as files tell.
ExpectedRegister firmware_events(const GuestFiles& files) {
  constexpr const char* kVariables =
      "variables are not read out of the firmware; an event log has them";
  constexpr const char* kAcpi =
      "QEMU makes the ACPI tables of its version and of the guest's processors, memory and "
      "devices; "
      "an event log has them";
  constexpr const char* kBoot =
      "boot options depend on the firmware's and on the guest's devices; an event log has them";
  ExpectedRegister out;
  out.events.push_back(given(kHandOffName, files.hand_off,
                             "it depends on the guest's memory: give --memory, or an event log"));
  out.events.push_back(given(kConfigurationName, files.configuration,
                             "the firmware file has none: give the file that has both volumes"));
  for (const char* name : {"SecureBoot", "PK", "KEK", "db", "dbx"}) {
    out.events.push_back(unknown(std::string("variable ") + name, kVariables));
  }
  out.events.push_back(separator());
  for (const char* name : {"ACPI table loader", "ACPI root pointer", "ACPI tables"}) {
    out.events.push_back(unknown(name, kAcpi));
  }
  out.events.push_back(unknown("variables BootOrder and Boot####", kBoot));
  return out;
}

/// The log's RTMR0, unless the files contradict it.
ExpectedRegister logged_firmware_events(const GuestFiles& files,
                                        const std::vector<const MeasuredEvent*>& events) {
  ExpectedRegister out = all_logged(events);
  const auto compare = [&out](const char* name, const std::optional<TdxMeasurement>& digest,
                              const char* what) {
    if (!digest) return;
    for (ExpectedEvent& event : out.events) {
      if (event.name != name) continue;
      if (*event.digest == *digest) {
        event.from_log = false;
      } else {
        event = unknown(name, fmt::format("the event log has another, so it is of a guest with {}, "
                                          "and its other events may differ, too",
                                          what));
      }
      return;
    }
  };
  compare(kHandOffName, files.hand_off, "other memory or firmware");
  compare(kConfigurationName, files.configuration, "other firmware");
  return out;
}

std::string no_direct_boot(const std::string& name) {
  return fmt::format("the event log is not of a kernel booted directly: it has \"{}\"", name);
}

/// RTMR1: the kernel as a program, and what every boot says.
ExpectedRegister kernel_events(const DirectBoot& boot,
                               const std::optional<std::vector<const MeasuredEvent*>>& log) {
  ExpectedRegister out;
  if (boot.unified) {
    out.reason =
        "the kernel is a unified image, whose stub loads another program; give an event "
        "log, and no kernel";
    return out;
  }
  const ExpectedEvent kernel = given(kKernelName, boot.kernel, boot.kernel_reason.c_str());
  if (!log) {
    out.events = {kernel, constant(kCalling), separator(), constant(kLeaving), constant(kLeft)};
    return out;
  }
  std::size_t programs = 0;
  for (const MeasuredEvent* event : *log) {
    const bool program = event->type == kApplication;
    if (!program && !is_constant(*event)) {
      out.reason = no_direct_boot(name_of(*event));
      return out;
    }
    programs += program ? 1 : 0;
    out.events.push_back(program ? kernel : logged(*event));
  }
  if (programs != 1) out.reason = no_direct_boot(fmt::format("{} EFI programs", programs));
  return out;
}

/// RTMR2: what Linux's stub measures.
ExpectedRegister stub_events(const DirectBoot& boot,
                             const std::optional<std::vector<const MeasuredEvent*>>& log) {
  ExpectedRegister out;
  if (boot.unified) {
    out.reason =
        "the kernel is a unified image, whose stub measures its sections; give an event "
        "log, and no kernel";
    return out;
  }
  if (boot.command_line.empty() && !boot.initrd) {
    out.events.push_back(unknown(kOptionsName,
                                 "firmware need not accept an event without content, "
                                 "and there are no command line and no initrd"));
  } else {
    out.events.push_back(
        computed(kOptionsName, load_options_digest(boot.command_line, boot.initrd.has_value())));
  }
  if (boot.initrd) out.events.push_back(computed(kInitrdName, *boot.initrd));
  if (!log) return out;
  std::vector<std::string> expected;
  std::vector<std::string> found;
  for (const ExpectedEvent& event : out.events) expected.push_back(event.name);
  for (const MeasuredEvent* event : *log) found.push_back(name_of(*event));
  if (expected != found) {
    out.reason = fmt::format("the event log's boot measured {}, and this one would measure {}",
                             found.empty() ? "nothing" : fmt::format("{}", fmt::join(found, ", ")),
                             fmt::join(expected, ", "));
  }
  return out;
}

}  // namespace

std::vector<std::string> ExpectedRegister::missing() const {
  if (!reason.empty()) return {reason};
  std::vector<std::string> out;
  for (const ExpectedEvent& event : events) {
    if (!event.digest) out.push_back(event.name + ": " + event.reason);
  }
  return out;
}

bool ExpectedRegister::from_log() const {
  return all_from_log ||
         std::any_of(events.begin(), events.end(), [](const auto& e) { return e.from_log; });
}

TdxMeasurement ExpectedRegister::value() const {
  TdxMeasurement out{};
  for (const ExpectedEvent& event : events) {
    Bytes both = to_bytes(out);
    append(both, *event.digest);
    out = crypto::sha384(both);
  }
  return out;
}

TdxMeasurement load_options_digest(const std::string& command_line, bool initrd) {
  ByteWriter out;
  for (const char c : command_line + (initrd ? " initrd=initrd" : "") + '\0') {
    out.u16le(static_cast<std::uint8_t>(c));
  }
  return crypto::sha384(out.take());
}

std::array<ExpectedRegister, 3> expected_registers(
    const GuestFiles& files, const std::optional<std::vector<MeasuredEvent>>& log) {
  std::optional<std::vector<const MeasuredEvent*>> logged_events[3];
  for (std::uint32_t i = 0; log && i < 3; ++i) logged_events[i] = of_register(*log, i);
  std::array<ExpectedRegister, 3> out;
  out[0] = log ? logged_firmware_events(files, *logged_events[0]) : firmware_events(files);
  if (files.boot) {
    out[1] = kernel_events(*files.boot, logged_events[1]);
    out[2] = stub_events(*files.boot, logged_events[2]);
    return out;
  }
  for (std::size_t i : {1, 2}) {
    if (log) {
      out[i] = all_logged(*logged_events[i]);
    } else {
      out[i].reason = "it depends on what is booted: give --kernel, or an event log";
    }
  }
  return out;
}

}  // namespace cocoon::app
