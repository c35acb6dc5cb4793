// modules: collateral
// covers: libcocoon/collateral/pcs.cpp libcocoon/collateral/platform.cpp
/// @file A collateral service's answers, and the quotes that say whose collateral is asked for. The
/// first byte of the input chooses which; an answer is the header's line, then the body.

#include <algorithm>

#include "codec/hex.h"
#include "collateral/pcs.h"
#include "fuzz/require.h"

namespace {

using namespace cocoon;
using namespace cocoon::collateral;
using fuzz::require;

/// What is taken is the form that verifiers read, and nothing but the piece asked for.
void check_answer(Piece piece, std::string_view text) {
  const std::string_view header = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), header.size() + 1));
  const Answer answer{std::string(text), std::string(header)};
  attest::CollateralText out;
  const Status added = add(piece, answer, out);
  if (!added) {
    require(added.error().code() == "collateral_malformed");
    return;
  }
  require(out.tcb_info.text.has_value() == (piece == Piece::tcb_info));
  require(out.qe_identity.text.has_value() == (piece == Piece::qe_identity));
  require(out.pck_crl.has_value() == (piece == Piece::pck_crl));
  require(out.root_crl.has_value() == (piece == Piece::root_crl));
  for (const auto& document : {out.tcb_info, out.qe_identity}) {
    if (document.text) require(text.find(*document.text) != std::string_view::npos);
  }
  for (const auto& list : {out.pck_crl, out.root_crl}) {
    if (list) require(from_hex(*list).has_value());
  }
}

/// Nothing of a stranger's quote gets into the URL but digits.
void check_platform(ByteView quote) {
  const auto platform = platform_of(quote);
  if (!platform) {
    require(!platform.error().detail().empty());
    return;
  }
  for (const std::string_view base : {"https://api.trustedservices.intel.com", "https://a:1/"}) {
    for (const Update update : {Update::early, Update::standard}) {
      for (const Piece piece : kPieces) {
        const std::string url = url_of(piece, {std::string(base), update}, *platform);
        require(std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < '\x7f'; }));
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  const unsigned choice = data[0] % (kPieces.size() + 2);
  if (choice < kPieces.size()) {
    check_answer(kPieces[choice], as_text(rest));
  } else if (choice == kPieces.size()) {
    check_platform(rest);
  } else if (rest.size() > 2) {
    const Piece piece = kPieces[rest[0] % kPieces.size()];
    const Error error = explain_status(piece, rest[1] << 8 | rest[2], "https://a");
    require(!error.code().empty() && !to_string(piece).empty());
    require(chain_headers(piece).empty() == (piece == Piece::pck_crl || piece == Piece::root_crl));
  }
  return 0;
}
