#pragma once
// A benchmark that cannot go on ends.

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "cocoon/result.h"

namespace cocoon::bench {

[[noreturn]] inline void fail(const std::string& why) {
  fmt::print(stderr, "cocoon-bench-attest: {}\n", why);
  std::exit(1);
}

template <class T>
T need(Result<T> result, std::string_view what) {
  if (!result) fail(fmt::format("{}: {}", what, result.error().detail()));
  return std::move(result).value();
}

}  // namespace cocoon::bench
