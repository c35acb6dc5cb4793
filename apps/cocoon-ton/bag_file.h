#pragma once
/// @file Bags of cells in files.

#include <string>

#include "ton/boc.h"

namespace cocoon::app {

/// The bag in `file` ("-": standard input): its bytes, or the same as hexadecimal or base64 text.
/// Errors: those of read_file() and parse_boc().
Result<ton::Bag> read_bag(const std::string& file);

}  // namespace cocoon::app
