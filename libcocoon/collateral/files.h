#pragma once
/// @file Collateral in files, one for each platform, in the layout that `cocoon-attest
/// fetch-collateral` writes and `verify --collateral` reads. Blocks on the disk.

#include <string>

#include "attest/collateral.h"
#include "cocoon/result.h"
#include "collateral/platform.h"

namespace cocoon::collateral {

/// `folder`/<name_of(platform)>.json.
std::string file_of(const std::string& folder, const Platform& platform);

/// Errors: not_found/collateral_no_file; io/collateral_unreadable (too large included);
/// invalid_argument/collateral_format. Each names the file.
Result<attest::CollateralText> read_collateral(const std::string& path);

/// Writes beside the file and renames, so that it is whole or as it was. Makes the folder (0700),
/// not its parents. Errors: io/collateral_unwritable.
Status write_collateral(const std::string& path, const std::string& json);

}  // namespace cocoon::collateral
