// modules: attest
// covers: libcocoon/attest/certificate.cpp libcocoon/attest/der.cpp libcocoon/attest/pck.cpp
// covers: libcocoon/attest/pem.cpp libcocoon/attest/x509_fields.cpp

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "attest/certificate.h"
#include "attest/pck.h"

/// The first byte says what the rest is: a certificate, a revocation list, the value of Intel's
/// extension, or a PEM chain.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cocoon;
  using namespace cocoon::attest;
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0: {
      const auto certificate = Certificate::parse(input);
      if (!certificate) break;
      (void)(*certificate)->encoded.signed_by((*certificate)->key);
      (void)parse_pck_extension((*certificate)->sgx_extension);
      break;
    }
    case 1: {
      const auto list = RevocationList::parse(input);
      if (!list) break;
      for (const Bytes& serial : (*list)->revoked) {
        if (!(*list)->contains(serial)) std::abort();
      }
      break;
    }
    case 2: (void)parse_pck_extension(input); break;
    default: {
      const auto chain = decode_pem_certificates(as_text(input));
      if (!chain) break;
      std::string text;
      for (const Bytes& der : *chain) text += encode_pem_certificate(der);
      const auto again = decode_pem_certificates(text);
      if (!again || *again != *chain) std::abort();
    }
  }
  return 0;
}
