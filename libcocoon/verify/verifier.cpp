#include "verify/verifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "attest/policy.h"
#include "attest/text.h"
#include "base/limits.h"
#include "crypto/hash.h"
#include "verify/trust_files.h"
#include "verify/verdict_json.h"

namespace cocoon::verify {
namespace {

attest::EvidenceRole evidence_role(wire::Role role) {
  return role == wire::Role::proxy ? attest::EvidenceRole::proxy : attest::EvidenceRole::worker;
}

}  // namespace

struct Verifier::Judge {
  AttestationPolicy policy;
  std::optional<attest::CheckedCollateral> collateral;
};

namespace {

/// What one verification needs; runs on a job thread and touches nothing else.
struct Work {
  Bytes certificate;
  EvidenceDigest digest;
  wire::Role role{};
  NetworkId network;
  UnixTime now{};
  std::shared_ptr<const ports::VerifiedEvidence> known;  ///< a verdict that still holds
  std::optional<EvidenceVerdict> verdict;
};

Result<attest::Evidence> check_connection(const Work& work) {
  COCOON_TRY(auto evidence, attest::parse_certificate_evidence(work.certificate));
  COCOON_CHECK(attest::check_binding(evidence));
  attest::ExpectedClaims expected;
  expected.role = evidence_role(work.role);
  expected.network = work.network;
  COCOON_CHECK(attest::check_claims(evidence, expected, work.now));
  if (!evidence.boot_key) {
    return Error(ErrorKind::attestation, "key_type", "a node's certificate has an Ed25519 key");
  }
  if (work.now < evidence.not_before || work.now > evidence.not_after) {
    return Error(ErrorKind::attestation, "certificate_expired",
                 fmt::format("The {}'s certificate is valid from {} to {}; it must connect again "
                             "with a renewed one, or the machines' clocks differ.",
                             wire::to_string(work.role), attest::format_utc(evidence.not_before),
                             attest::format_utc(evidence.not_after)));
  }
  return evidence;
}

EvidenceVerdict judge(const Work& work, const AttestationPolicy& policy,
                      const attest::CheckedCollateral& collateral,
                      attest::CertificateCache& certificates) {
  COCOON_TRY(const auto evidence, check_connection(work));
  if (work.known) return work.known;
  const attest::Verdict verdict =
      attest::verify_quote(evidence.quote, collateral, work.now, certificates);
  if (!verdict.trusted()) {
    return Error(ErrorKind::attestation, "evidence_untrusted",
                 fmt::format("the {}'s quote does not verify: {}", wire::to_string(work.role),
                             verdict.text()));
  }
  COCOON_CHECK(attest::evaluate(verdict, policy, work.now).status());
  auto verified = std::make_shared<ports::VerifiedEvidence>();
  verified->digest = work.digest;
  verified->role = work.role;
  verified->account = evidence.claims->account;
  verified->network = evidence.claims->network;
  verified->boot_key = *evidence.boot_key;
  verified->expires = std::min(
      {verdict.expires, evidence.not_after, evidence.claims->beacon.time + limits::kMaxBeaconAge});
  verified->simulated = verdict.root == TrustedRootKind::simulated;
  verified->tcb_status = verdict.text();
  verified->certificate = work.certificate;
  verified->json = verdict_json(*verified, evidence, verdict);
  return std::shared_ptr<const ports::VerifiedEvidence>(std::move(verified));
}

}  // namespace

Verifier::Verifier(const io::Context& context, io::JobPool jobs, const NetworkId& network,
                   billing::NetworkKind kind)
    : jobs_(std::move(jobs)),
      refusals_(context, io::TurnPhase::work,
                [this] {
                  for (auto& refuse : std::exchange(refused_, {})) refuse();
                }),
      network_(network),
      kind_(kind),
      certificates_(std::make_shared<attest::CertificateCache>()) {}

Verifier::~Verifier() = default;

Result<std::unique_ptr<Verifier>> Verifier::create(const io::Context& context,
                                                   const NetworkId& network,
                                                   billing::NetworkKind kind) {
  io::JobPoolOptions options;
  options.name = "cocoon-verify";
  options.threads = limits::kVerifyThreads;
  options.queue_bounds = {limits::kMaxQueuedVerifications, limits::kMaxQueuedVerifications, 0};
  COCOON_TRY(auto jobs, io::JobPool::start(context, options));
  return std::make_unique<Verifier>(context, std::move(jobs), network, kind);
}

Status Verifier::set_policy(wire::Role role, AttestationPolicy policy) {
  const bool simulated = policy.root == TrustedRootKind::simulated;
  if (simulated && kind_ != billing::NetworkKind::dev) {
    return Error(ErrorKind::invalid_argument, "policy_not_for_network",
                 "simulated evidence is accepted on development networks only, and this one is " +
                     std::string(billing::to_string(kind_)));
  }
  COCOON_TRY(auto trust, load_trust(policy));
  auto judge = std::make_shared<Judge>();
  judge->policy = std::move(policy);
  judge->collateral.emplace(trust.collateral, trust.root);
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

std::shared_ptr<const ports::VerifiedEvidence> Verifier::find(const EvidenceDigest& digest,
                                                              wire::Role role, UnixTime now) {
  const auto at = index_.find(digest);
  if (at == index_.end() || at->second->role != role) return nullptr;
  const auto judge = judges_.find(role);
  const bool valid = judge != judges_.end() && at->second->judge == judge->second &&
                     at->second->evidence->expires > now;
  if (!valid) {
    entries_.erase(at->second);
    index_.erase(at);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, at->second);
  return at->second->evidence;
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

void Verifier::verify(Bytes certificate, wire::Role expect, UnixTime now,
                      Callback<void(EvidenceVerdict)> done) {
  auto work = std::make_shared<Work>();
  work->digest = EvidenceDigest{crypto::sha256(certificate)};
  work->certificate = std::move(certificate);
  work->role = expect;
  work->network = network_;
  work->now = now;
  work->known = find(work->digest, expect, now);
  const auto at = judges_.find(expect);
  const std::shared_ptr<const Judge> rules = at == judges_.end() ? nullptr : at->second;
  auto answer = std::make_shared<Callback<void(EvidenceVerdict)>>(std::move(done));
  auto status = jobs_.submit(
      expect == wire::Role::worker ? io::JobClass::urgent : io::JobClass::normal,
      [work, rules, certificates = certificates_] {
        if (!rules) {
          work->verdict = Error(ErrorKind::attestation, "no_policy",
                                "there is no policy for peers of that role");
        } else {
          work->verdict = judge(*work, rules->policy, *rules->collateral, *certificates);
        }
      },
      [this, work, rules, answer] {
        ++(work->known ? hits_ : verified_);
        if (*work->verdict && !work->known) {
          remember({work->digest, work->role, rules, **work->verdict});
        }
        (*answer)(std::move(*work->verdict));
      });
  if (!status) {
    // Never inside the call: the refusal goes round the loop like any other verdict.
    refused_.emplace_back([answer] {
      (*answer)(Error(ErrorKind::busy, "verification_queue_full",
                      "too many peers wait for verification; try again later"));
    });
    refusals_.arm();
  }
}

void Verifier::stop(Callback<void()> on_stopped) {
  jobs_.stop(std::move(on_stopped));
}

}  // namespace cocoon::verify
