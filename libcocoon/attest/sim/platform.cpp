#include "attest/sim/platform.h"

#include "attest/chain.h"
#include "attest/sim/issue.h"
#include "attest/text.h"

namespace cocoon::attest::sim {

namespace {

constexpr Seconds kEarly{24 * 3600};

Error bad_state(std::string detail) {
  return Error(ErrorKind::invalid_argument, "simulated_state_invalid", std::move(detail));
}

Result<SimKeys> draw_keys(Random& random) {
  COCOON_TRY(SigningKey root, SigningKey::generate(random));
  COCOON_TRY(SigningKey pck_ca, SigningKey::generate(random));
  COCOON_TRY(SigningKey pck, SigningKey::generate(random));
  COCOON_TRY(SigningKey tcb_signer, SigningKey::generate(random));
  COCOON_TRY(SigningKey attestation, SigningKey::generate(random));
  return SimKeys{std::move(root), std::move(pck_ca), std::move(pck), std::move(tcb_signer),
                 std::move(attestation)};
}

/// The PEM of each certificate of a platform.
struct Certificates {
  std::string root;
  std::string pck_ca;
  std::string pck;
  std::string tcb_signer;
};

Result<std::string> issue_pem(const CertificateSpec& spec, const SigningKey& issuer) {
  COCOON_TRY(const Bytes der, issue_certificate(spec, issuer));
  return encode_pem_certificate(der);
}

Result<Certificates> issue_certificates(const SimKeys& keys, Random& random, UnixTime now) {
  CertificateSpec spec;
  spec.not_before = now - kEarly;
  spec.not_after = now + kSimCertificateLifetime;
  const auto issue = [&](std::string_view name, const SigningKey& subject, std::string_view issuer,
                         const SigningKey& signer) {
    spec.common_name = name;
    spec.issuer_name = issuer;
    spec.key = subject.point();
    spec.serial = random.array<16>();
    return issue_pem(spec, signer);
  };
  Certificates out;
  spec.is_ca = true;
  COCOON_TRY(out.root, issue(kRootName, keys.root, kRootName, keys.root));
  COCOON_TRY(out.pck_ca, issue(kPlatformCaName, keys.pck_ca, kRootName, keys.root));
  spec.is_ca = false;
  COCOON_TRY(out.tcb_signer, issue(kTcbSignerName, keys.tcb_signer, kRootName, keys.root));
  const PlatformId ppid{random.array<16>()};
  spec.sgx_extension = encode_pck_extension(sim_pck_extension(ppid, {random.array<16>()}));
  COCOON_TRY(out.pck, issue(kPckName, keys.pck, kPlatformCaName, keys.pck_ca));
  return out;
}

/// Whether the chains are made of these keys, in the order that a loaded platform relies on.
Status check_keys(const CollateralText& collateral, std::string_view root_pem,
                  const SimKeys& keys) {
  if (!collateral.pck_chain || !collateral.tcb_info.chain) {
    return bad_state("The simulated platform's collateral has no certificate chains.");
  }
  std::string all = *collateral.pck_chain + *collateral.tcb_info.chain;
  all += root_pem;
  COCOON_TRY(const std::vector<Bytes> ders, decode_pem_certificates(all));
  const SigningKey* const expected[] = {&keys.pck,        &keys.pck_ca, &keys.root,
                                        &keys.tcb_signer, &keys.root,   &keys.root};
  if (ders.size() != std::size(expected)) {
    return bad_state("The simulated platform's chains have not the certificates they should.");
  }
  for (std::size_t i = 0; i < ders.size(); ++i) {
    COCOON_TRY(const CertificatePtr certificate, Certificate::parse(ders[i]));
    if (certificate->key.point() != expected[i]->point()) {
      return bad_state("The simulated platform's certificates and keys do not belong together.");
    }
  }
  return ok();
}

}  // namespace

Result<SimPlatform> SimPlatform::create(Random& random, UnixTime now) {
  COCOON_TRY(SimKeys keys, draw_keys(random));
  COCOON_TRY(const Certificates certificates, issue_certificates(keys, random, now));
  SimPlatform out(std::move(keys), certificates.root);
  out.collateral_.pck_chain = certificates.pck + certificates.pck_ca + certificates.root;
  out.collateral_.tcb_info.chain = certificates.tcb_signer + certificates.root;
  COCOON_CHECK(out.renew(now));
  return out;
}

Status SimPlatform::renew(UnixTime now) {
  const UnixTime issued = now - kEarly;
  const UnixTime next = now + kSimCollateralLifetime;
  const std::string chain = tcb_chain_pem();
  CollateralText fresh;
  COCOON_TRY(fresh.tcb_info,
             sign_document(encode_tcb_info(sim_tcb_info(issued, next)), keys_.tcb_signer, chain));
  COCOON_TRY(fresh.qe_identity, sign_document(encode_qe_identity(sim_qe_identity(issued, next)),
                                              keys_.tcb_signer, chain));
  COCOON_TRY(const Bytes root_crl, issue_crl({kRootName, issued, next, {}}, keys_.root));
  COCOON_TRY(const Bytes pck_crl, issue_crl({kPlatformCaName, issued, next, {}}, keys_.pck_ca));
  fresh.root_crl = encode_hex(root_crl);
  fresh.pck_crl = encode_hex(pck_crl);
  fresh.pck_chain = collateral_.pck_chain;
  collateral_ = std::move(fresh);
  collateral_ends_ = next;
  return ok();
}

Result<SimState> SimPlatform::serialize() const {
  COCOON_TRY(crypto::SecretBytes pem, SigningKey::to_pem({&keys_.root, &keys_.pck_ca, &keys_.pck,
                                                          &keys_.tcb_signer, &keys_.attestation}));
  return SimState{root_pem_, collateral_.to_json(), std::move(pem)};
}

Result<SimPlatform> SimPlatform::load(std::string_view root_pem, std::string_view collateral_json,
                                      ByteView keys_pem) {
  COCOON_TRY(std::vector<SigningKey> keys, SigningKey::from_pem(keys_pem));
  if (keys.size() != 5) {
    return bad_state("The simulated platform's key file has not the five keys that it should.");
  }
  SimPlatform out(SimKeys{keys[0], keys[1], keys[2], keys[3], keys[4]}, std::string(root_pem));
  COCOON_TRY(out.collateral_, CollateralText::from_json(collateral_json));
  COCOON_CHECK(check_keys(out.collateral_, root_pem, out.keys_));
  if (!out.collateral_.tcb_info.text) {
    return bad_state("The simulated platform's collateral has no TCB info.");
  }
  COCOON_TRY(const TcbInfo info, parse_tcb_info(*out.collateral_.tcb_info.text));
  out.collateral_ends_ = info.head.next_update;
  return out;
}

Result<Bytes> SimPlatform::quote(const SimTdReport& guest) const {
  return make_quote(sim_quote_spec(sim_td_report(guest), pck_chain_pem()), keys_.attestation,
                    keys_.pck);
}

}  // namespace cocoon::attest::sim
