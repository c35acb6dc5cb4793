#include "attest/policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "attest/snp_rules.h"
#include "attest/text.h"

namespace cocoon::attest {

namespace {

// TD attributes (Intel TDX Module ABI specification, "TD attributes"; attestation.md section 1.1).
/// Bits 7:0, "TUD", make a guest untrusted. This one has a meaning, the others are reserved.
constexpr std::uint64_t kDebug = 1;
constexpr std::uint64_t kSeptVeDisable = 1ull << 28;
constexpr std::uint64_t kMigratable = 1ull << 29;
/// ICSSD, LASS, PKS, KL, TPA and PERFMON: features that a guest may use without harm to itself.
constexpr std::uint64_t kHarmlessBits =
    1ull << 16 | 1ull << 27 | 1ull << 30 | 1ull << 31 | 1ull << 62 | 1ull << 63;
/// XFAM bits that every guest has: x87 and SSE (same specification, "XFAM").
constexpr std::uint64_t kRequiredXfam = 0x3;

template <class T>
bool contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

/// One evaluation in progress.
class Evaluation {
 public:
  Evaluation(const Verdict& verdict, const AttestationPolicy& policy, const Allowances& allow)
      : verdict_(verdict), policy_(policy), allow_(allow) {}

  PolicyDecision run(UnixTime now) {
    check_trust(now);
    check_tcb(now);
    if (!contains(policy_.tees, verdict_.tee)) {
      refuse("tee_kind",
             fmt::format("The policy admits no {} environments.", cocoon::to_string(verdict_.tee)));
    }
    if (verdict_.debug && !allow_.debug) {
      refuse("debug", "The environment is in debug mode: its host can read it.");
    }
    if (verdict_.body) {
      if (const auto* td = std::get_if<TdReport>(&*verdict_.body)) check_guest(*td);
      if (const auto* snp = std::get_if<SnpReport>(&*verdict_.body)) check_snp_guest(*snp);
    }
    check_lists();
    return std::move(out_);
  }

 private:
  void refuse(std::string_view code, std::string detail) {
    out_.refusals.push_back({code, std::move(detail)});
  }

  void expire(UnixTime at) { out_.expires = std::min(out_.expires, at); }

  void check_trust(UnixTime now) {
    if (!verdict_.trusted() || !verdict_.body || !(verdict_.platform || verdict_.snp)) {
      refuse("untrusted", fmt::format("The quote did not verify: {}.", verdict_.text()));
    }
    const bool amd_beside_intel =
        verdict_.root == TrustedRootKind::amd && policy_.root == TrustedRootKind::intel;
    if (verdict_.root != policy_.root && !amd_beside_intel) {
      refuse("root_kind",
             fmt::format("The evidence rests on the {} root, and the policy names the {} one.",
                         cocoon::to_string(verdict_.root), cocoon::to_string(policy_.root)));
    }
    if (now > verdict_.expires) {
      refuse("verdict_expired",
             fmt::format("The verdict rests on collateral that ended at {}; verify again with "
                         "fresh collateral.",
                         format_utc(verdict_.expires)));
    }
    if (policy_.max_collateral_age) check_age(now, *policy_.max_collateral_age);
  }

  void check_age(UnixTime now, Seconds limit) {
    // In whole seconds, so that the longest limit does not overflow when it is converted.
    const auto age = std::chrono::floor<Seconds>(now - verdict_.collateral_issued);
    if (age > limit) {
      return refuse(
          "collateral_too_old",
          fmt::format("The collateral was issued at {}, and the policy wants it no older than "
                      "{} s; fetch it again.",
                      format_utc(verdict_.collateral_issued), limit.count()));
    }
    const auto representable = std::chrono::floor<Seconds>(UnixTime::max() - now);
    expire(now + std::min(limit - age, representable));
  }

  void check_tcb(UnixTime now) {
    const auto& status = verdict_.status;
    if (status && !admits(*status, now)) {
      refuse("tcb_status", fmt::format("The platform's TCB status is {}, which the policy does not "
                                       "admit.",
                                       cocoon::to_string(*status)));
    }
    if (!verdict_.snp && verdict_.tcb_evaluation_number < policy_.min_tcb_evaluation_number) {
      refuse("tcb_evaluation_number",
             fmt::format("The collateral is of TCB evaluation number {}, and at least {} is "
                         "demanded.",
                         verdict_.tcb_evaluation_number, policy_.min_tcb_evaluation_number));
    }
  }

  bool admits(TcbStatus status, UnixTime now) {
    if (status == TcbStatus::revoked) return false;
    if (contains(policy_.tcb_statuses, status)) return true;
    const auto until = tolerated_until(now);
    if (until) expire(*until);
    return until.has_value();
  }

  /// Until when the policy tolerates all weaknesses that the status comes from; nothing where it
  /// does not tolerate them now. A status without advisories says nothing that could be tolerated
  /// by name.
  std::optional<UnixTime> tolerated_until(UnixTime now) const {
    if (verdict_.advisories.empty()) return std::nullopt;
    UnixTime first = UnixTime::max();
    for (const std::string& advisory : verdict_.advisories) {
      std::optional<UnixTime> last;
      for (const AdvisoryGrace& grace : policy_.tcb_grace) {
        const auto until = std::chrono::floor<Millis>(grace.until);
        if (grace.advisory == advisory && now <= until)
          last = std::max(last.value_or(until), until);
      }
      if (!last) return std::nullopt;
      first = std::min(first, *last);
    }
    return first;
  }

  void check_guest(const TdReport& td) {
    const std::uint64_t attributes = td.td_attributes;
    const std::uint64_t known =
        kSeptVeDisable | kMigratable | kHarmlessBits | (allow_.debug ? kDebug : std::uint64_t{0});
    if ((attributes & ~known) != 0) {
      refuse("td_attributes",
             fmt::format("The guest's attributes {:#018x} have bits that make it untrusted or are "
                         "reserved.",
                         attributes));
    }
    if ((attributes & kSeptVeDisable) == 0 && !allow_.sept_ve) {
      refuse("sept_ve_enabled",
             "The guest does not set SEPT_VE_DISABLE: its host can inject exceptions by taking "
             "away its pages.");
    }
    if ((attributes & kMigratable) != 0 && !allow_.migratable) {
      refuse("migratable", "The guest is migratable: a migration guest can read it.");
    }
    check_service_guests(td);
    if ((td.xfam & kRequiredXfam) != kRequiredXfam || (td.xfam & ~policy_.allowed_xfam) != 0) {
      refuse("xfam", fmt::format("The guest's XFAM {:#x} is outside {:#x}.", td.xfam,
                                 policy_.allowed_xfam));
    }
    if (policy_.tdx_modules && !contains(*policy_.tdx_modules, td.mr_seam)) {
      refuse("tdx_module",
             fmt::format("The TDX module {} is not on the policy's list.", encode_hex(td.mr_seam)));
    }
  }

  void check_snp_guest(const SnpReport& report) {
    if (!verdict_.snp) return;  // untrusted, and said so
    for (Refusal& refusal : snp_refusals(report, *verdict_.snp, policy_.snp)) {
      out_.refusals.push_back(std::move(refusal));
    }
  }

  void check_service_guests(const TdReport& td) {
    const auto admitted = [&](const TdxMeasurement& service) {
      return service == TdxMeasurement{} || contains(policy_.service_tds, service);
    };
    const bool all = (!td.current || admitted(td.current->mr_service_td)) &&
                     (!td.extended || (admitted(td.extended->init_service_td_hash) &&
                                       admitted(td.extended->current_service_td_hash)));
    if (!all) refuse("service_td", "A service guest is bound to the guest that is not admitted.");
  }

  void check_lists() {
    if (policy_.platforms && !platform_listed()) {
      refuse("platform", "The machine is not on the policy's list of platforms.");
    }
    if (!policy_.images || !contains(*policy_.images, verdict_.image)) {
      refuse("image",
             fmt::format("The image {} is not on the policy's list.", verdict_.image.to_hex()));
    }
  }

  bool platform_listed() const {
    if (verdict_.snp)
      return verdict_.snp->chip && contains(*policy_.platforms, *verdict_.snp->chip);
    if (!verdict_.platform) return false;
    const auto& instance = verdict_.platform->platform_instance_id;
    return contains(*policy_.platforms, verdict_.platform->ppid) ||
           (instance && contains(*policy_.platforms, *instance));
  }

  const Verdict& verdict_;
  const AttestationPolicy& policy_;
  const Allowances& allow_;
  PolicyDecision out_;
};

}  // namespace

Status PolicyDecision::status() const {
  if (accepted()) return ok();
  return Error(ErrorKind::attestation, refusals.front().code, refusals.front().detail);
}

PolicyDecision evaluate(const Verdict& verdict, const AttestationPolicy& policy, UnixTime now,
                        const Allowances& allowances) {
  return Evaluation(verdict, policy, allowances).run(now);
}

}  // namespace cocoon::attest
