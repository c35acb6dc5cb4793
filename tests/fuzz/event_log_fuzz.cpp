// modules: attest
// covers: libcocoon/attest/event_log.cpp

#include <cstddef>
#include <cstdint>

#include "attest/event_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cocoon;
  const auto events = attest::parse_event_log({data, size});
  if (events) (void)attest::replay(*events);
  (void)attest::parse_ccel_table({data, size});
  return 0;
}
