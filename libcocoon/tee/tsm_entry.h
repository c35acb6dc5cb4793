#pragma once
/// @file One request for a report, as a folder in configfs. Blocks; any thread, one at a time.
///
/// The kernel fills a new folder under `tsm/report` with attributes, and empties and forgets it
/// when it is removed (Documentation/ABI/testing/configfs-tsm-report, Linux 6.7).

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "cocoon/result.h"
#include "io/descriptor.h"

namespace cocoon::tee {

/// An entry of our own, `cocoon-PID-N`, which goes with the object.
///
/// It is locked (flock) while it is in use: the lock tells an entry that a killed process left
/// behind from one of a living process, also of another container, where process ids mean nothing.
class TsmEntry {
 public:
  /// Errors: those of tsm_error().
  static Result<TsmEntry> create(const std::string& folder);
  /// Removes entries of ours that nobody holds any more. What cannot be removed stays.
  static void remove_leftovers(const std::string& folder);

  TsmEntry(TsmEntry&&) = default;
  TsmEntry& operator=(TsmEntry&&) = delete;
  ~TsmEntry();

  /// Gives the kernel all of `value` at once. It takes it when the file is closed, where no error
  /// can be reported: look at `generation` afterwards.
  Status write(const char* attribute, ByteView value) const;
  /// The whole attribute; the kernel makes a report when `outblob` is first read.
  /// Errors: those of tsm_error(); too_large/quote_too_large where there is more than `most`.
  Result<Bytes> read(const char* attribute, std::size_t most) const;
  /// As text, without the end of its line.
  Result<std::string> read_text(const char* attribute) const;

 private:
  TsmEntry(std::string path, io::Descriptor lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  io::Descriptor lock_;  ///< the folder itself; none: moved from
};

/// What the system said while we did `what`, in words, with what to do.
/// Errors: busy/tsm_busy where it may work in a moment; unavailable/tsm_unavailable where the
/// kernel or its driver is not ready for us; timeout/tsm_timeout; too_large/quote_too_large;
/// io/tsm_failed.
Error tsm_error(std::string_view what, int error_number);

}  // namespace cocoon::tee
