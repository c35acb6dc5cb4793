#pragma once
/// @file A stand-in for the kernel of a TDX guest, without FUSE and without privileges.
///
/// For threads that enter() it, and for programs that are started in it, `tsm/report` in a folder
/// is configfs-tsm, and a path of the test's choice is /dev/tdx_guest. Folders are real ones; the
/// attributes in them, and the device, are not: system calls that open, read, write, close or
/// control them are answered by a thread of this object (seccomp user notification, Linux 5.9), in
/// the way of drivers/virt/coco/guest/report.c, drivers/virt/coco/tdx-guest and fs/configfs/file.c:
///
/// * what is written to `inblob` is taken when the file is closed, where errors get lost;
/// * a report is made when `outblob` is first read after a write, and a file keeps what its first
///   read found;
/// * `generation` counts writes.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::test {

/// An entry under `tsm/report`.
struct TsmState {
  std::string name;
  std::uint64_t generation = 0;
  Bytes inblob;
  std::optional<Bytes> outblob;
  std::uint64_t outblob_generation = 0;
};

/// One system call on an entry or on the device.
struct GuestCall {
  std::string_view what;       ///< "mkdir", "open", "read", "write", "close", "ioctl"
  std::string_view attribute;  ///< "inblob" and so on; "" for mkdir, "device" for the device
  TsmState& entry;             ///< of the device: one that nobody sees
};

class TdxGuest {
 public:
  using MakeQuote = std::function<Bytes(const ByteArray<64>& report_data)>;

  /// What a test may change before anybody enters.
  struct Behaviour {
    /// Attributes that always say the same, without the end of their line.
    std::map<std::string, std::string> texts{{"provider", "tdx_guest"}};
    MakeQuote quote;
    /// TSM_REPORT_OUTBLOB_MAX.
    std::size_t most_outblob = 16 * 1024 * 1024;
    /// Looks at each call first; other than 0, the call fails with that errno. It may change the
    /// entry, as another process would. On a thread of the stand-in.
    std::function<int(GuestCall&)> before;
  };

  /// @param configfs an existing folder: a real path, without links in it
  /// @param device the path of the device; empty: there is none
  TdxGuest(std::string configfs, std::string device, Behaviour behaviour);
  ~TdxGuest();
  TdxGuest(const TdxGuest&) = delete;
  TdxGuest& operator=(const TdxGuest&) = delete;

  /// Puts the calling thread, and threads that it starts from now on, into the guest, for good.
  /// Errors: io/no_stand_in, with what this system lacks.
  Status enter();
  /// Runs `body` on a thread in the guest. What `before` and `quote` wrote can be read afterwards.
  /// Errors: those of enter(); then it did not run.
  Status run(const std::function<void()>& body);
  /// Runs a program in the guest to its end.
  /// @return its exit code; -1 where it could not be run or was killed
  int run_program(const std::vector<std::string>& command);

  /// How often a report was made. Not for `before`, nor for `quote`.
  int reports() const;

 private:
  class Kernel;
  std::unique_ptr<Kernel> kernel_;
  int stop_;  ///< an eventfd: the supervisors' end
  std::vector<std::thread> supervisors_;
};

}  // namespace cocoon::test
