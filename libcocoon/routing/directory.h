#pragma once
/// @file The proxy's directory: the connected workers' signed records, found by account and sealing
/// key in O(1), offered per model in order of price, and published as a signed Merkle tree
/// (protocol.md "Directory and candidates").

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "crypto/ed25519.h"
#include "crypto/merkle.h"
#include "routing/breaker.h"
#include "wire/messages.h"

namespace cocoon::routing {

/// A place in the directory. Slots are dense and reused; the generation tells a reused one apart,
/// so that an old index finds nothing rather than another worker.
struct WorkerIndex {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  friend bool operator==(const WorkerIndex&, const WorkerIndex&) = default;
};

/// What the proxy has established about a worker's connection. A record is taken only where it
/// says the same.
struct WorkerPeer {
  std::uint64_t peer = 0;  ///< core::PeerId
  AccountId account;
  BootKeyId boot_key;       ///< proved by TLS
  EvidenceDigest evidence;  ///< SHA-256 of the leaf certificate
};

/// A ready worker, at its price.
struct Offer {
  std::uint32_t coefficient_e3 = 0;
  std::uint32_t slot = 0;
  friend auto operator<=>(const Offer&, const Offer&) = default;
};

/// What the directory knows of one model.
struct ModelEntry {
  std::uint32_t workers = 0;     ///< connected and ready
  std::uint32_t capacity = 0;    ///< of those
  std::uint32_t free_slots = 0;  ///< of those
  std::uint32_t running = 0;     ///< of those
  std::uint32_t tried = 0;       ///< of those
  std::uint32_t listed = 0;      ///< connected, ready or not
  // Every ready worker stands in one of three lists, each sorted by price, so that a price cap is a
  // prefix.
  std::vector<Offer> offers;        ///< may get a request
  std::uint32_t offered_slots = 0;  ///< free ones of `offers`
  std::vector<Offer> reserve;       ///< has a free slot, but update() did not let it be offered
  std::vector<Offer> full;          ///< has no free slot

  /// Lowest price of a ready worker; 0 where there is none.
  std::uint32_t lowest_coefficient_e3() const;
  /// Highest price of a ready worker; 0 where there is none.
  std::uint32_t highest_coefficient_e3() const;
};

/// One connected worker.
struct WorkerEntry {
  WorkerPeer identity;
  wire::WorkerRecord record;
  SealingKeyId sealing_key;
  /// The key before the last renewal: requests sealed to it are still on their way.
  std::optional<SealingKeyId> previous_sealing_key;

  bool ready = false;               ///< its own word
  std::uint32_t running = 0;        ///< requests that this proxy gave it
  std::uint32_t reported_free = 0;  ///< its own word, less what was given since
  bool tried = false;               ///< enough of its answers were measured
  bool held_to_trial = false;       ///< may run limits::kTrialRequests and no more
  Breaker breaker;
  /// After a refusal: it counts as full until then, or until it reports.
  std::optional<MonoTime> rest_until;

  /// Whether it is among the offers of its models.
  bool offered() const { return listed_in_ == &ModelEntry::offers; }
  /// Slots that a request can take now, by its capacity, its trial and its own word.
  std::uint32_t free_slots() const;
  /// Slots that are taken, by this proxy or, as the worker says, by others ÷ capacity.
  double utilisation() const;

 private:
  friend class Directory;
  std::uint32_t generation_ = 0;
  bool used_ = false;
  bool may_be_offered_ = false;                          // the last word of update()
  std::vector<Offer> ModelEntry::*listed_in_ = nullptr;  // null where not ready
  std::vector<ModelEntry*> models_;
  Bytes record_bytes_;
  ByteArray<64> signature_{};
  Hash leaf_hash_{};
  std::optional<std::uint32_t> leaf_;  // place in the published tree, where this record is in it
};

/// Sizes are those of one proxy (10,000 workers); every change costs O(models of the worker ·
/// log n), and a memmove of at most 8 bytes per worker.
class Directory {
 public:
  /// @param boot_key signs roots; must outlive the directory.
  Directory(const NetworkId& network, const crypto::SigningKey& boot_key);

  /// Takes a worker in, after checking its record: signature, identity against `peer`, network,
  /// dates, bounds. It is not ready until report() says so.
  /// Errors: protocol/bad_worker_record; attestation/worker_record_mismatch (it names another
  /// account, boot key or evidence than the connection's); unauthorized/bad_signature;
  /// invalid_argument/worker_record_expired, worker_already_listed (the account is connected:
  /// remove the older one first), sealing_key_taken.
  Result<WorkerIndex> add(const WorkerPeer& peer, const wire::SignedWorkerRecord& record, Now now);
  /// Replaces a worker's record (new key, price, models), and the connection that it is reached by
  /// with `peer`'s; running requests go on, and count. Same errors, and not_found/worker_unknown,
  /// attestation/worker_record_mismatch where `peer` is not of the same account and boot key.
  Status renew(WorkerIndex worker, const WorkerPeer& peer, const wire::SignedWorkerRecord& record,
               Now now);
  void remove(WorkerIndex worker);

  /// Changes what is known of a worker: `change(WorkerEntry&)` may alter ready, running,
  /// reported_free, tried, held_to_trial, breaker and rest_until; `offered(const WorkerEntry&)`
  /// tells afterwards whether it may be offered (given a free slot). Counts and offers follow.
  /// Nothing where the index is old.
  template <class Change, class Offered>
  void update(WorkerIndex worker, Change change, Offered offered) {
    WorkerEntry* entry = slot_of(worker);
    if (entry == nullptr) return;
    const Share before = share_of(*entry);
    change(*entry);
    entry->may_be_offered_ = offered(static_cast<const WorkerEntry&>(*entry));
    settle(*entry, worker.slot, before);
  }

  /// Null where the index is old. Valid until the next change of the directory.
  const WorkerEntry* find(WorkerIndex worker) const;
  std::optional<WorkerIndex> find(const AccountId& account) const;
  /// By the current sealing key, or the one before it.
  std::optional<WorkerIndex> find(const SealingKeyId& key) const;
  WorkerIndex index_of(std::uint32_t slot) const;
  /// Null where no connected worker lists the model.
  const ModelEntry* model(std::string_view id) const;
  const std::map<std::string, ModelEntry, std::less<>>& models() const { return models_; }
  std::size_t size() const { return by_account_.size(); }

  /// Brings the signed tree up to date: at once where it is small, at most every 20 µs per worker
  /// (200 ms at 10,000) where it is large, and with a fresh time each minute. Views of candidate()
  /// are those of this tree. Call it before choosing; it says which root candidates hash with.
  const Hash& publish(Now now);
  /// Whether the worker's present record stands in the published tree.
  bool published(std::uint32_t slot) const { return slots_[slot].leaf_.has_value(); }
  /// The worker in a slot that an offer names.
  const WorkerEntry& at(std::uint32_t slot) const { return slots_[slot]; }
  /// Fills in root, leaves, time and signature of an answer.
  void fill_root(wire::Candidates& answer) const;
  /// A worker with its proof. Views are valid until the next change. @pre published(slot).
  wire::Candidate candidate(std::uint32_t slot) const;

 private:
  /// What one worker adds to the counts of its models.
  struct Share {
    std::uint32_t workers = 0;
    std::uint32_t capacity = 0;
    std::uint32_t free_slots = 0;
    std::uint32_t running = 0;
    std::uint32_t tried = 0;
  };
  static Share share_of(const WorkerEntry& entry);

  WorkerEntry* slot_of(WorkerIndex worker);
  Result<wire::WorkerRecord> check(const WorkerPeer& peer, const wire::SignedWorkerRecord& record,
                                   Now now) const;
  void keep(WorkerEntry& entry, std::uint32_t slot, const wire::SignedWorkerRecord& signed_record,
            wire::WorkerRecord record, const SealingKeyId& key);
  void list(WorkerEntry& entry, std::uint32_t slot);
  void unlist(WorkerEntry& entry, std::uint32_t slot);
  void settle(WorkerEntry& entry, std::uint32_t slot, const Share& before);
  bool rebuild_due(MonoTime now) const;
  void rebuild();
  void sign(Now now);

  NetworkId network_;
  const crypto::SigningKey* boot_key_;
  std::vector<WorkerEntry> slots_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<AccountId, std::uint32_t> by_account_;
  std::unordered_map<SealingKeyId, std::uint32_t> by_sealing_key_;
  std::map<std::string, ModelEntry, std::less<>> models_;

  crypto::MerkleTree tree_{{}};
  bool dirty_ = true;
  bool signed_ = false;
  MonoTime built_at_{};
  UnixTime root_time_{};
  ByteArray<64> root_signature_{};
};

}  // namespace cocoon::routing
