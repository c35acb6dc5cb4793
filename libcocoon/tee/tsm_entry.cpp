#include "tee/tsm_entry.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/limits.h"

namespace cocoon::tee {
namespace {

constexpr std::string_view kPrefix = "cocoon-";
constexpr std::size_t kPieceBytes = 16 * 1024;
constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

struct Reason {
  int number;
  ErrorKind kind;
  std::string_view code;
  std::string_view advice;
};

/// What Linux answers: drivers/virt/coco/{guest/report.c,tdx-guest/tdx-guest.c} and fs/configfs.
constexpr Reason kReasons[] = {
    {EAGAIN, ErrorKind::busy, "tsm_busy", "another request came between"},
    {EINTR, ErrorKind::busy, "tsm_busy", "a signal came between"},
    {ENOENT, ErrorKind::busy, "tsm_busy",
     "the entry is gone: another process removed it, or the driver was unloaded"},
    {EBUSY, ErrorKind::busy, "tsm_busy",
     "an earlier request is still with the host: is its quote generation service (qgsd) stuck?"},
    {ETIMEDOUT, ErrorKind::timeout, "tsm_timeout",
     "the host has made no quote within the kernel's 30 s: look at its quote generation service "
     "(journalctl -u qgsd)"},
    {EIO, ErrorKind::unavailable, "tsm_unavailable",
     "the host makes no quotes for this guest: QEMU needs quote-generation-socket in its "
     "tdx-guest object, and qgsd has to run"},
    {EINVAL, ErrorKind::unavailable, "tsm_unavailable",
     "the driver does not take a request with 64 bytes of report data alone"},
    {ENXIO, ErrorKind::unavailable, "tsm_unavailable",
     "no driver offers reports: modprobe tdx_guest, inside a TDX guest"},
    {ENOTTY, ErrorKind::unavailable, "tsm_unavailable",
     "no driver offers reports any more: modprobe tdx_guest, inside a TDX guest"},
    {EACCES, ErrorKind::unavailable, "tsm_denied",
     "run as root, or with CAP_DAC_OVERRIDE (systemd: AmbientCapabilities=CAP_DAC_OVERRIDE)"},
    {EPERM, ErrorKind::unavailable, "tsm_denied",
     "run as root, or with CAP_DAC_OVERRIDE (systemd: AmbientCapabilities=CAP_DAC_OVERRIDE)"},
    {EROFS, ErrorKind::unavailable, "tsm_denied",
     "configfs is mounted read-only, as in many containers: hand it in writable, and say where "
     "with \"configfs\" under [evidence]"},
    {EFBIG, ErrorKind::too_large, "quote_too_large",
     "this kernel hands out less than the quote has (32 KiB before its limit was raised): update "
     "it"},
};

/// "cocoon-PID-N", both in decimal.
bool is_ours(std::string_view name) {
  if (!name.starts_with(kPrefix)) return false;
  name.remove_prefix(kPrefix.size());
  const std::size_t dash = name.find('-');
  if (dash == 0 || dash == name.npos || dash + 1 == name.size()) return false;
  return name.find_first_not_of("0123456789") == dash &&
         name.find_first_not_of("0123456789", dash + 1) == name.npos;
}

/// Whether `folder` is still what `path` names.
bool is_at(const io::Descriptor& folder, const std::string& path) {
  struct stat held {};
  struct stat named {};
  return ::fstat(folder.get(), &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/// The lock of an entry, where nobody has it.
Result<io::Descriptor> lock_entry(const std::string& path) {
  io::Descriptor folder(::open(path.c_str(), kDirectory));
  if (!folder || ::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) return tsm_error(path, errno);
  // Between the two its last holder may have removed it, and another have made a new one.
  if (!is_at(folder, path)) return tsm_error(path, ENOENT);
  return folder;
}

}  // namespace

Error tsm_error(std::string_view what, int error_number) {
  const auto* reason = std::find_if(std::begin(kReasons), std::end(kReasons),
                                    [&](const Reason& r) { return r.number == error_number; });
  Error plain = io::system_error("tsm_failed", what, error_number);
  if (reason == std::end(kReasons)) return plain;
  return Error(reason->kind, reason->code, fmt::format("{}; {}", plain.detail(), reason->advice));
}

Result<TsmEntry> TsmEntry::create(const std::string& folder) {
  for (int n = 0; n < limits::kMaxTsmEntries; ++n) {
    std::string path = fmt::format("{}/{}{}-{}", folder, kPrefix, ::getpid(), n);
    if (::mkdir(path.c_str(), 0700) == 0) {
      auto lock = lock_entry(path);
      if (lock) return TsmEntry(std::move(path), std::move(*lock));
      // Where somebody who looks for leftovers was quicker than we, the entry is theirs to remove.
      if (lock.error().kind() != ErrorKind::busy) ::rmdir(path.c_str());
      return std::move(lock).error();
    }
    if (errno != EEXIST) return tsm_error("cannot make an entry in " + folder, errno);
  }
  return Error(
      ErrorKind::busy, "tsm_busy",
      fmt::format("{} has {} entries of this process already", folder, limits::kMaxTsmEntries));
}

void TsmEntry::remove_leftovers(const std::string& folder) {
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (!is_ours(entry->path().filename().string())) continue;
    const std::string path = entry->path().string();
    // Held until it is gone: else its next owner could lock it in between.
    if (const auto lock = lock_entry(path)) ::rmdir(path.c_str());
  }
}

TsmEntry::~TsmEntry() {
  // Before the lock goes: an unlocked entry is anybody's to remove.
  if (lock_) ::rmdir(path_.c_str());
}

Status TsmEntry::write(const char* attribute, ByteView value) const {
  const std::string name = path_ + "/" + attribute;
  const io::Descriptor file(::openat(lock_.get(), attribute, O_WRONLY | O_CLOEXEC));
  if (!file) return tsm_error(name, errno);
  const ssize_t written = ::write(file.get(), value.data(), value.size());
  if (written < 0) return tsm_error(name, errno);
  if (static_cast<std::size_t>(written) != value.size()) {
    return Error(ErrorKind::io, "tsm_failed",
                 fmt::format("{}: the kernel took {} of {} bytes", name, written, value.size()));
  }
  return ok();
}

Result<Bytes> TsmEntry::read(const char* attribute, std::size_t most) const {
  const std::string name = path_ + "/" + attribute;
  const io::Descriptor file(::openat(lock_.get(), attribute, O_RDONLY | O_CLOEXEC));
  if (!file) return tsm_error(name, errno);
  Bytes out;
  for (;;) {
    const std::size_t before = out.size();
    out.resize(before + kPieceBytes);
    const ssize_t n = ::read(file.get(), out.data() + before, kPieceBytes);
    if (n < 0) return tsm_error(name, errno);
    out.resize(before + static_cast<std::size_t>(n));
    if (out.size() > most) {
      return Error(ErrorKind::too_large, "quote_too_large",
                   fmt::format("{} has more than {} bytes, the limit", name, most));
    }
    if (n == 0) return out;
  }
}

Result<std::string> TsmEntry::read_text(const char* attribute) const {
  COCOON_TRY(const Bytes bytes, read(attribute, limits::kMaxTsmTextBytes));
  std::string text(as_text(bytes));
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace cocoon::tee
