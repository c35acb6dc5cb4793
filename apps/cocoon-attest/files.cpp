#include "files.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "attest/certificate.h"

namespace cocoon::app {

namespace {

constexpr char kDerSequence = 0x30;
constexpr std::string_view kPem = "-----BEGIN ";

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t most) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string data(most + 1, '\0');
  // A folder opens, and fails only here.
  file.read(data.data(), static_cast<std::streamsize>(data.size()));
  if (!file.is_open() || file.bad()) {
    return Error(ErrorKind::io, "file_unreadable",
                 fmt::format("{} cannot be read: {}", path,
                             std::generic_category().message(errno == 0 ? EIO : errno)));
  }
  data.resize(static_cast<std::size_t>(file.gcount()));
  if (data.size() > most) {
    return Error(
        ErrorKind::too_large, "file_too_large",
        fmt::format("{} has more than {} bytes, the most that is read of its kind", path, most));
  }
  return data;
}

Result<std::vector<Bytes>> split_certificates(std::string_view data) {
  if (!data.empty() && data.front() == kDerSequence) {
    return std::vector<Bytes>{to_bytes(as_bytes(data))};
  }
  return attest::decode_pem_certificates(data);
}

bool looks_like_certificates(std::string_view data) {
  const std::size_t begin = data.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos &&
         (data.substr(begin).starts_with(kPem) || data.front() == kDerSequence);
}

}  // namespace cocoon::app
