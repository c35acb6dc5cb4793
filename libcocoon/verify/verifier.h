#pragma once
/// @file Verifies peers' certificates on job threads, and remembers the verdicts.

#include <list>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "attest/certificate_cache.h"
#include "attest/gpu_claim.h"
#include "attest/verify.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "billing/registry.h"
#include "cocoon/attestation.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "collateral/supply.h"
#include "io/jobs.h"
#include "io/turn.h"
#include "ports/evidence.h"

namespace cocoon::verify {

using ports::EvidenceVerdict;

/// What is at hand of a node's evidence.
enum class Shown : std::uint8_t {
  all,         ///< all that it has: what a worker owes of its GPUs is a refusal
  certificate  ///< what TLS carries: the verdict says whether GPU evidence is owed
};

/// One per node. Loop thread only; the work runs on its job threads.
///
/// What is shown is verified once per policy and collateral: that the certificate's key, claims and
/// report_data are tied together, its role, network and beacon, its quote, the GPU evidence behind
/// it, and what the policy says of that. The verdict is dropped when anything that it rests on
/// ends, whichever comes first.
class Verifier {
 public:
  /// Starts the threads.
  /// @param supply the collateral of Intel's platforms, and whose signature it must have; outlives
  ///        the verifier. Null: every Intel quote is refused for want of it.
  /// Errors: those of JobPool::start.
  static Result<std::unique_ptr<Verifier>> create(const io::Context& context,
                                                  const NetworkId& network,
                                                  billing::NetworkKind kind,
                                                  collateral::Supply* supply = nullptr);
  /// The same on threads that the caller has started; a queue of theirs that is full makes verify()
  /// answer busy.
  Verifier(const io::Context& context, io::JobPool jobs, const NetworkId& network,
           billing::NetworkKind kind, collateral::Supply* supply = nullptr);
  ~Verifier();

  /// The policy for peers of `role`; replaces an earlier one, with everything cached under it.
  /// Errors: invalid_argument/policy_not_for_network (a simulated root anywhere but on a dev
  /// network); those of load_simulated().
  Status set_policy(wire::Role role, AttestationPolicy policy);

  /// Judges what a node showed: its leaf certificate, and behind it the evidence of its GPUs
  /// (attest/gpu_bundle.h). `done` follows on the loop, never inside this call: a verdict,
  /// attestation/… where it is refused, busy/verification_queue_full. Where the collateral of the
  /// peer's platform has to be got first, that takes up to limits::kCollateralPatience longer, and
  /// may end in the errors of Supply::need().
  void verify(Bytes evidence, Shown shown, wire::Role expect, UnixTime now,
              Callback<void(EvidenceVerdict)> done);

  /// Whether verify() would answer with this very verdict, from memory. Quick: nothing is copied or
  /// hashed, so that thousands of peers can be looked through at once.
  bool still_holds(const ports::VerifiedEvidence& verdict, UnixTime now);

  /// Judges the quote of an answer to a challenge: as verify() does under the policy for the peer's
  /// role, and whether it is over `report_data`, and of the guest of the peer's certificate.
  /// Nothing of it is remembered: it is shown once, and would push out verdicts that are asked for
  /// again.
  /// @param peer what verify() found of the certificate
  /// `done` follows on the loop, never inside this call: success, the errors of verify(), those of
  /// attest::check_answer().
  void verify_answer(Bytes quote, const ByteArray<64>& report_data,
                     const std::shared_ptr<const ports::VerifiedEvidence>& peer, UnixTime now,
                     Callback<void(Status)> done);

  /// How many quotes were verified, and how many verdicts came from the cache.
  std::uint64_t verified() const { return verified_; }
  std::uint64_t cached() const { return hits_; }

  /// Drops what waits; `on_stopped` follows when the threads are gone.
  void stop(Callback<void()> on_stopped);

 private:
  /// A policy with what it trusts, loaded; shared with running jobs.
  struct Judge;
  struct Work;
  struct Entry {
    EvidenceDigest digest;
    wire::Role role{};
    std::shared_ptr<const Judge> judge;
    std::string platform;            ///< of the collateral
    collateral::HeldPtr collateral;  ///< from the supply; null where it comes with the judge
    std::shared_ptr<const ports::VerifiedEvidence> evidence;
  };
  using Entries = std::list<Entry>;
  struct Answer {
    Callback<void(EvidenceVerdict)> done;
    EvidenceVerdict verdict;
  };

  void answer(Callback<void(EvidenceVerdict)> done, EvidenceVerdict verdict);
  void answer_all();
  std::shared_ptr<Work> prepare(const EvidenceDigest& digest, Bytes certificate, wire::Role expect,
                                UnixTime now, Callback<void(EvidenceVerdict)> done) const;
  void run(std::shared_ptr<Work> work);
  void get_collateral(std::shared_ptr<Work> work);
  void finish(Work& work);
  bool is_current(const Entry& entry) const;
  void remember(Entry entry);
  const Entry* find(const EvidenceDigest& digest, wire::Role role, UnixTime now);
  std::shared_ptr<const ports::VerifiedEvidence> find(const Work& work);
  io::JobPool jobs_;
  std::vector<Answer> answers_;  ///< that need no job: given at the end of the turn
  io::TurnHook answering_;
  NetworkId network_;
  billing::NetworkKind kind_;
  collateral::Supply* supply_;
  std::shared_ptr<attest::CertificateCache> certificates_;
  std::map<wire::Role, std::shared_ptr<const Judge>> judges_;
  Entries entries_;  // the one used last first
  std::unordered_map<EvidenceDigest, Entries::iterator> index_;
  std::uint64_t verified_ = 0;
  std::uint64_t hits_ = 0;
  std::shared_ptr<bool> alive_;  ///< the supply may answer after the verifier is gone
};

}  // namespace cocoon::verify
