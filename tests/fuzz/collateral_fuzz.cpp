// modules: attest
// covers: libcocoon/attest/collateral.cpp libcocoon/attest/tcb_info.cpp libcocoon/attest/text.cpp

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "attest/collateral.h"
#include "attest/text.h"
#include "attest/verify.h"

namespace {

using namespace cocoon;
using namespace cocoon::attest;

/// A whole collateral.json. What it says survives writing and reading.
void try_file(std::string_view text) {
  const auto collateral = CollateralText::from_json(text);
  if (!collateral) return;
  const CollateralPtr parsed = Collateral::parse(*collateral);
  const CheckedCollateral checked(parsed, TrustedRoot::intel());
  const auto again = CollateralText::from_json(collateral->to_json());
  if (!again || Collateral::parse(*again)->digest != parsed->digest) std::abort();
}

/// One document, alone or in a response of the PCS.
void try_document(std::string_view text) {
  const auto info = parse_tcb_info(text);
  if (info) (void)format_utc(info->head.issue_date);
  (void)parse_qe_identity(text);
  for (const char* name : {"tcbInfo", "enclaveIdentity"}) {
    const auto document = split_pcs_response(text, name);
    // The signed slice is part of the response, byte for byte.
    if (document && text.find(*document->text) == std::string_view::npos) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_file(text);
  try_document(text);
  return 0;
}
