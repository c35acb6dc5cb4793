#include "certificate_files.h"

#include "attest/certificate.h"
#include "common/read_file.h"

namespace cocoon::app {

namespace {

constexpr char kDerSequence = 0x30;
constexpr std::string_view kPem = "-----BEGIN ";

}  // namespace

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

Result<Bytes> read_certificate(const std::string& path, std::size_t most) {
  // PEM spends 65 characters on 48 bytes.
  COCOON_TRY(const std::string data, read_file(path, 2 * most));
  auto ders = split_certificates(data);
  if (!ders) return Error(ders.error()).within(path);
  if (ders->size() != 1) {
    return Error(
        ErrorKind::invalid_argument, "certificate_count",
        path + " holds " + std::to_string(ders->size()) + " certificates, and one is expected");
  }
  return std::move(ders->front());
}

}  // namespace cocoon::app
