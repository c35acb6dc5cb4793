#include "cocoon/result.h"

#include <cstdio>
#include <cstdlib>

namespace cocoon::inline v0 {

std::string_view to_string(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::invalid_argument: return "invalid_argument";
    case ErrorKind::not_found: return "not_found";
    case ErrorKind::unauthorized: return "unauthorized";
    case ErrorKind::too_large: return "too_large";
    case ErrorKind::payment: return "payment";
    case ErrorKind::busy: return "busy";
    case ErrorKind::unavailable: return "unavailable";
    case ErrorKind::upstream: return "upstream";
    case ErrorKind::timeout: return "timeout";
    case ErrorKind::cancelled: return "cancelled";
    case ErrorKind::attestation: return "attestation";
    case ErrorKind::protocol: return "protocol";
    case ErrorKind::io: return "io";
    case ErrorKind::internal: return "internal";
  }
  return "internal";
}

void abort_on_wrong_side(const Error* held) noexcept {
  if (held == nullptr) {
    std::fputs("cocoon: a bug: an error was read from a result without one\n", stderr);
  } else {
    std::fprintf(
        stderr, "cocoon: a bug: a value was read from a result that holds an error: %.*s: %s\n",
        static_cast<int>(held->code().size()), held->code().data(), held->detail().c_str());
  }
  std::abort();
}

}  // namespace cocoon::inline v0
