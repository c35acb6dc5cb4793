// modules: attest
// covers: libcocoon/attest/snp_report.cpp libcocoon/attest/snp_certificate.cpp
// covers: libcocoon/attest/sha384_certificate.cpp libcocoon/attest/sha384_key.cpp

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "attest/sha384_certificate.h"
#include "attest/snp_certificate.h"
#include "attest/snp_report.h"

/// The first byte says what the rest is: a report, a certificate, a revocation list, or a PEM
/// chain.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cocoon;
  using namespace cocoon::attest;
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0: {
      const auto report = parse_snp_report(input);
      if (!report) break;
      for (const SnpProduct product : {SnpProduct::milan, SnpProduct::turin}) {
        if (decode_snp_tcb(product, report->reported_tcb).microcode != report->reported_tcb[7]) {
          std::abort();
        }
      }
      break;
    }
    case 1: {
      const auto certificate = Sha384Certificate::parse(input);
      if (!certificate) break;
      (void)(*certificate)->encoded.signed_by((*certificate)->key);
      (void)(*certificate)->key.verify_raw({input}, {});
      const auto info = read_snp_key_info(**certificate);
      if (info && info->hardware_id.has_value() == info->provider.has_value()) std::abort();
      break;
    }
    case 2: {
      const auto list = Sha384RevocationList::parse(input);
      if (!list) break;
      for (const Bytes& serial : list->revoked) {
        if (!list->contains(serial)) std::abort();
      }
      break;
    }
    default: {
      const auto chain = parse_sha384_chain(as_text(input));
      if (chain) (void)check_sha384_links(*chain);
      (void)self_signed_sha384_key(as_text(input));
    }
  }
  return 0;
}
