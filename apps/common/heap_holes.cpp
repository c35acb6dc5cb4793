#include "common/heap_holes.h"

#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace cocoon::app {
namespace {

constexpr std::size_t kFewestBytes = 4 * 1024 * 1024;
constexpr std::size_t kHeldPerHole = 8;

/// Private memory that is in RAM (proc_pid_status(5): RssAnon, in kB); 0 where nobody says.
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

std::size_t hole_bytes(std::size_t held) {
  const std::size_t resident = resident_bytes();
  return resident > held ? resident - held : 0;
}

}  // namespace

void HeapHoles::give_back() {
  const auto heap = mallinfo2();
  const std::size_t held = heap.uordblks + heap.hblkhd;
  const std::size_t holes = hole_bytes(held);
  stuck_ = std::min(stuck_, holes);
  if (holes - stuck_ < kFewestBytes + held / kHeldPerHole) return;
  malloc_trim(0);
  stuck_ = hole_bytes(held);
}

}  // namespace cocoon::app
