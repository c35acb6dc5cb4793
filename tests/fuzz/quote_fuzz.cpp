// modules: attest
// covers: libcocoon/attest/quote.cpp libcocoon/attest/verify.cpp

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "attest/policy.h"
#include "attest/text.h"
#include "attest/verify.h"

namespace {

using namespace cocoon;
using namespace cocoon::attest;

std::string read(const std::string& name) {
  std::ifstream in(COCOON_TEST_VECTORS "/attestation/dcap-synthetic/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// What a verifier of the synthetic vectors has at hand.
struct Verifier {
  CheckedCollateral collateral{
      Collateral::parse(
          CollateralText::from_json(read("s01-tdx4-uptodate/collateral.json")).value()),
      TrustedRoot::stand_in_for_intel(read("test_root.pem")).value()};
  UnixTime now = parse_utc("2026-01-15T12:00:00Z").value();
  CertificateCache cache;
};

/// The quotes of the synthetic vectors that are genuine.
std::vector<Bytes> genuine() {
  std::vector<Bytes> out;
  for (const char* id : {"s01-tdx4-uptodate", "s02-tdx5-td15-uptodate", "s23-debug-td",
                         "s26-relaunch-advised-config-needed", "t08-tdx5-body-td10"}) {
    out.push_back(to_bytes(as_bytes(read(std::string(id) + "/quote.bin"))));
  }
  return out;
}

bool has_signed_bytes(const Bytes& quote, ByteView signed_bytes) {
  return quote.size() >= signed_bytes.size() &&
         equal_public(ByteView(quote).first(signed_bytes.size()), signed_bytes);
}

}  // namespace

/// No bytes crash the verifier, and it trusts none but those that the vectors' keys signed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Verifier verifier;
  static const std::vector<Bytes> kGenuine = genuine();
  const Verdict verdict =
      verify_quote({data, size}, verifier.collateral, verifier.now, verifier.cache);
  const auto quote = parse_quote({data, size});
  if (quote.has_value() == (verdict.text() == "QUOTE_FORMAT")) std::abort();
  if (verdict.trusted() && std::none_of(kGenuine.begin(), kGenuine.end(), [&](const Bytes& bytes) {
        return has_signed_bytes(bytes, quote->signed_bytes);
      })) {
    std::abort();
  }
  // The empty allow-list admits nobody, whatever the quote.
  if (evaluate(verdict, AttestationPolicy{}, verifier.now).accepted()) std::abort();
  return 0;
}
