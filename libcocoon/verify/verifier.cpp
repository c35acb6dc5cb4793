#include "verify/verifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "attest/challenge.h"
#include "attest/event_log_claim.h"
#include "attest/gpu_bundle.h"
#include "attest/policy.h"
#include "attest/text.h"
#include "base/limits.h"
#include "collateral/platform.h"
#include "crypto/hash.h"
#include "io/clock.h"
#include "verify/trust_files.h"
#include "verify/verdict_json.h"

namespace cocoon::verify {
namespace {

attest::EvidenceRole evidence_role(wire::Role role) {
  return role == wire::Role::proxy ? attest::EvidenceRole::proxy : attest::EvidenceRole::worker;
}

/// A node that shows a log of its boot has one that its quote bears out.
Status check_event_log(const attest::Claims& claims, const attest::Verdict& found) {
  if (claims.event_log.empty()) return ok();
  const auto* td = std::get_if<attest::TdReport>(&*found.body);
  if (td == nullptr) {
    return Error(ErrorKind::attestation, "event_log_mismatch",
                 "an event log is shown beside the quote of an enclave, which has no registers");
  }
  return attest::check_event_log(claims.event_log, td->rtmr);
}

}  // namespace

struct Verifier::Judge {
  AttestationPolicy policy;
  /// The root, and the collateral of all platforms under it. Under Intel's root there is none: each
  /// platform has its own, from the supply.
  collateral::HeldPtr trust;
  attest::GpuRoot gpu_root = attest::GpuRoot::nvidia();
};

/// What one verification needs. A job thread has it while it runs, else the loop.
struct Verifier::Work {
  Bytes certificate;
  Bytes gpu_evidence;  ///< what was shown behind it
  Shown shown = Shown::certificate;
  EvidenceDigest digest;
  wire::Role role{};
  NetworkId network;
  UnixTime now{};
  std::shared_ptr<const Judge> rules;
  Callback<void(EvidenceVerdict)> done;

  /// A quote that answers a challenge, judged in the place of the certificate's own.
  struct FreshQuote {
    Bytes quote;
    ByteArray<64> report_data{};
    std::shared_ptr<const ports::VerifiedEvidence> peer;
  };
  std::optional<FreshQuote> fresh;

  // Where collateral is supplied by platform:
  std::shared_ptr<const collateral::Holdings> holdings;  ///< null where it is not
  std::optional<collateral::Platform> platform;
  collateral::HeldPtr collateral;  ///< the platform's
  Bytes quote;                     ///< while the collateral has to be got

  /// Nothing: the platform's collateral has to be got first.
  std::optional<EvidenceVerdict> verdict;

  Result<attest::Evidence> check_connection() const;
  void look_for_collateral(ByteView shown_quote);
  std::optional<EvidenceVerdict> judge(attest::CertificateCache& certificates);
  EvidenceVerdict approve(const attest::Evidence& evidence, const attest::Verdict& found,
                          const collateral::Held& used);
  Result<attest::GpuFindings> judge_gpus(const attest::Evidence& evidence, bool owed) const;
};

Result<attest::Evidence> Verifier::Work::check_connection() const {
  COCOON_TRY(auto evidence, attest::parse_certificate_evidence(certificate));
  COCOON_CHECK(attest::check_binding(evidence));
  attest::ExpectedClaims expected;
  expected.role = evidence_role(role);
  expected.network = network;
  COCOON_CHECK(attest::check_claims(evidence, expected, now));
  if (!evidence.boot_key) {
    return Error(ErrorKind::attestation, "key_type", "a node's certificate has an Ed25519 key");
  }
  if (now < evidence.not_before || now > evidence.not_after) {
    return Error(ErrorKind::attestation, "certificate_expired",
                 fmt::format("The {}'s certificate is valid from {} to {}; it must connect again "
                             "with a renewed one, or the machines' clocks differ.",
                             wire::to_string(role), attest::format_utc(evidence.not_before),
                             attest::format_utc(evidence.not_after)));
  }
  return evidence;
}

void Verifier::Work::look_for_collateral(ByteView shown_quote) {
  auto found = collateral::platform_of(shown_quote);
  if (!found) return;  // the verdict says what is wrong with the quote
  platform = *found;
  const auto at = holdings->find(collateral::name_of(*found));
  if (at != holdings->end() && at->second->expires >= now) collateral = at->second;
}

std::optional<EvidenceVerdict> Verifier::Work::judge(attest::CertificateCache& certificates) {
  auto evidence = check_connection();
  if (!evidence) return EvidenceVerdict(std::move(evidence).error());
  if (fresh) {
    auto status = attest::check_answer(fresh->quote, fresh->report_data, evidence->quote);
    if (!status) return EvidenceVerdict(status.error());
  }
  const Bytes& judged = fresh ? fresh->quote : evidence->quote;
  if (holdings && !collateral) look_for_collateral(judged);
  const collateral::Held& used = collateral ? *collateral : *rules->trust;
  attest::Verdict found = attest::verify_quote(judged, *used.checked, now, certificates);
  if (platform && !collateral) {
    if (collateral::lacks_only_collateral(found)) {
      quote = judged;
      return std::nullopt;
    }
    // It is for the rest of its faults that the quote is refused.
    std::erase_if(found.faults, collateral::is_for_want_of_collateral);
  }
  return approve(*evidence, found, used);
}

Result<attest::GpuFindings> Verifier::Work::judge_gpus(const attest::Evidence& evidence,
                                                       bool owed) const {
  if (owed || (role != wire::Role::worker && gpu_evidence.empty())) return attest::GpuFindings{};
  return attest::judge_gpus(evidence, gpu_evidence, rules->policy, rules->gpu_root, now);
}

EvidenceVerdict Verifier::Work::approve(const attest::Evidence& evidence,
                                        const attest::Verdict& found,
                                        const collateral::Held& used) {
  if (!found.trusted()) {
    return Error(
        ErrorKind::attestation, "evidence_untrusted",
        fmt::format("the {}'s quote does not verify: {}", wire::to_string(role), found.text()));
  }
  const attest::PolicyDecision decision = attest::evaluate(found, rules->policy, now);
  COCOON_CHECK(decision.status());
  if (fresh) return fresh->peer;
  COCOON_CHECK(check_event_log(*evidence.claims, found));
  const bool owed = shown == Shown::certificate && role == wire::Role::worker &&
                    attest::concerns_gpus(evidence, rules->policy);
  COCOON_TRY(const attest::GpuFindings gpus, judge_gpus(evidence, owed));
  auto verified = std::make_shared<ports::VerifiedEvidence>();
  verified->digest = digest;
  verified->role = role;
  verified->account = evidence.claims->account;
  verified->network = evidence.claims->network;
  verified->boot_key = *evidence.boot_key;
  verified->expires = std::min({found.expires, decision.expires, gpus.expires, evidence.not_after,
                                evidence.claims->beacon.time + limits::kMaxBeaconAge});
  verified->simulated = found.root == TrustedRootKind::simulated;
  verified->tcb_status = found.text();
  verified->certificate = certificate;
  verified->gpu_evidence = std::move(gpu_evidence);
  verified->gpu_owed = owed;
  verified->json = verdict_json(*verified, evidence, found, gpus.gpus);
  verified->collateral = used.json;
  verified->collateral_digest = used.digest();
  return std::shared_ptr<const ports::VerifiedEvidence>(std::move(verified));
}

Verifier::Verifier(const io::Context& context, io::JobPool jobs, const NetworkId& network,
                   billing::NetworkKind kind, collateral::Supply* supply)
    : jobs_(std::move(jobs)),
      answering_(context, io::TurnPhase::work, [this] { answer_all(); }),
      network_(network),
      kind_(kind),
      supply_(supply),
      certificates_(std::make_shared<attest::CertificateCache>()),
      alive_(std::make_shared<bool>(true)) {}

Verifier::~Verifier() {
  *alive_ = false;
}

Result<std::unique_ptr<Verifier>> Verifier::create(const io::Context& context,
                                                   const NetworkId& network,
                                                   billing::NetworkKind kind,
                                                   collateral::Supply* supply) {
  io::JobPoolOptions options;
  options.name = "cocoon-verify";
  options.threads = limits::kVerifyThreads;
  options.queue_bounds = {limits::kMaxQueuedVerifications, limits::kMaxQueuedVerifications, 0};
  COCOON_TRY(auto jobs, io::JobPool::start(context, options));
  return std::make_unique<Verifier>(context, std::move(jobs), network, kind, supply);
}

Status Verifier::set_policy(wire::Role role, AttestationPolicy policy) {
  const bool simulated = policy.root == TrustedRootKind::simulated;
  if (simulated && kind_ != billing::NetworkKind::dev) {
    return Error(ErrorKind::invalid_argument, "policy_not_for_network",
                 "simulated evidence is accepted on development networks only, and this one is " +
                     std::string(billing::to_string(kind_)));
  }
  auto judge = std::make_shared<Judge>();
  if (simulated) {
    COCOON_TRY(const SimulatedTrust trust, load_simulated(policy.simulated_dir));
    judge->trust = trust.held;
    judge->gpu_root = trust.gpu_root;
  } else {
    judge->trust = collateral::hold_unexamined(
        {}, supply_ != nullptr ? supply_->root() : attest::TrustedRoot::intel());
  }
  judge->policy = std::move(policy);
  judges_[role] = std::move(judge);
  for (auto at = entries_.begin(); at != entries_.end();) {
    if (at->role == role) {
      index_.erase(at->digest);
      at = entries_.erase(at);
    } else {
      ++at;
    }
  }
  return ok();
}

/// The remembered verdict, if it holds. It counts as used.
const Verifier::Entry* Verifier::find(const EvidenceDigest& digest, wire::Role role, UnixTime now) {
  const auto at = index_.find(digest);
  if (at == index_.end() || at->second->role != role) return nullptr;
  const auto judge = judges_.find(role);
  const bool valid = judge != judges_.end() && at->second->judge == judge->second &&
                     at->second->evidence->expires > now && is_current(*at->second);
  if (!valid) {
    entries_.erase(at->second);
    index_.erase(at);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, at->second);
  return &*at->second;
}

bool Verifier::still_holds(const ports::VerifiedEvidence& verdict, UnixTime now) {
  const Entry* entry = find(verdict.digest, verdict.role, now);
  if (entry == nullptr || entry->evidence.get() != &verdict) return false;
  ++hits_;
  return true;
}

/// The verdict on what `work` shows, if that holds. One on the GPUs, too, is as good for the
/// certificate alone, of which their evidence is a part; not the other way round, and not for other
/// bytes behind the same certificate.
std::shared_ptr<const ports::VerifiedEvidence> Verifier::find(const Work& work) {
  const Entry* entry = find(work.digest, work.role, work.now);
  if (entry == nullptr) return nullptr;
  const auto& known = entry->evidence;
  if (work.shown == Shown::certificate) return known;
  return !known->gpu_owed && known->gpu_evidence == work.gpu_evidence ? known : nullptr;
}

/// Whether the verdict rests on the collateral that is held now.
bool Verifier::is_current(const Entry& entry) const {
  if (!entry.collateral) return true;
  const auto holdings = supply_->holdings();
  const auto at = holdings->find(entry.platform);
  return at != holdings->end() && at->second == entry.collateral;
}

void Verifier::remember(Entry entry) {
  const EvidenceDigest digest = entry.digest;
  if (const auto at = index_.find(digest); at != index_.end()) {
    entries_.erase(at->second);
    index_.erase(at);
  }
  if (entries_.size() >= limits::kMaxCachedVerdicts) {
    index_.erase(entries_.back().digest);
    entries_.pop_back();
  }
  entries_.push_front(std::move(entry));
  index_[digest] = entries_.begin();
}

void Verifier::answer(Callback<void(EvidenceVerdict)> done, EvidenceVerdict verdict) {
  answers_.push_back({std::move(done), std::move(verdict)});
  answering_.arm();
}

void Verifier::answer_all() {
  for (Answer& one : std::exchange(answers_, {})) one.done(std::move(one.verdict));
}

void Verifier::verify(Bytes evidence, Shown shown, wire::Role expect, UnixTime now,
                      Callback<void(EvidenceVerdict)> done) {
  // TLS carries a certificate and nothing behind it.
  const attest::ShownEvidence parts =
      shown == Shown::all ? attest::split_shown(evidence) : attest::ShownEvidence{evidence, {}};
  const EvidenceDigest digest{crypto::sha256(parts.certificate)};
  Bytes gpu_evidence = to_bytes(parts.gpu);
  evidence.resize(parts.certificate.size());
  auto work = prepare(digest, std::move(evidence), expect, now, std::move(done));
  work->gpu_evidence = std::move(gpu_evidence);
  work->shown = shown;
  if (auto known = find(*work)) {
    ++hits_;
    return answer(std::move(work->done), std::move(known));
  }
  run(std::move(work));
}

void Verifier::verify_answer(Bytes quote, const ByteArray<64>& report_data,
                             const std::shared_ptr<const ports::VerifiedEvidence>& peer,
                             UnixTime now, Callback<void(Status)> done) {
  auto work = prepare(peer->digest, peer->certificate, peer->role, now,
                      [done = std::move(done)](EvidenceVerdict verdict) mutable {
                        done(verdict ? ok() : Status(std::move(verdict).error()));
                      });
  work->fresh.emplace(Work::FreshQuote{std::move(quote), report_data, peer});
  run(std::move(work));
}

std::shared_ptr<Verifier::Work> Verifier::prepare(const EvidenceDigest& digest, Bytes certificate,
                                                  wire::Role expect, UnixTime now,
                                                  Callback<void(EvidenceVerdict)> done) const {
  auto work = std::make_shared<Work>();
  work->digest = digest;
  work->certificate = std::move(certificate);
  work->role = expect;
  work->network = network_;
  work->now = now;
  const auto at = judges_.find(expect);
  if (at != judges_.end()) work->rules = at->second;
  work->done = std::move(done);
  if (work->rules && work->rules->policy.root == TrustedRootKind::intel && supply_ != nullptr) {
    work->holdings = supply_->holdings();
  }
  return work;
}

void Verifier::run(std::shared_ptr<Work> work) {
  auto status = jobs_.submit(
      work->role == wire::Role::worker ? io::JobClass::urgent : io::JobClass::normal,
      [work, certificates = certificates_] {
        if (work->rules) {
          work->verdict = work->judge(*certificates);
        } else {
          work->verdict = Error(ErrorKind::attestation, "no_policy",
                                "there is no policy for peers of that role");
        }
      },
      [this, work] { work->verdict ? finish(*work) : get_collateral(work); });
  if (!status) {
    answer(std::move(work->done), Error(ErrorKind::busy, "verification_queue_full",
                                        "too many peers wait for verification; try again later"));
  }
}

void Verifier::get_collateral(std::shared_ptr<Work> work) {
  const MonoTime asked = io::now().mono;
  const collateral::Platform platform = *work->platform;
  Bytes quote = std::exchange(work->quote, {});
  supply_->need(platform, std::move(quote),
                [this, alive = alive_, work, asked](Result<collateral::HeldPtr> held) {
                  if (!*alive) return;
                  if (!held) return work->done(std::move(held).error());
                  work->collateral = std::move(*held);
                  // What was issued while we waited is valid by now.
                  work->now += std::chrono::ceil<Millis>(io::now().mono - asked);
                  run(work);
                });
}

void Verifier::finish(Work& work) {
  ++verified_;
  if (*work.verdict && !work.fresh) {
    Entry entry{work.digest, work.role, work.rules, {}, nullptr, **work.verdict};
    if (work.collateral) {
      entry.platform = collateral::name_of(*work.platform);
      entry.collateral = work.collateral;
    }
    remember(std::move(entry));
  }
  work.done(std::move(*work.verdict));
}

void Verifier::stop(Callback<void()> on_stopped) {
  jobs_.stop(std::move(on_stopped));
}

}  // namespace cocoon::verify
