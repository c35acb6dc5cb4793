#pragma once
/// @file The registry's files, read and written whole. Blocks on the disk.

#include <optional>
#include <string>

#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::ledger {

/// Nothing where there is no such file.
/// Errors: io/registry_file_unreadable (larger than a snapshot can be included); it names the file.
Result<std::optional<Bytes>> read_registry_file(const std::string& path);

/// Writes beside the file and renames, so that it is whole or as it was (mode 0600).
/// Errors: io/registry_file_unwritable; it names the file.
Status write_registry_file(const std::string& path, ByteView bytes);

}  // namespace cocoon::ledger
