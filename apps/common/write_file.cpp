#include "common/write_file.h"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <system_error>

namespace cocoon::app {

Status write_file(const std::string& path, const std::string& text) {
  const std::string draft = path + ".new";
  std::ofstream out(draft, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out || std::rename(draft.c_str(), path.c_str()) != 0) {
    const int error = errno;
    std::remove(draft.c_str());
    return Error(ErrorKind::io, "file_unwritable",
                 path + " cannot be written: " + std::generic_category().message(error) +
                     "; it is as it was");
  }
  return ok();
}

}  // namespace cocoon::app
