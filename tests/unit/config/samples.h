#pragma once
/// @file The shortest files that need no more than policies, and what is said of a refused one.

#include <string>

#include "cocoon/result.h"

namespace cocoon::config::test {

inline const std::string kClient = "ledger = \"l\"\nstate_dir = \"s\"\n";
inline const std::string kWorker =
    kClient + "engine_url = \"http://127.0.0.1:8000\"\nmodels = [\"m\"]\n";

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "accepted" : std::string(result.error().code()) + " " + result.error().detail();
}

}  // namespace cocoon::config::test
