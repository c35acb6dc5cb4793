// modules: session
// covers: libcocoon/session/sealed_header.cpp
/// @file A sealed header that decodes has one byte string, and its fields keep their bounds.

#include "base/limits.h"
#include "fuzz/require.h"
#include "session/sealed_header.h"

namespace {

using namespace cocoon;
using fuzz::require;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const auto header = session::decode_request_header(bytes);
  if (!header) {
    require(header.error().kind() == ErrorKind::protocol);
    return 0;
  }
  require(!header->candidates.empty() && header->candidates.size() <= limits::kMaxCandidates);
  require(session::endpoint_of(session::path_of(header->endpoint)) == header->endpoint);
  const auto again = session::encode_request_header(*header);
  require(again && equal_public(*again, bytes));
  return 0;
}
