#include "attest/snp_verify.h"

#include <fmt/format.h>

#include <algorithm>

#include "attest/open_verdict.h"
#include "attest/sha384_certificate.h"
#include "attest/snp_certificate.h"
#include "attest/text.h"

namespace cocoon::attest {

namespace {

/// SHA-256 of the SubjectPublicKeyInfo of AMD's root keys, from the chains that its key
/// distribution service publishes (kdsintf.amd.com/vcek/v1/{Milan,Genoa,Turin}/cert_chain).
constexpr std::string_view kMilanArk =
    "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9";
constexpr std::string_view kGenoaArk =
    "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831";
constexpr std::string_view kTurinArk =
    "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08";

constexpr std::string_view kVcekName = "SEV-VCEK";
constexpr std::string_view kVlekName = "SEV-VLEK";

/// Whether every part of `a` is at most that of `b`.
bool at_most(const SnpTcb& a, const SnpTcb& b) {
  return a.fmc <= b.fmc && a.boot_loader <= b.boot_loader && a.tee <= b.tee && a.snp <= b.snp &&
         a.microcode <= b.microcode;
}

/// Whether a processor of this family and model belongs to the product (AMD's processor programming
/// references; Genoa has Bergamo and Siena among it).
bool is_of_product(const SnpCpu& cpu, SnpProduct product) {
  switch (product) {
    case SnpProduct::milan: return cpu.family == 0x19 && cpu.model <= 0x0F;
    case SnpProduct::genoa:
      return cpu.family == 0x19 &&
             ((cpu.model >= 0x10 && cpu.model <= 0x1F) || (cpu.model >= 0xA0 && cpu.model <= 0xAF));
    case SnpProduct::turin: return cpu.family == 0x1A && cpu.model <= 0x1F;
  }
  return false;
}

/// One verification in progress.
class Verification : OpenVerdict<Verdict> {
 public:
  Verification(const SnpCertificates& given, const SnpRoots& roots, UnixTime now)
      : given_(given), roots_(roots), now_(now) {
    out_.root = TrustedRootKind::amd;
    out_.tee = TeeKind::snp;
  }

  Verdict run(ByteView bytes) {
    if (read_parts(bytes)) {
      check_chain();
      check_report_signature(bytes);
      check_list();
      check_dates();
      if (info_) check_match();
    }
    if (out_.faults.empty()) describe_platform();
    return close();
  }

 private:
  /// Reads everything; returns false where something is unreadable.
  bool read_parts(ByteView bytes) {
    auto report = parse_snp_report(bytes);
    if (report) {
      report_ = *report;
      out_.body = report_;
      out_.debug = report_.debug();
      out_.image = image_hash(report_);
      out_.report_data = report_.report_data;
    } else {
      fault(Fault::snp_report_format);
    }
    auto leaf = Sha384Certificate::parse(given_.endorsement_key);
    auto issuers = parse_sha384_chain(given_.issuers);
    if (!leaf || !issuers || issuers->size() != 2) {
      fault(Fault::snp_chain_untrusted, !leaf ? "format" : !issuers ? "issuers" : "count");
      return false;
    }
    chain_ = {*leaf, (*issuers)[0], (*issuers)[1]};
    auto info = read_snp_key_info(*chain_[0]);
    if (info) {
      info_ = *info;
    } else {
      fault(Fault::snp_chain_untrusted, "extensions");
    }
    if (given_.revocation_list) {
      auto list = Sha384RevocationList::parse(*given_.revocation_list);
      if (list) {
        list_ = *list;
      } else {
        fault(Fault::crl_invalid, "format");
      }
    }
    return report.has_value();
  }

  void check_chain() {
    product_ = roots_.find(chain_[2]->key.digest());
    std::string_view wrong = check_sha384_links(chain_);
    if (wrong.empty() && !names_fit()) wrong = "name";
    if (!product_) wrong = "root";
    if (!wrong.empty()) fault(Fault::snp_chain_untrusted, std::string(wrong));
  }

  /// Whether each certificate has the name that goes with the kind of key that signed.
  bool names_fit() const {
    const std::string product(product_ ? to_string(*product_) : "");
    const bool vlek = report_.signing_key == SnpSigningKey::vlek;
    return chain_[0]->common_name == (vlek ? kVlekName : kVcekName) &&
           chain_[1]->common_name == (vlek ? "SEV-VLEK-" : "SEV-") + product &&
           chain_[2]->common_name == "ARK-" + product;
  }

  void check_report_signature(ByteView bytes) {
    if (!chain_[0]->key.verify_raw({bytes.first(kSnpSignedBytes)}, report_.signature)) {
      fault(Fault::snp_report_signature);
    }
  }

  void check_list() {
    if (!list_) return;
    const Sha384Certificate& ark = *chain_[2];
    if (list_->issuer != ark.subject || !list_->encoded.signed_by(ark.key)) {
      fault(Fault::crl_invalid, "signature");
      return;
    }
    if (list_->contains(chain_[1]->serial)) fault(Fault::ca_revoked);
    out_.collateral_issued = list_->this_update;
  }

  void check_dates() {
    out_.expires = UnixTime::max();
    check_date("endorsement_key", chain_[0]->not_before, chain_[0]->not_after);
    check_date("ask", chain_[1]->not_before, chain_[1]->not_after);
    check_date("ark", chain_[2]->not_before, chain_[2]->not_after);
    if (list_) check_date("crl", list_->this_update, list_->next_update);
    if (!expired_.empty()) fault(Fault::expired, expired_);
    if (!early_.empty()) fault(Fault::not_yet_valid, early_);
  }

  void check_date(std::string_view part, UnixTime from, UnixTime to) {
    out_.expires = std::min(out_.expires, to);
    std::string* late = now_ > to ? &expired_ : now_ < from ? &early_ : nullptr;
    if (late != nullptr) *late += (late->empty() ? "" : ",") + std::string(part);
  }

  void check_match() {
    const bool vlek = report_.signing_key == SnpSigningKey::vlek;
    if (vlek != info_->provider.has_value()) fault(Fault::snp_mismatch, "signing_key");
    if (product_ && info_->product != *product_) fault(Fault::snp_mismatch, "product");
    if (report_.cpu && !is_of_product(*report_.cpu, info_->product)) {
      fault(Fault::snp_mismatch, "cpu");
    }
    if (info_->tcb != report_.reported_tcb) fault(Fault::snp_mismatch, "reported_tcb");
    const bool masked = report_.chip_id == ByteArray<64>{};
    if (info_->hardware_id && !masked && *info_->hardware_id != report_.chip_id) {
      fault(Fault::snp_mismatch, "chip_id");
    }
    const auto tcb = [&](const SnpTcbBytes& b) { return decode_snp_tcb(info_->product, b); };
    // What is installed may be newer than what the platform reports and has committed to; older it
    // cannot be.
    if (!at_most(tcb(report_.reported_tcb), tcb(report_.current_tcb)) ||
        !at_most(tcb(report_.committed_tcb), tcb(report_.current_tcb)) ||
        report_.committed_firmware > report_.current_firmware) {
      fault(Fault::snp_mismatch, "current_tcb");
    }
  }

  void describe_platform() {
    SnpPlatform platform;
    platform.product = *product_;
    platform.tcb = decode_snp_tcb(*product_, info_->tcb);
    if (info_->hardware_id) platform.chip = snp_platform_id(*info_->hardware_id);
    platform.provider = info_->provider.value_or("");
    platform.revocation_checked = list_.has_value();
    out_.snp = std::move(platform);
  }

  const SnpCertificates& given_;
  const SnpRoots& roots_;
  UnixTime now_;
  SnpReport report_;
  std::vector<Sha384CertificatePtr> chain_;  ///< endorsement key, ASK, ARK
  std::optional<SnpKeyInfo> info_;
  std::optional<Sha384RevocationList> list_;
  std::optional<SnpProduct> product_;  ///< of the root
  std::string expired_;
  std::string early_;
};

}  // namespace

SnpRoots SnpRoots::amd() {
  // Constants of 64 digits: value() cannot fail.
  return SnpRoots({{SnpProduct::milan, decode_hex_array<32>(kMilanArk).value()},
                   {SnpProduct::genoa, decode_hex_array<32>(kGenoaArk).value()},
                   {SnpProduct::turin, decode_hex_array<32>(kTurinArk).value()}});
}

Result<SnpRoots> SnpRoots::stand_in_for_amd(SnpProduct product, std::string_view root_pem) {
  COCOON_TRY(const Hash key, self_signed_sha384_key(root_pem));
  return SnpRoots({{product, key}});
}

std::optional<SnpProduct> SnpRoots::find(const Hash& key_digest) const {
  for (const Root& root : roots_) {
    if (root.key == key_digest) return root.product;
  }
  return std::nullopt;
}

Verdict verify_snp_report(ByteView report, const SnpCertificates& certificates,
                          const SnpRoots& roots, UnixTime now) {
  return Verification(certificates, roots, now).run(report);
}

}  // namespace cocoon::attest
