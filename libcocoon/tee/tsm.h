#pragma once
/// @file Quotes by configfs-tsm: the kernel's interface to whatever environment it is a guest of.

#include <string>

#include "base/bytes.h"
#include "cocoon/result.h"

namespace cocoon::tee {

/// A TDX quote over `report_data`, of any size up to limits::kMaxQuoteBytes, from an entry of our
/// own (tsm_entry.h). Somebody who writes to our entry all the same is noticed by its generation,
/// which counts writes: the quote is then asked for again, limits::kTsmAttempts times in all.
/// Blocks, half a minute where the host does not answer; any thread.
/// @param configfs where configfs is mounted
/// Errors: unavailable/tsm_missing, which says whether configfs, the kernel or the driver is
/// lacking; unavailable/tsm_provider where this is another environment than TDX;
/// unavailable/tsm_no_quote; those of tsm_error().
Result<Bytes> tsm_quote(const std::string& configfs, const ByteArray<64>& report_data);

}  // namespace cocoon::tee
