#pragma once
/// @file An outcome as tests compare it: the error's code, or nothing.

#include <string>

#include "cocoon/result.h"

namespace cocoon::attest::test {

inline std::string code(const Status& status) {
  return status ? "" : std::string(status.error().code());
}
template <class T>
std::string code(const Result<T>& result) {
  return result ? "" : std::string(result.error().code());
}

}  // namespace cocoon::attest::test
