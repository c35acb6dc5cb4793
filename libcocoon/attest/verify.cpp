#include "attest/verify.h"

#include <algorithm>
#include <set>

#include "attest/chain.h"
#include "attest/open_verdict.h"
#include "crypto/hash.h"

namespace cocoon::attest {

namespace {

/// Faults up to this one leave nothing to be evaluated: the bytes are not what they should be.
constexpr Fault kLastOfSignatures = Fault::quote_signature;

template <class T>
void check_document(const SignedDocument<T>& document, const TrustedRoot& root, Fault format,
                    Fault signature, Fault missing, std::vector<Finding>& faults) {
  if (document.content.missing()) {
    faults.push_back({missing, ""});
    return;
  }
  if (document.content.malformed()) faults.push_back({format, ""});
  if (!document.chain) {
    faults.push_back({signature, document.chain.missing() ? "no chain" : "chain"});
    return;
  }
  if (const std::string_view fault = check_tcb_signer_chain(*document.chain, root);
      !fault.empty()) {
    faults.push_back({signature, "signer " + std::string(fault)});
    return;
  }
  if (!document.signature ||
      !document.chain->front()->key.verify({as_bytes(document.text)}, *document.signature)) {
    faults.push_back({signature, ""});
  }
}

/// One verification in progress.
class Verification : OpenVerdict<Verdict> {
 public:
  Verification(const CheckedCollateral& checked, UnixTime now, CertificateCache& cache)
      : checked_(checked), collateral_(checked.collateral()), now_(now), cache_(cache) {
    out_.root = checked.root().kind();
  }

  Verdict run(ByteView bytes) {
    if (verify_parts(bytes)) {
      check_revocation();
      check_dates();
      check_platform();
      evaluate();
    }
    return close();
  }

 private:
  /// Format, signatures and presence. Returns whether what is there is genuine, so that it makes
  /// sense to look at what it says.
  bool verify_parts(ByteView bytes) {
    auto quote = parse_quote(bytes);
    if (!quote) {
      fault(Fault::quote_format);
      return false;
    }
    quote_ = std::move(quote).value();
    describe();
    if (!read_chain()) return false;
    out_.faults.insert(out_.faults.end(), checked_.faults().begin(), checked_.faults().end());
    check_chain();
    check_quote_signatures();
    check_lists();
    return std::none_of(out_.faults.begin(), out_.faults.end(),
                        [](const Finding& finding) { return finding.fault <= kLastOfSignatures; });
  }

  void describe() {
    out_.tee = quote_.tee;
    std::visit([&](const auto& report) { out_.body = report; }, quote_.body);
    out_.report_data = quote_.report_data();
    if (const auto* sgx = std::get_if<SgxReport>(&quote_.body)) {
      out_.debug = sgx->debug();
      out_.image = image_hash(*sgx);
    } else {
      const TdReport& td = std::get<TdReport>(quote_.body);
      out_.debug = (td.td_attributes & 1) != 0;
      out_.image = image_hash(td);
    }
  }

  /// Finds the PCK chain in the quote or beside it. Returns false where it is there and unreadable.
  bool read_chain() {
    if (quote_.signature.certification_type == CertificationType::pck_chain) {
      return read_embedded_chain(as_text(quote_.signature.certification_data));
    }
    const auto& beside = collateral_.pck_chain;
    if (beside) chain_ = *beside;
    if (beside.missing()) fault(Fault::pck_chain_missing);
    if (beside.malformed()) fault(Fault::pck_chain_untrusted, "format");
    return true;
  }

  bool read_embedded_chain(std::string_view pem) {
    auto ders = decode_pem_certificates(pem);
    if (!ders) {
      fault(Fault::quote_format, "pck_chain");
      return false;
    }
    for (const Bytes& der : *ders) {
      auto certificate = cache_.certificate(der);
      if (!certificate) {
        fault(Fault::quote_format, "pck_chain");
        return false;
      }
      chain_.push_back(*certificate);
    }
    if (chain_.empty()) fault(Fault::pck_chain_untrusted, "count");
    return true;
  }

  void check_chain() {
    if (chain_.empty()) return;  // said already
    const std::string_view wrong = check_pck_chain(chain_, checked_.root(), cache_);
    chain_trusted_ = wrong.empty();
    if (!chain_trusted_) {
      fault(Fault::pck_chain_untrusted, std::string(wrong));
      return;
    }
    auto extension = parse_pck_extension(chain_.front()->sgx_extension);
    if (extension) {
      out_.platform = *extension;
    } else {
      fault(Fault::quote_format, "pck_certificate");
    }
  }

  void check_quote_signatures() {
    const QeSignature& s = quote_.signature;
    if (chain_trusted_ && !chain_.front()->key.verify({s.qe_report_bytes}, s.qe_report_signature)) {
      fault(Fault::qe_report_signature);
    }
    ByteArray<64> expected{};
    const Hash binding = crypto::sha256({s.attestation_key, s.auth_data});
    std::copy(binding.begin(), binding.end(), expected.begin());
    if (s.qe_report.report_data != expected) fault(Fault::qe_report_data);
    const auto key = P256PublicKey::from_point(s.attestation_key);
    if (!key || !key->verify({quote_.signed_bytes}, s.quote_signature)) {
      fault(Fault::quote_signature);
    }
  }

  void check_lists() {
    const auto readable = [&](const Part<RevocationListPtr>& list, const char* name) {
      if (list.missing()) fault(Fault::crl_missing, name);
      if (list.malformed()) fault(Fault::crl_invalid, std::string(name) + " format");
      return chain_trusted_ && static_cast<bool>(list);
    };
    const auto check = [&](const RevocationList& list, const Certificate& issuer) {
      if (list.issuer != issuer.subject) {
        fault(Fault::crl_invalid, "issuer");
      } else if (!cache_.signed_by(list.encoded, issuer.key)) {
        fault(Fault::crl_invalid, "signature");
      }
    };
    if (readable(collateral_.root_crl, "root_crl")) check(**collateral_.root_crl, *chain_[2]);
    if (readable(collateral_.pck_crl, "pck_crl")) check(**collateral_.pck_crl, *chain_[1]);
  }

  /// The signers of both documents that there are.
  std::vector<CertificatePtr> signer_chains() const {
    std::vector<CertificatePtr> out;
    if (collateral_.tcb_info.chain) out = *collateral_.tcb_info.chain;
    if (collateral_.qe_identity.chain) {
      out.insert(out.end(), collateral_.qe_identity.chain->begin(),
                 collateral_.qe_identity.chain->end());
    }
    return out;
  }

  void check_revocation() {
    if (collateral_.pck_crl && chain_trusted_ &&
        (*collateral_.pck_crl)->contains(chain_[0]->serial)) {
      fault(Fault::pck_revoked);
    }
    if (!collateral_.root_crl) return;
    const RevocationList& list = **collateral_.root_crl;
    if (chain_trusted_ && (list.contains(chain_[1]->serial) || list.contains(chain_[2]->serial))) {
      fault(Fault::ca_revoked);
    }
    for (const CertificatePtr& certificate : signer_chains()) {
      if (list.contains(certificate->serial)) {
        fault(Fault::tcb_signer_revoked);
        break;
      }
    }
  }

  /// Notes one validity: whether `now` is inside, and when it ends.
  void check_period(const char* name, UnixTime from, UnixTime until) {
    out_.expires = std::min(out_.expires, until);
    if (now_ > until) add_name(expired_, name);
    if (now_ < from) add_name(early_, name);
  }
  static void add_name(std::string& list, std::string_view name) {
    if (("," + list + ",").find("," + std::string(name) + ",") != std::string::npos) return;
    if (!list.empty()) list += ',';
    list += name;
  }
  void check_period(const char* name, const Certificate& certificate) {
    check_period(name, certificate.not_before, certificate.not_after);
  }
  void check_period(const char* name, const DocumentHead& head) {
    out_.collateral_issued = std::min(out_.collateral_issued, head.issue_date);
    check_period(name, head.issue_date, head.next_update);
  }
  void check_period(const char* name, const RevocationList& list) {
    check_period(name, list.this_update, list.next_update);
  }

  void check_dates() {
    out_.expires = UnixTime::max();
    out_.collateral_issued = UnixTime::max();
    if (chain_trusted_) {
      check_period("pck", *chain_[0]);
      check_period("pck_ca", *chain_[1]);
      check_period("root", *chain_[2]);
    }
    for (const CertificatePtr& certificate : signer_chains()) {
      check_period(certificate->is_ca ? "root" : "tcb_signer", *certificate);
    }
    if (const auto& info = collateral_.tcb_info.content) check_period("tcb_info", info->head);
    if (const auto& qe = collateral_.qe_identity.content) check_period("qe_identity", qe->head);
    if (const auto& list = collateral_.root_crl) check_period("root_crl", **list);
    if (const auto& list = collateral_.pck_crl) check_period("pck_crl", **list);
    if (!expired_.empty()) fault(Fault::expired, expired_);
    if (!early_.empty()) fault(Fault::not_yet_valid, early_);
  }

  void check_platform() {
    if (!out_.platform) return;
    const bool reserved = out_.platform->fmspc == kSimulatedFmspc;
    if (reserved != (out_.root == TrustedRootKind::simulated)) fault(Fault::fmspc_reserved);
  }

  void evaluate() {
    const auto& info = collateral_.tcb_info.content;
    const auto& qe = collateral_.qe_identity.content;
    const bool info_fits = info && check_tcb_info(*info);
    const bool qe_fits = qe && check_qe_identity(*qe);
    if (info && qe) {
      out_.tcb_evaluation_number =
          std::min(info->head.tcb_evaluation_number, qe->head.tcb_evaluation_number);
      if (!info->head.statuses_known || !qe->head.statuses_known) {
        fault(Fault::tcb_unrecognized_status);
        return;
      }
    }
    if (info_fits && qe_fits && out_.platform) evaluate_tcb(*info, *qe);
  }

  bool check_tcb_info(const TcbInfo& info) {
    if (info.head.id != (quote_.tee == TeeKind::tdx ? "TDX" : "SGX")) {
      fault(Fault::tcb_info_mismatch, "tee");
      return false;
    }
    if (info.head.version != kTcbInfoVersion) {
      fault(Fault::tcb_info_mismatch, "version");
      return false;
    }
    if (out_.platform && info.fmspc != out_.platform->fmspc) {
      fault(Fault::tcb_info_mismatch, "fmspc");
      return false;
    }
    if (out_.platform && info.pce_id != out_.platform->pce_id) {
      fault(Fault::tcb_info_mismatch, "pceid");
      return false;
    }
    return true;
  }

  bool check_qe_identity(const QeIdentity& identity) {
    const SgxReport& qe = quote_.signature.qe_report;
    const char* wrong = nullptr;
    ByteArray<16> attributes = qe.attributes;
    for (std::size_t i = 0; i < attributes.size(); ++i) {
      attributes[i] &= identity.attributes_mask[i];
    }
    if (identity.head.id != (quote_.tee == TeeKind::tdx ? "TD_QE" : "QE")) {
      wrong = "id";
    } else if (identity.head.version != kQeIdentityVersion) {
      wrong = "version";
    } else if ((qe.misc_select & identity.misc_select_mask) != identity.misc_select) {
      wrong = "miscselect";
    } else if (attributes != identity.attributes) {
      wrong = "attributes";
    } else if (qe.mr_signer != identity.mr_signer) {
      wrong = "mrsigner";
    } else if (qe.isv_prod_id != identity.isv_prod_id) {
      wrong = "isvprodid";
    }
    if (wrong != nullptr) fault(Fault::qe_identity_mismatch, wrong);
    return wrong == nullptr;
  }

  void evaluate_tcb(const TcbInfo& info, const QeIdentity& identity) {
    const IsvLevel* qe = find_level(identity.levels, quote_.signature.qe_report.isv_svn);
    if (const auto* td = std::get_if<TdReport>(&quote_.body)) {
      auto launch = evaluate_guest(info, qe, *td, td->tee_tcb_svn);
      if (!launch) return;
      out_.launch = std::move(*launch);
      if (td->current) {
        out_.current = evaluate_guest(info, qe, *td, td->current->tee_tcb_svn2);
        if (!out_.current) return;
      }
    } else {
      out_.launch =
          evaluate_levels(find_level(info.levels, *out_.platform, nullptr), qe, nullptr, false);
    }
    merge_evaluations();
  }

  /// Steps 9 to 11 with one TEE_TCB_SVN; nothing where its module is not one of Intel's.
  std::optional<TcbEvaluation> evaluate_guest(const TcbInfo& info, const IsvLevel* qe,
                                              const TdReport& td,
                                              const ByteArray<16>& tee_tcb_svn) {
    const ModuleMatch match =
        match_module(info, tee_tcb_svn, td.mr_signer_seam, td.seam_attributes);
    if (match.mismatch) {
      fault(Fault::tdx_module_mismatch, match.mismatch->part);
      return std::nullopt;
    }
    const bool has_levels = match.identity != nullptr;
    const IsvLevel* module =
        has_levels ? find_level(match.identity->levels, tee_tcb_svn[0]) : nullptr;
    return evaluate_levels(find_level(info.levels, *out_.platform, &tee_tcb_svn), qe, module,
                           has_levels);
  }

  void merge_evaluations() {
    std::set<std::string> advisories(out_.launch.advisories.begin(), out_.launch.advisories.end());
    out_.tcb_date = out_.launch.date;
    out_.status = out_.launch.status;
    if (out_.current) {
      advisories.insert(out_.current->advisories.begin(), out_.current->advisories.end());
      out_.tcb_date = std::min(out_.tcb_date, out_.current->date);
      out_.status = out_.launch.status && out_.current->status
                        ? std::optional(merge_relaunch(*out_.launch.status, *out_.current->status))
                        : std::nullopt;
    }
    out_.advisories.assign(advisories.begin(), advisories.end());
    if (!out_.status) fault(Fault::tcb_not_supported);
  }

  const CheckedCollateral& checked_;
  const Collateral& collateral_;
  UnixTime now_;
  CertificateCache& cache_;
  Quote quote_;
  std::vector<CertificatePtr> chain_;
  bool chain_trusted_ = false;
  std::string expired_;
  std::string early_;
};

}  // namespace

CheckedCollateral::CheckedCollateral(CollateralPtr collateral, TrustedRoot root)
    : collateral_(std::move(collateral)), root_(std::move(root)) {
  check_document(collateral_->tcb_info, root_, Fault::tcb_info_format, Fault::tcb_info_signature,
                 Fault::tcb_info_missing, faults_);
  check_document(collateral_->qe_identity, root_, Fault::qe_identity_format,
                 Fault::qe_identity_signature, Fault::qe_identity_missing, faults_);
}

Verdict verify_quote(ByteView quote, const CheckedCollateral& collateral, UnixTime now,
                     CertificateCache& cache) {
  return Verification(collateral, now, cache).run(quote);
}

Verdict verify_quote(ByteView quote, CollateralPtr collateral, const TrustedRoot& root,
                     UnixTime now) {
  CertificateCache cache(8);
  return verify_quote(quote, CheckedCollateral(std::move(collateral), root), now, cache);
}

}  // namespace cocoon::attest
