/// @file The public loaders: a file's bytes, then roles.h.

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "base/limits.h"
#include "cocoon/config.h"
#include "config/roles.h"

COCOON_ABI_BEGIN

namespace {

Result<std::string> read_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(limits::kMaxConfigBytes + 1, '\0');
  // A folder opens, and fails only here.
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    return Error(ErrorKind::io, "config_unreadable",
                 fmt::format("{}: cannot be read: {}", path,
                             std::generic_category().message(errno == 0 ? EIO : errno)));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > limits::kMaxConfigBytes) {
    return Error(ErrorKind::too_large, "config_too_large",
                 fmt::format("{}: larger than {} bytes, the largest configuration file", path,
                             limits::kMaxConfigBytes));
  }
  return text;
}

}  // namespace

Result<ClientConfig> load_client_config(const std::string& path) {
  COCOON_TRY(const std::string text, read_file(path));
  return config::parse_client_config(text, path);
}

Result<ProxyConfig> load_proxy_config(const std::string& path) {
  COCOON_TRY(const std::string text, read_file(path));
  return config::parse_proxy_config(text, path);
}

Result<WorkerConfig> load_worker_config(const std::string& path) {
  COCOON_TRY(const std::string text, read_file(path));
  return config::parse_worker_config(text, path);
}

COCOON_ABI_END
