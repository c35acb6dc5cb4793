#include "collateral/pcs.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/hex.h"
#include "codec/percent.h"

namespace cocoon::collateral {
namespace {

/// Intel serves the root's list from a host of its own; a PCCS keeps a copy beside the rest.
constexpr std::string_view kIntelHost = "api.trustedservices.intel.com";
constexpr std::string_view kIntelRootCrl =
    "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

Error malformed(Piece piece, std::string_view expected) {
  return Error(ErrorKind::upstream, "collateral_malformed",
               fmt::format("the {} is not what the service should send: expected {}",
                           to_string(piece), expected));
}

/// A list as DER (Intel's service) or in hexadecimal (a PCCS). Returns hexadecimal.
std::optional<std::string> crl_in_hex(std::string_view body) {
  constexpr char kSequence = 0x30;  // every list is one
  if (body.starts_with(kSequence)) return to_hex(as_bytes(body));
  while (body.ends_with('\n') || body.ends_with('\r')) body.remove_suffix(1);
  if (body.starts_with(to_hex(as_bytes({&kSequence, 1}))) && from_hex(body)) {
    return std::string(body);
  }
  return std::nullopt;
}

Status add_document(Piece piece, std::string_view name, const Answer& answer,
                    attest::CollateralText::Document& out) {
  auto document = attest::split_pcs_response(answer.body, name);
  if (!document) return malformed(piece, fmt::format("{{\"{}\":…,\"signature\":…}}", name));
  const auto chain = percent_decode(answer.issuer_chain);
  if (!chain || chain->find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    return malformed(piece, fmt::format("the header {} with a percent-encoded PEM chain",
                                        chain_headers(piece).front()));
  }
  out = std::move(*document);
  out.chain = *chain;
  return ok();
}

}  // namespace

std::string_view to_string(Piece piece) {
  switch (piece) {
    case Piece::tcb_info: return "TCB info";
    case Piece::qe_identity: return "QE identity";
    case Piece::pck_crl: return "PCK certificate revocation list";
    case Piece::root_crl: return "root revocation list";
  }
  return "collateral";
}

std::string url_of(Piece piece, const Service& service, const Platform& platform) {
  std::string_view base = service.url;
  while (base.ends_with('/')) base.remove_suffix(1);
  const std::string_view tee = to_string(platform.tee);
  const std::string_view update = service.update == Update::early ? "early" : "standard";
  switch (piece) {
    case Piece::tcb_info:
      return fmt::format("{}/{}/certification/v4/tcb?fmspc={}&update={}", base, tee,
                         to_hex(platform.fmspc), update);
    case Piece::qe_identity:
      return fmt::format("{}/{}/certification/v4/qe/identity?update={}", base, tee, update);
    case Piece::pck_crl:
      return fmt::format("{}/sgx/certification/v4/pckcrl?ca={}&encoding=der", base,
                         platform.ca == PckCa::processor ? "processor" : "platform");
    case Piece::root_crl:
      if (base.ends_with(kIntelHost)) return std::string(kIntelRootCrl);
      return fmt::format("{}/sgx/certification/v4/rootcacrl", base);
  }
  return {};
}

std::vector<std::string_view> chain_headers(Piece piece) {
  switch (piece) {
    case Piece::tcb_info: return {"tcb-info-issuer-chain", "sgx-tcb-info-issuer-chain"};
    case Piece::qe_identity: return {"sgx-enclave-identity-issuer-chain"};
    case Piece::pck_crl:
    case Piece::root_crl: break;
  }
  return {};
}

Status add(Piece piece, const Answer& answer, attest::CollateralText& out) {
  switch (piece) {
    case Piece::tcb_info: return add_document(piece, "tcbInfo", answer, out.tcb_info);
    case Piece::qe_identity: return add_document(piece, "enclaveIdentity", answer, out.qe_identity);
    case Piece::pck_crl:
    case Piece::root_crl: {
      auto list = crl_in_hex(answer.body);
      if (!list) return malformed(piece, "a list in DER or in hexadecimal");
      (piece == Piece::pck_crl ? out.pck_crl : out.root_crl) = std::move(*list);
      return ok();
    }
  }
  return ok();
}

Error explain_status(Piece piece, int status, const std::string& url) {
  struct Meaning {
    int status;
    ErrorKind kind;
    std::string_view code;
    std::string_view text;
  };
  // PCS: "Intel SGX and Intel TDX Provisioning Certification Service", v4, responses of each call.
  // 461 and 462 are a PCCS's own.
  static constexpr Meaning kMeanings[] = {
      {400, ErrorKind::invalid_argument, "collateral_refused",
       "the service calls the question wrong: check FMSPC and CA, and whether it speaks version 4"},
      {401, ErrorKind::unauthorized, "collateral_unauthorized",
       "the service wants a key: is this the PCCS's public address?"},
      {403, ErrorKind::unauthorized, "collateral_unauthorized",
       "the service refuses this caller: is this the PCCS's public address?"},
      {404, ErrorKind::not_found, "collateral_unknown",
       "nothing is known of this platform: a PCCS may have to be filled first, and Intel's service "
       "knows no platform before its release"},
      {410, ErrorKind::not_found, "collateral_gone",
       "the TCB recovery asked for is no longer served"},
      {429, ErrorKind::busy, "collateral_rate_limited", "too many questions: try again later"},
      {461, ErrorKind::not_found, "collateral_unknown",
       "the PCCS does not know the platform: register it there"},
      {462, ErrorKind::not_found, "collateral_unknown",
       "the PCCS has no certificates for some of the platform's TCB levels: update it"},
      {502, ErrorKind::upstream, "collateral_unavailable",
       "the PCCS could not reach Intel's service: check its network and its API key"},
      {503, ErrorKind::unavailable, "collateral_unavailable",
       "the service is overloaded or being updated: try again later"},
  };
  const auto* at = std::find_if(std::begin(kMeanings), std::end(kMeanings),
                                [&](const Meaning& m) { return m.status == status; });
  const std::string asked = fmt::format("{} answers {} for the {}", url, status, to_string(piece));
  if (at == std::end(kMeanings)) {
    return Error(ErrorKind::upstream, "collateral_unavailable",
                 asked + ": is there a PCS or PCCS at this address?");
  }
  return Error(at->kind, at->code, asked + ": " + std::string(at->text));
}

}  // namespace cocoon::collateral
