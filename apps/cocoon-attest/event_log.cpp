#include "attest/event_log.h"

#include <fmt/format.h>

#include <map>

#include "attest/evidence.h"
#include "attest/quote.h"
#include "base/limits.h"
#include "certificate_files.h"
#include "commands.h"
#include "common/read_file.h"
#include "report.h"

namespace cocoon::app {

namespace {

/// Names of event types (TCG PC Client Platform Firmware Profile, section 10.4.1).
std::string type_name(std::uint32_t type) {
  static const std::map<std::uint32_t, const char*> kNames{
      {0x00000001, "EV_POST_CODE"},
      {0x00000003, "EV_NO_ACTION"},
      {0x00000004, "EV_SEPARATOR"},
      {0x00000005, "EV_ACTION"},
      {0x00000006, "EV_EVENT_TAG"},
      {0x00000008, "EV_S_CRTM_VERSION"},
      {0x0000000A, "EV_PLATFORM_CONFIG_FLAGS"},
      {0x0000000D, "EV_IPL"},
      {0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
      {0x80000002, "EV_EFI_VARIABLE_BOOT"},
      {0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION"},
      {0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER"},
      {0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
      {0x80000006, "EV_EFI_GPT_EVENT"},
      {0x80000007, "EV_EFI_ACTION"},
      {0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
      {0x80000009, "EV_EFI_HANDOFF_TABLES"},
      {0x8000000A, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
      {0x8000000B, "EV_EFI_HANDOFF_TABLES2"},
      {0x8000000C, "EV_EFI_VARIABLE_BOOT2"},
      {0x800000E0, "EV_EFI_VARIABLE_AUTHORITY"},
  };
  const auto found = kNames.find(type);
  return found == kNames.end() ? fmt::format("{:#010x}", type) : found->second;
}

/// The printable characters of an event's data, UTF-16 included: enough to recognise it by.
std::string summary(ByteView data) {
  constexpr std::size_t kShown = 64;
  std::string out;
  for (const std::uint8_t byte : data) {
    if (byte >= 0x20 && byte < 0x7F) out += static_cast<char>(byte);
    if (out.size() == kShown) break;
  }
  return out;
}

Report event_report(const attest::MeasuredEvent& event) {
  Report out;
  out.text("register",
           event.register_index == 0 ? "MRTD" : fmt::format("RTMR{}", event.register_index - 1));
  out.text("type", type_name(event.type)).hex("digest", event.digest);
  return out.number("data_bytes", event.data.size()).text("text", summary(event.data));
}

/// What a command is about: the logs, and the quote that they are to explain.
struct Logs {
  std::vector<std::string> names;  ///< of the logs, one each
  std::vector<std::string> data;
  std::string quote_name;  ///< empty: there is no quote
  std::string quote;
};

Result<Logs> read_claimed(const std::string& certificate) {
  COCOON_TRY(const Bytes leaf, read_certificate(certificate, limits::kMaxLeafCertificateBytes));
  auto evidence = attest::parse_certificate_evidence(leaf);
  if (!evidence) return Error(evidence.error()).within(certificate);
  if (!evidence->claims || evidence->claims->event_log.empty()) {
    return Error(ErrorKind::invalid_argument, "no_event_log",
                 certificate + " claims no event log: its node has no event_log under [evidence]");
  }
  Logs out;
  out.names = {certificate};
  out.data.emplace_back(as_text(evidence->claims->event_log));
  out.quote_name = certificate;
  out.quote = as_text(evidence->quote);
  return out;
}

Result<Logs> read_logs(const EventLogCommand& command) {
  if (!command.certificate.empty()) return read_claimed(command.certificate);
  if (command.files.empty()) {
    return Error(ErrorKind::invalid_argument, "log_missing",
                 "eventlog needs files with logs, or --certificate");
  }
  Logs out;
  out.names = command.files;
  for (const std::string& file : command.files) {
    COCOON_TRY(std::string data, read_file(file, limits::kMaxEventLogBytes));
    out.data.push_back(std::move(data));
  }
  if (!command.quote.empty()) {
    out.quote_name = command.quote;
    COCOON_TRY(out.quote, read_file(command.quote, limits::kMaxQuoteBytes));
  }
  return out;
}

/// Whether the registers are those of the quote.
Result<bool> compare(const Logs& logs, const attest::Rtmrs& replayed, Report& report) {
  auto quote = attest::parse_quote(as_bytes(logs.quote));
  if (!quote) return Error(quote.error()).within(logs.quote_name);
  const auto* td = std::get_if<attest::TdReport>(&quote->body);
  if (td == nullptr) {
    return Error(ErrorKind::invalid_argument, "no_registers",
                 logs.quote_name + " is the quote of an SGX enclave, which has no RTMRs");
  }
  std::vector<std::string> differing;
  for (std::size_t i = 0; i < replayed.size(); ++i) {
    if (replayed[i] != td->rtmr[i]) differing.push_back("rtmr" + std::to_string(i));
  }
  const bool matches = differing.empty();
  report.flag("matches", matches).list("differing", std::move(differing));
  return matches;
}

}  // namespace

Result<Exit> event_log(const EventLogCommand& command) {
  COCOON_TRY(const Logs logs, read_logs(command));
  std::vector<attest::MeasuredEvent> events;  // views of the logs
  for (std::size_t i = 0; i < logs.data.size(); ++i) {
    auto parsed = attest::parse_event_log(as_bytes(logs.data[i]));
    if (!parsed) return Error(parsed.error()).within(logs.names[i]);
    events.insert(events.end(), parsed->begin(), parsed->end());
  }
  const attest::Rtmrs replayed = attest::replay(events);

  Report out;
  std::vector<Report> listed;
  for (const attest::MeasuredEvent& event : events) listed.push_back(event_report(event));
  out.sections("events", std::move(listed));
  Report registers;
  for (std::size_t i = 0; i < replayed.size(); ++i) {
    registers.hex("rtmr" + std::to_string(i), replayed[i]);
  }
  out.section("replayed", std::move(registers));
  bool matches = true;
  if (!logs.quote_name.empty()) {
    COCOON_TRY(matches, compare(logs, replayed, out));
  }
  out.print(command.json);
  return matches ? Exit::accepted : Exit::refused;
}

}  // namespace cocoon::app
