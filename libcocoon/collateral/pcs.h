#pragma once
/// @file What Intel's Provisioning Certification Service (PCS) and its caches (PCCS) are asked, and
/// what their answers say. API version 4 (attestation.md section 1.2). Pure: bytes in, bytes out.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "attest/collateral.h"
#include "cocoon/result.h"
#include "collateral/platform.h"

namespace cocoon::collateral {

using Update = CollateralSource::Update;

/// A service, and how it is asked.
struct Service {
  /// Without a path: Intel's own, or a PCCS such as https://pccs.example:8081.
  std::string url = "https://api.trustedservices.intel.com";
  Update update = Update::early;
};

/// The four pieces of collateral.
enum class Piece : std::uint8_t { tcb_info, qe_identity, pck_crl, root_crl };
inline constexpr std::array kPieces{Piece::tcb_info, Piece::qe_identity, Piece::pck_crl,
                                    Piece::root_crl};
std::string_view to_string(Piece piece);

/// Where `service` has a piece of `platform`'s collateral.
std::string url_of(Piece piece, const Service& service, const Platform& platform);

/// An answer with status 200.
struct Answer {
  std::string body;
  std::string issuer_chain;  ///< header of the two documents, percent-encoded; else empty
};

/// Names (lower case) of the header that carries a document's chain; a PCCS may use the older one.
std::vector<std::string_view> chain_headers(Piece piece);

/// Puts a piece into `out`. What it says is not looked at beyond its form: whoever uses it verifies
/// it.
/// Errors: upstream/collateral_malformed, which names piece and what was expected.
Status add(Piece piece, const Answer& answer, attest::CollateralText& out);

/// What a status other than 200 means, and what to do.
Error explain_status(Piece piece, int status, const std::string& url);

}  // namespace cocoon::collateral
