// modules: attest
// covers: libcocoon/attest/evidence.cpp libcocoon/attest/evidence_codec.cpp

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "attest/evidence.h"

/// The input is a certificate, or the value of its evidence extension. Claims that parse are
/// written as they are read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cocoon;
  using namespace cocoon::attest;
  const ByteView input(data, size);
  const UnixTime now = unix_seconds(1'772'366'400);
  for (const auto& evidence :
       {parse_certificate_evidence(input), parse_evidence_extension(input)}) {
    if (!evidence) continue;
    (void)check_binding(*evidence);
    ExpectedClaims expected;
    if (evidence->claims) expected.network = evidence->claims->network;
    for (const EvidenceRole role : {EvidenceRole::proxy, EvidenceRole::worker}) {
      expected.role = role;
      (void)check_claims(*evidence, expected, now);
    }
    if (!evidence->claims) continue;
    const Bytes claims = encode_claims(*evidence->claims, evidence->spki);
    const auto again = parse_evidence_extension(build_evidence_extension(evidence->quote, claims));
    if (!again || again->claims != evidence->claims) std::abort();
  }
  return 0;
}
