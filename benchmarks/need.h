#pragma once
// What benchmarks share: one that cannot go on ends, and times are medians.

#include <errno.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cocoon/result.h"

namespace cocoon::bench {

[[noreturn]] inline void fail(const std::string& why) {
  fmt::print(stderr, "{}: {}\n", program_invocation_short_name, why);
  std::exit(1);
}

template <class T>
T need(Result<T> result, std::string_view what) {
  if (!result) fail(fmt::format("{}: {}", what, result.error().detail()));
  return std::move(result).value();
}

template <class Work>
double microseconds(const Work& work) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  work();
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace cocoon::bench
