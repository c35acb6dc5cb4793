#include <fmt/format.h>

#include <algorithm>

#include "attest/event_log.h"
#include "attest/quote.h"
#include "attest/text.h"
#include "attest/verdict.h"
#include "base/limits.h"
#include "codec/hex.h"
#include "commands.h"
#include "common/read_file.h"
#include "crypto/hash.h"
#include "image/pe_image.h"
#include "image/registers.h"
#include "image/tdvf.h"
#include "report.h"

namespace cocoon::app {

namespace {

/// A guest's files, read.
struct Image {
  TdxMeasurement mr_td{};
  GuestFiles files;
};

Error misuse(std::string_view code, std::string detail) {
  return Error(ErrorKind::invalid_argument, code, std::move(detail));
}

Result<DirectBoot> read_boot(const ImageCommand& command) {
  DirectBoot out;
  out.command_line = command.command_line;
  const auto odd = [](char c) { return c <= 0 || c >= 0x7F; };
  if (out.command_line.size() > limits::kMaxCommandLineBytes ||
      std::any_of(out.command_line.begin(), out.command_line.end(), odd)) {
    return misuse("cmdline_invalid", fmt::format("--cmdline has to be ASCII, at most {} characters",
                                                 limits::kMaxCommandLineBytes));
  }
  std::uint64_t initrd_bytes = 0;
  if (!command.initrd.empty()) {
    COCOON_TRY(const std::string initrd, read_file(command.initrd, limits::kMaxInitrdBytes));
    if (initrd.empty()) return misuse("initrd_empty", command.initrd + " is empty");
    initrd_bytes = initrd.size();
    out.initrd = crypto::sha384(as_bytes(initrd));
  }
  COCOON_TRY(const std::string kernel, read_file(command.kernel, limits::kMaxKernelBytes));
  const auto digest = [&]() -> Result<TdxMeasurement> {
    if (command.kernel_header == "file") return authenticode_sha384(as_bytes(kernel));
    COCOON_TRY(const Bytes changed,
               with_qemu_setup_header(as_bytes(kernel), initrd_bytes, command.memory));
    return authenticode_sha384(changed);
  };
  out.unified = is_unified_kernel(as_bytes(kernel));
  if (command.kernel_header == "qemu" && initrd_bytes != 0 && command.memory == 0) {
    out.kernel_reason =
        "QEMU writes the initrd's address into it, which depends on the guest's memory: give "
        "--memory";
    return out;
  }
  auto measured = digest();
  if (!measured) return std::move(measured).error().within(command.kernel);
  out.kernel = *measured;
  return out;
}

Result<Image> read_image(const ImageCommand& command) {
  COCOON_TRY(const std::string firmware, read_file(command.firmware, limits::kMaxFirmwareBytes));
  auto sections = parse_tdvf(as_bytes(firmware));
  if (!sections) return std::move(sections).error().within(command.firmware);
  Image out;
  out.mr_td =
      tdvf_mrtd(*sections, command.page_order == "page" ? PageOrder::page : PageOrder::section);
  out.files.configuration = tdvf_configuration(*sections);
  if (command.memory != 0) {
    out.files.hand_off = tdvf_hand_off(*sections, command.memory);
    if (!out.files.hand_off) {
      return misuse("memory_too_small",
                    fmt::format("--memory {}: the firmware needs more, or has no place for what "
                                "the host says about memory",
                                command.memory));
    }
  }
  if (!command.kernel.empty()) {
    COCOON_TRY(out.files.boot, read_boot(command));
  }
  return out;
}

Report describe(const ExpectedRegister& expected) {
  Report out;
  std::vector<std::string> missing = expected.missing();
  if (!missing.empty()) {
    out.text("status", "not determined").nothing("value");
  } else {
    out.text("status", expected.from_log() ? "from the log" : "exact");
    out.hex("value", expected.value());
  }
  return out.list("missing", std::move(missing));
}

std::vector<Report> describe_events(const std::array<ExpectedRegister, 3>& registers) {
  std::vector<Report> out;
  for (std::size_t i = 0; i < registers.size(); ++i) {
    for (const ExpectedEvent& event : registers[i].events) {
      Report one;
      one.text("register", fmt::format("rtmr{}", i)).text("event", event.name);
      if (event.digest) {
        one.hex("digest", *event.digest);
        one.text("source", event.from_log ? "log" : "computed");
      } else {
        one.nothing("digest").nothing("source");
      }
      out.push_back(std::move(one));
    }
  }
  return out;
}

/// What the files do not say, and was taken for granted.
std::vector<std::string> assumptions(const ImageCommand& command) {
  std::vector<std::string> out;
  out.emplace_back(command.page_order == "page"
                       ? "the host measures firmware page by page (Linux from 6.16 on)"
                       : "the host adds a section of firmware before it measures it");
  if (command.kernel.empty()) return out;
  out.emplace_back(command.kernel_header == "file"
                       ? "the host hands over the kernel as the file is (QEMU from 10.2 on)"
                       : "the host fills in the kernel's header (QEMU before 10.2)");
  if (command.event_log.empty()) {
    out.emplace_back(
        "the firmware measures a direct boot as OVMF does today, and the kernel "
        "measures its options and initrd");
  }
  return out;
}

Result<std::optional<std::vector<attest::MeasuredEvent>>> read_log(const ImageCommand& command,
                                                                   std::string& kept) {
  std::optional<std::vector<attest::MeasuredEvent>> out;
  if (command.event_log.empty()) return out;
  COCOON_TRY(kept, read_file(command.event_log, limits::kMaxEventLogBytes));
  auto events = attest::parse_event_log(as_bytes(kept));
  if (!events) return Error(events.error()).within(command.event_log);
  out = std::move(events).value();
  return out;
}

}  // namespace

Result<Exit> image(const ImageCommand& command) {
  attest::TdReport td{};
  if (!command.mr_config_id.empty()) {
    const auto id = attest::decode_hex_array<48>(command.mr_config_id);
    if (!id) return misuse("mrconfigid_invalid", "--mrconfigid has to be 96 hexadecimal digits");
    td.mr_config_id = *id;
  }
  COCOON_TRY(const Image read, read_image(command));
  std::string log_bytes;  // the events are views of it
  COCOON_TRY(const auto log, read_log(command, log_bytes));
  const auto registers = expected_registers(read.files, log);
  td.mr_td = read.mr_td;
  bool determined = true;
  Report out;
  out.section("mrtd",
              Report().text("status", "exact").hex("value", read.mr_td).list("missing", {}));
  for (std::size_t i = 0; i < registers.size(); ++i) {
    out.section(fmt::format("rtmr{}", i), describe(registers[i]));
    const bool known = registers[i].missing().empty();
    if (known) td.rtmr[i] = registers[i].value();
    determined = determined && known;
  }
  out.hex("mrconfigid", td.mr_config_id).list("assumed", assumptions(command));
  out.sections("events", describe_events(registers));
  out.flag("determined", determined);
  if (determined) {
    const std::string hash = attest::image_hash(td).to_hex();
    out.text("image", hash).text("policy", fmt::format("images = [\"{}\"]", hash));
    out.text("registry", "cocoon-ledger allow worker-image " + hash);
  } else {
    out.nothing("image").nothing("policy").nothing("registry");
  }
  out.print(command.json);
  return determined ? Exit::accepted : Exit::refused;
}

}  // namespace cocoon::app
