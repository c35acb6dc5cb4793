#include "common/heap_holes.h"

#include <cstddef>
#include <fstream>
#include <limits>
#include <string>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace cocoon::app {
#ifdef __GLIBC__
namespace {

constexpr std::size_t kSmallestHoles = 4 * 1024 * 1024;
constexpr std::size_t kHeldPerHole = 4;

/// Private memory that is in RAM (proc_pid_status(5), RssAnon, in kB); 0 where nobody says.
std::size_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  std::string name;
  while (status >> name) {
    if (name == "RssAnon:") {
      std::size_t kib = 0;
      status >> kib;
      return kib * 1024;
    }
    status.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

}  // namespace
#endif

void return_heap_holes() {
#ifdef __GLIBC__
  const auto heap = mallinfo2();
  const std::size_t held = heap.uordblks + heap.hblkhd;
  if (resident_bytes() > held + held / kHeldPerHole + kSmallestHoles) malloc_trim(0);
#endif
}

}  // namespace cocoon::app
