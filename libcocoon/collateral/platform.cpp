#include "collateral/platform.h"

#include "attest/certificate.h"
#include "attest/chain.h"
#include "attest/quote.h"

namespace cocoon::collateral {

Result<Platform> platform_of(ByteView quote) {
  COCOON_TRY(const attest::Quote parsed, attest::parse_quote(quote));
  if (parsed.signature.certification_type != attest::CertificationType::pck_chain) {
    return Error(ErrorKind::invalid_argument, "no_pck_chain",
                 "the quote does not carry its PCK certificate chain, so its platform is unknown: "
                 "name FMSPC and CA instead");
  }
  COCOON_TRY(const std::vector<Bytes> chain,
             attest::decode_pem_certificates(as_text(parsed.signature.certification_data)));
  if (chain.size() < 2) {
    return Error(ErrorKind::invalid_argument, "no_pck_chain",
                 "the quote's PCK certificate chain is not complete");
  }
  COCOON_TRY(const attest::CertificatePtr leaf, attest::Certificate::parse(chain[0]));
  COCOON_TRY(const attest::CertificatePtr issuer, attest::Certificate::parse(chain[1]));
  COCOON_TRY(const attest::PckExtension pck, attest::parse_pck_extension(leaf->sgx_extension));
  Platform out;
  out.tee = parsed.tee;
  out.fmspc = pck.fmspc;
  out.ca = issuer->common_name == attest::kProcessorCaName ? PckCa::processor : PckCa::platform;
  return out;
}

}  // namespace cocoon::collateral
