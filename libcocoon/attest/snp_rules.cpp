#include "attest/snp_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "attest/text.h"

namespace cocoon::attest {

namespace {

template <class T>
bool contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

std::string describe(const SnpTcb& tcb) {
  return fmt::format("fmc {} boot loader {} tee {} snp {} microcode {}", tcb.fmc, tcb.boot_loader,
                     tcb.tee, tcb.snp, tcb.microcode);
}

bool at_least(const SnpTcb& tcb, const SnpTcb& floor) {
  return tcb.fmc >= floor.fmc && tcb.boot_loader >= floor.boot_loader && tcb.tee >= floor.tee &&
         tcb.snp >= floor.snp && tcb.microcode >= floor.microcode;
}

/// One evaluation in progress.
class Rules {
 public:
  Rules(const SnpReport& report, const SnpPlatform& platform, const SnpPolicy& policy)
      : report_(report), platform_(platform), policy_(policy) {}

  std::vector<Refusal> run() {
    check_guest_policy();
    check_platform_info();
    check_tcb();
    check_signer();
    check_keys();
    return std::move(out_);
  }

 private:
  void refuse(std::string_view code, std::string detail) {
    out_.push_back({code, std::move(detail)});
  }

  /// What the guest's owner allowed when it was launched. (DEBUG is policy.cpp's.)
  void check_guest_policy() {
    const std::uint64_t bits = report_.policy;
    if ((bits & ~snp_policy::kKnown) != 0 || (bits & snp_policy::kReservedOne) == 0) {
      refuse("snp_policy_reserved",
             fmt::format("The guest's policy {:#x} has reserved bits that are not as specified.",
                         bits));
    }
    if ((bits & snp_policy::kMigrationAgent) != 0) {
      refuse("migratable", "The guest may have a migration agent, which can read it.");
    }
    const auto abi = static_cast<std::uint32_t>(bits & snp_policy::kAbiMask);
    const std::uint32_t least = std::uint32_t{policy_.min_abi_major} << 8 | policy_.min_abi_minor;
    if (abi < least) {
      refuse("snp_abi",
             fmt::format("The guest runs on firmware of ABI version {}.{}, and {}.{} is "
                         "demanded.",
                         abi >> 8, abi & 0xFF, policy_.min_abi_major, policy_.min_abi_minor));
    }
    if (!policy_.allow_smt && (bits & snp_policy::kSmt) != 0) {
      refuse("snp_smt", "The guest may share its cores with others (SMT).");
    }
    if (!policy_.allow_multiple_sockets && (bits & snp_policy::kSingleSocket) == 0) {
      refuse("snp_sockets", "The guest may be spread over several sockets.");
    }
    if ((bits & snp_policy::kCxl) != 0) {
      refuse("snp_cxl", "The guest's memory may lie on CXL devices, outside the processor's own.");
    }
  }

  void check_platform_info() {
    if ((report_.platform_info & ~snp_platform::kKnown) != 0) {
      refuse("snp_platform_info",
             fmt::format("The platform information {:#x} has bits that are unknown here.",
                         report_.platform_info));
    }
    if (policy_.require_alias_check && (report_.platform_info & snp_platform::kAliasCheck) == 0) {
      refuse("snp_alias_check",
             "The platform's firmware has not looked for memory that aliases other memory.");
    }
    if (report_.vmpl > policy_.max_vmpl) {
      refuse("snp_vmpl", fmt::format("Software at VMPL {} asked for the report, and at most {} is "
                                     "admitted.",
                                     report_.vmpl, policy_.max_vmpl));
    }
  }

  void check_tcb() {
    const auto floor =
        std::find_if(policy_.minimum_tcb.begin(), policy_.minimum_tcb.end(),
                     [&](const SnpFloor& one) { return one.product == platform_.product; });
    if (floor == policy_.minimum_tcb.end()) {
      refuse("snp_product", fmt::format("The policy names no minimum TCB for {} processors.",
                                        to_string(platform_.product)));
      return;
    }
    // A guest that was launched on old firmware may have been broken into then.
    for (const auto& [name, bytes] :
         {std::pair("reported", &report_.reported_tcb),
          std::pair("committed", &report_.committed_tcb),
          std::pair("current", &report_.current_tcb), std::pair("launch", &report_.launch_tcb)}) {
      const SnpTcb tcb = decode_snp_tcb(platform_.product, *bytes);
      if (!at_least(tcb, floor->tcb)) {
        refuse("snp_tcb", fmt::format("The platform's {} TCB ({}) is below the policy's ({}).",
                                      name, describe(tcb), describe(floor->tcb)));
      }
    }
    if (!policy_.allow_provisional_firmware &&
        (report_.committed_tcb != report_.current_tcb ||
         report_.committed_firmware != report_.current_firmware)) {
      refuse("snp_provisional",
             "The platform's firmware is not committed: its owner can still roll it back.");
    }
  }

  void check_signer() {
    if (report_.signing_key == SnpSigningKey::vlek &&
        !contains(policy_.vlek_providers, platform_.provider)) {
      refuse("snp_vlek", fmt::format("The report is signed with the key of the provider {}, which "
                                     "the policy does not admit.",
                                     platform_.provider));
    }
    if (report_.signing_key == SnpSigningKey::vcek && !policy_.allow_masked_chip_id &&
        report_.chip_id == ByteArray<64>{}) {
      refuse("snp_chip_masked", "The platform's owner masks the chip's id.");
    }
    if (!platform_.revocation_checked && !policy_.allow_missing_revocation_list) {
      refuse("snp_no_revocation_list",
             "AMD's revocation list did not come with the report; fetch it.");
    }
  }

  void check_keys() {
    if (policy_.id_keys && !contains(*policy_.id_keys, report_.id_key_digest)) {
      refuse("snp_id_key", fmt::format("The id key {} is not on the policy's list.",
                                       encode_hex(report_.id_key_digest)));
    }
    if (policy_.author_keys && (!report_.author_key_enabled ||
                                !contains(*policy_.author_keys, report_.author_key_digest))) {
      refuse("snp_author_key", report_.author_key_enabled
                                   ? fmt::format("The author key {} is not on the policy's list.",
                                                 encode_hex(report_.author_key_digest))
                                   : "No author key vouches for the guest.");
    }
  }

  const SnpReport& report_;
  const SnpPlatform& platform_;
  const SnpPolicy& policy_;
  std::vector<Refusal> out_;
};

}  // namespace

std::vector<Refusal> snp_refusals(const SnpReport& report, const SnpPlatform& platform,
                                  const SnpPolicy& policy) {
  return Rules(report, platform, policy).run();
}

}  // namespace cocoon::attest
