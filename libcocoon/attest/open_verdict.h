#pragma once
/// @file What the verifiers of quotes, SEV-SNP reports and GPU evidence share: a verdict that is
/// still being made.

#include <algorithm>
#include <string>
#include <utility>

namespace cocoon::attest {

/// Collects faults as they are found.
/// @tparam V Verdict or GpuVerdict: has `faults`, a vector of { fault, part }
template <class V>
class OpenVerdict {
 protected:
  using Finding = typename decltype(V::faults)::value_type;

  void fault(decltype(Finding::fault) fault, std::string part = {}) {
    out_.faults.push_back({fault, std::move(part)});
  }

  /// The verdict, with its faults in the order in which they are reported; those of one class stay
  /// in the order in which they were found.
  V close() {
    std::stable_sort(out_.faults.begin(), out_.faults.end(),
                     [](const Finding& a, const Finding& b) { return a.fault < b.fault; });
    return std::move(out_);
  }

  V out_;
};

}  // namespace cocoon::attest
