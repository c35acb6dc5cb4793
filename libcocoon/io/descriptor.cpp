#include "io/descriptor.h"

#include <fmt/format.h>
#include <unistd.h>
#include <uv.h>

namespace cocoon::io {

void Descriptor::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Error system_error(std::string_view code, std::string_view what, int error_number) {
  // uv_strerror, unlike strerror, is the same in every locale and safe in every thread.
  return Error(ErrorKind::io, code, fmt::format("{}: {}", what, uv_strerror(-error_number)));
}

}  // namespace cocoon::io
