#include <openssl/evp.h>

#include <algorithm>

#include "attest/certificate.h"
#include "base/limits.h"

namespace cocoon::attest {

namespace {

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
constexpr std::size_t kLineCharacters = 64;  // RFC 7468 section 2

Error refuse(const char* what) {
  return Error(ErrorKind::attestation, "pem_invalid",
               std::string("A PEM certificate chain is refused: ") + what + ".");
}

bool is_space(char c) {
  return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

std::optional<Bytes> decode_base64(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits),
               [](char c) { return !is_space(c); });
  if (digits.empty() || digits.size() % 4 != 0) return std::nullopt;
  Bytes out(digits.size() / 4 * 3);
  const int size =
      EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(digits.data()),
                      static_cast<int>(digits.size()));
  if (size < 0) return std::nullopt;
  // EVP_DecodeBlock counts the padding as zero bytes, and takes it in the middle, too.
  const std::size_t content = std::min(digits.find('='), digits.size());
  const std::size_t padding = digits.size() - content;
  if (padding > 2 || digits.find_first_not_of('=', content) != std::string::npos) {
    return std::nullopt;
  }
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

}  // namespace

Result<std::vector<Bytes>> decode_pem_certificates(std::string_view text) {
  std::vector<Bytes> out;
  while (true) {
    const auto begin =
        std::find_if(text.begin(), text.end(), [](char c) { return !is_space(c) && c != '\0'; });
    text.remove_prefix(static_cast<std::size_t>(begin - text.begin()));
    if (text.empty()) break;
    if (out.size() == limits::kMaxChainCertificates) return refuse("it has too many certificates");
    if (text.substr(0, kBegin.size()) != kBegin) {
      return refuse("something other than a certificate stands in it");
    }
    text.remove_prefix(kBegin.size());
    const std::size_t end = text.find(kEnd);
    if (end == std::string_view::npos) return refuse("a certificate has no end");
    if (end > 2 * limits::kMaxChainCertificateBytes) return refuse("a certificate is too long");
    auto der = decode_base64(text.substr(0, end));
    if (!der) return refuse("a certificate is not valid Base64");
    out.push_back(std::move(*der));
    text.remove_prefix(end + kEnd.size());
  }
  return out;
}

std::string encode_pem_certificate(ByteView der) {
  std::string digits((der.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock writes a zero after it
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(digits.data()), der.data(),
                  static_cast<int>(der.size()));
  digits.pop_back();
  std::string out(kBegin);
  out += '\n';
  for (std::size_t at = 0; at < digits.size(); at += kLineCharacters) {
    out += digits.substr(at, kLineCharacters) + '\n';
  }
  out += kEnd;
  out += '\n';
  return out;
}

}  // namespace cocoon::attest
