#pragma once
/// @file What fuzz targets demand of what they try.

#include <cstdlib>

namespace cocoon::fuzz {

/// Ends the program, which libFuzzer and its stand-in report with the input, where it does not
/// hold.
inline void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace cocoon::fuzz
