#include "attest/collateral.h"

#include <fmt/format.h>

#include "attest/text.h"
#include "base/limits.h"
#include "codec/json.h"
#include "crypto/hash.h"

namespace cocoon::attest {

namespace {

/// The file is flat; the documents inside are strings.
constexpr json::Limits kFileLimits{2, 64};
/// A PCS response wraps a whole document.
constexpr json::Limits kResponseLimits{16, limits::kMaxCollateralJsonBytes / 4};

Error refuse(std::string detail) {
  return Error(ErrorKind::invalid_argument, "collateral_format", std::move(detail));
}

struct Member {
  const char* name;
  std::optional<std::string> CollateralText::*field;
};
constexpr Member kMembers[] = {{"root_ca_crl", &CollateralText::root_crl},
                               {"pck_crl", &CollateralText::pck_crl},
                               {"pck_certificate_chain", &CollateralText::pck_chain}};

Status read_member(json::Value root, const std::string& name, std::optional<std::string>& out) {
  const json::Value value = root.find(name);
  if (!value || value.is(json::Kind::null)) return ok();
  const auto text = value.as_string();
  if (!text) return refuse(fmt::format("The collateral's member \"{}\" is no string.", name));
  out = std::string(*text);
  return ok();
}

Status read_document(json::Value root, const std::string& name, CollateralText::Document& out) {
  COCOON_CHECK(read_member(root, name, out.text));
  COCOON_CHECK(read_member(root, name + "_signature", out.signature));
  return read_member(root, name + "_issuer_chain", out.chain);
}

void write_member(json::Writer& out, std::string_view name,
                  const std::optional<std::string>& text) {
  out.key(name);
  if (text) {
    out.string(*text);
  } else {
    out.null();
  }
}

template <class T>
Part<T> malformed(std::string problem) {
  return {Part<T>::State::malformed, std::nullopt, std::move(problem)};
}

template <class T>
Part<T> to_part(Result<T> result) {
  if (!result) return malformed<T>(result.error().detail());
  return {Part<T>::State::present, std::move(result).value(), {}};
}

Result<std::vector<CertificatePtr>> parse_chain(std::string_view pem) {
  COCOON_TRY(const std::vector<Bytes> ders, decode_pem_certificates(pem));
  std::vector<CertificatePtr> out;
  for (const Bytes& der : ders) {
    COCOON_TRY(CertificatePtr certificate, Certificate::parse(der));
    out.push_back(std::move(certificate));
  }
  return out;
}

Part<std::vector<CertificatePtr>> chain_part(const std::optional<std::string>& pem) {
  if (!pem) return {};
  return to_part(parse_chain(*pem));
}

Part<RevocationListPtr> list_part(const std::optional<std::string>& hex) {
  if (!hex) return {};
  const auto der = decode_hex(*hex);
  if (!der) return malformed<RevocationListPtr>("The revocation list is not hexadecimal.");
  return to_part(RevocationList::parse(*der));
}

template <class T>
SignedDocument<T> document_part(const CollateralText::Document& in,
                                Result<T> (*parse)(std::string_view)) {
  SignedDocument<T> out;
  if (!in.text) return out;
  out.text = *in.text;
  out.content = to_part(parse(*in.text));
  out.chain = chain_part(in.chain);
  if (!in.signature) return out;
  const auto signature = decode_hex_array<64>(*in.signature);
  out.signature = signature ? to_part(Result<P256Signature>(*signature))
                            : malformed<P256Signature>("The signature is not 64 bytes in hex.");
  return out;
}

Hash digest_of(const CollateralText& text) {
  crypto::Sha256 hash;
  const auto add = [&](const std::optional<std::string>& field) {
    // The length separates the fields; an absent one is none of any length.
    ByteWriter length;
    length.u64be(field ? field->size() : UINT64_MAX);
    hash.update(length.take());
    if (field) hash.update(as_bytes(*field));
  };
  for (const CollateralText::Document* document : {&text.tcb_info, &text.qe_identity}) {
    add(document->text);
    add(document->signature);
    add(document->chain);
  }
  for (const Member& member : kMembers) add(text.*member.field);
  return hash.finish();
}

}  // namespace

Result<CollateralText> CollateralText::from_json(std::string_view json) {
  if (json.size() > limits::kMaxCollateralFileBytes) {
    return refuse(fmt::format("The collateral has {} bytes, and {} are allowed.", json.size(),
                              limits::kMaxCollateralFileBytes));
  }
  auto document = json::Document::parse(json, kFileLimits);
  if (!document) return refuse(document.error().detail());
  const json::Value root = document->root();
  if (!root.is(json::Kind::object)) return refuse("The collateral is no JSON object.");
  CollateralText out;
  COCOON_CHECK(read_document(root, "tcb_info", out.tcb_info));
  COCOON_CHECK(read_document(root, "qe_identity", out.qe_identity));
  for (const Member& member : kMembers) {
    COCOON_CHECK(read_member(root, member.name, out.*member.field));
  }
  return out;
}

std::string CollateralText::to_json() const {
  json::Writer out;
  out.begin_object();
  write_member(out, "tcb_info", tcb_info.text);
  write_member(out, "tcb_info_signature", tcb_info.signature);
  write_member(out, "tcb_info_issuer_chain", tcb_info.chain);
  write_member(out, "qe_identity", qe_identity.text);
  write_member(out, "qe_identity_signature", qe_identity.signature);
  write_member(out, "qe_identity_issuer_chain", qe_identity.chain);
  for (const Member& member : kMembers) write_member(out, member.name, this->*member.field);
  return out.end_object().take();
}

Result<CollateralText::Document> split_pcs_response(std::string_view body, std::string_view name) {
  if (body.size() > limits::kMaxCollateralJsonBytes) {
    return refuse(fmt::format("The response has {} bytes, and {} are allowed.", body.size(),
                              limits::kMaxCollateralJsonBytes));
  }
  auto document = json::Document::parse(body, kResponseLimits);
  if (!document) return refuse(document.error().detail());
  const json::Value content = document->root().find(name);
  const auto signature = document->root().find("signature").as_string();
  if (!content.is(json::Kind::object) || !signature) {
    return refuse(fmt::format("The response has no \"{}\" with a signature.", name));
  }
  return CollateralText::Document{std::string(content.raw()), std::string(*signature), {}};
}

CollateralPtr Collateral::parse(const CollateralText& text) {
  auto out = std::make_shared<Collateral>();
  out->tcb_info = document_part(text.tcb_info, parse_tcb_info);
  out->qe_identity = document_part(text.qe_identity, parse_qe_identity);
  out->root_crl = list_part(text.root_crl);
  out->pck_crl = list_part(text.pck_crl);
  out->pck_chain = chain_part(text.pck_chain);
  out->digest = digest_of(text);
  return out;
}

}  // namespace cocoon::attest
