#include "tee/tsm.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <thread>

#include "base/limits.h"
#include "tee/tsm_entry.h"

namespace cocoon::tee {
namespace {

Error missing(std::string detail) {
  return Error(ErrorKind::unavailable, "tsm_missing", std::move(detail));
}

/// The folder of all requests; or which of the things that it takes is not there.
Result<std::string> find_folder(const std::string& configfs) {
  std::string folder = configfs + "/tsm/report";
  std::error_code failed;
  if (std::filesystem::is_directory(folder, failed)) return folder;
  if (failed && failed != std::errc::no_such_file_or_directory) {
    return missing(fmt::format("{}: {}", folder, failed.message()));
  }
  if (!std::filesystem::is_directory(configfs, failed)) {
    return missing(configfs +
                   " does not exist: /sys is not mounted, or the kernel has no configfs "
                   "(CONFIG_CONFIGFS_FS; modprobe configfs)");
  }
  constexpr std::string_view kNoDriver =
      "modprobe tdx_guest, inside a TDX guest; it takes Linux 6.7 with CONFIG_TSM_REPORTS";
  if (std::filesystem::is_empty(configfs, failed)) {
    return missing(fmt::format(
        "{} is empty: configfs is not mounted there (mount -t configfs configfs {}), or no driver "
        "uses it ({})",
        configfs, configfs, kNoDriver));
  }
  return missing(fmt::format("{} does not exist: {}", folder, kNoDriver));
}

Status check_provider(const TsmEntry& entry) {
  COCOON_TRY(const std::string provider, entry.read_text("provider"));
  if (provider == "tdx_guest") return ok();
  std::string detail = "the kernel's reports come from \"" + provider + "\": ";
  detail +=
      provider == "sev_guest"
          ? "this is an AMD SEV-SNP guest, and a node cannot show SEV-SNP reports yet; run it "
            "in an Intel TDX guest"
          : "a node needs those of \"tdx_guest\", in an Intel TDX guest";
  return Error(ErrorKind::unavailable, "tsm_provider", std::move(detail));
}

/// How often the entry was written to.
Result<std::uint64_t> generation_of(const TsmEntry& entry) {
  COCOON_TRY(const std::string text, entry.read_text("generation"));
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return Error(ErrorKind::io, "tsm_failed",
               "the kernel's \"generation\" of a report is no number: \"" + text + "\"");
}

Status expect_generation(const TsmEntry& entry, std::uint64_t expected) {
  COCOON_TRY(const std::uint64_t found, generation_of(entry));
  if (found == expected) return ok();
  return Error(ErrorKind::busy, "tsm_busy",
               found + 1 == expected
                   ? "the kernel did not take the report data"
                   : fmt::format("another process wrote to our entry (generation {}, expected {})",
                                 found, expected));
}

Result<Bytes> ask_once(const std::string& folder, const ByteArray<64>& report_data) {
  COCOON_TRY(const TsmEntry entry, TsmEntry::create(folder));
  COCOON_CHECK(check_provider(entry));
  COCOON_TRY(const std::uint64_t before, generation_of(entry));
  COCOON_CHECK(entry.write("inblob", report_data));
  COCOON_CHECK(expect_generation(entry, before + 1));
  COCOON_TRY(Bytes quote, entry.read("outblob", limits::kMaxQuoteBytes));
  COCOON_CHECK(expect_generation(entry, before + 1));
  if (!quote.empty()) return quote;
  return Error(
      ErrorKind::unavailable, "tsm_no_quote",
      "the host gave an empty quote: its quote generation service refuses, and its log says "
      "why (journalctl -u qgsd)");
}

}  // namespace

Result<Bytes> tsm_quote(const std::string& configfs, const ByteArray<64>& report_data) {
  COCOON_TRY(const std::string folder, find_folder(configfs));
  TsmEntry::remove_leftovers(folder);
  Millis pause = limits::kTsmFirstPause;
  for (int attempt = 1;; ++attempt) {
    auto quote = ask_once(folder, report_data);
    if (quote || quote.error().kind() != ErrorKind::busy) return quote;
    if (attempt == limits::kTsmAttempts) {
      return std::move(quote).error().within(fmt::format("tried {} times, last", attempt));
    }
    std::this_thread::sleep_for(pause);
    pause *= 2;
  }
}

}  // namespace cocoon::tee
