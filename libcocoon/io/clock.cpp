#include "io/clock.h"

#include <uv.h>

namespace cocoon::io {

Now now() {
  Now out;
  out.mono = MonoTime(std::chrono::microseconds(uv_hrtime() / 1000));
  out.unix = std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  return out;
}

}  // namespace cocoon::io
