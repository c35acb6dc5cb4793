#include "routing/directory.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "crypto/hash.h"
#include "wire/records.h"

namespace cocoon::routing {
namespace {

/// Directories up to this size are rebuilt at every change: a quarter of a millisecond.
constexpr std::size_t kSmallDirectory = 256;
/// Time between rebuilds of larger ones, per worker: with about 1 µs to hash a worker's part of the
/// tree, rebuilding takes at most 5 % of the loop.
constexpr std::chrono::microseconds kRebuildEvery{20};

Error mismatch(std::string_view what) {
  return Error(ErrorKind::attestation, "worker_record_mismatch",
               fmt::format("the worker record's {} is not that of the connection it came on; the "
                           "worker has to sign a record with its present identity",
                           what));
}

void insert_sorted(std::vector<Offer>& offers, const Offer& offer) {
  offers.insert(std::lower_bound(offers.begin(), offers.end(), offer), offer);
}
void erase_sorted(std::vector<Offer>& offers, const Offer& offer) {
  offers.erase(std::lower_bound(offers.begin(), offers.end(), offer));
}

}  // namespace

std::uint32_t ModelEntry::lowest_coefficient_e3() const {
  std::uint32_t lowest = 0;
  for (const auto* list : {&offers, &reserve, &full}) {
    if (list->empty()) continue;
    const std::uint32_t first = list->front().coefficient_e3;
    lowest = lowest == 0 ? first : std::min(lowest, first);
  }
  return lowest;
}

std::uint32_t ModelEntry::highest_coefficient_e3() const {
  std::uint32_t highest = 0;
  for (const auto* list : {&offers, &reserve, &full}) {
    if (!list->empty()) highest = std::max(highest, list->back().coefficient_e3);
  }
  return highest;
}

std::uint32_t WorkerEntry::free_slots() const {
  const std::uint32_t most =
      held_to_trial ? std::min(record.capacity, limits::kTrialRequests) : record.capacity;
  if (!ready || running >= most) return 0;
  return std::min(most - running, reported_free);
}

double WorkerEntry::utilisation() const {
  if (record.capacity == 0) return 1;
  const std::uint32_t taken = record.capacity - std::min(record.capacity, reported_free);
  return static_cast<double>(std::max(running, taken)) / record.capacity;
}

Directory::Directory(const NetworkId& network, const crypto::SigningKey& boot_key)
    : network_(network), boot_key_(&boot_key) {}

Result<wire::WorkerRecord> Directory::check(const WorkerPeer& peer,
                                            const wire::SignedWorkerRecord& signed_record,
                                            Now now) const {
  COCOON_TRY(wire::WorkerRecord record, wire::decode_worker_record(signed_record.record));
  if (record.network != network_) return mismatch("network");
  if (record.account != peer.account) return mismatch("account");
  if (record.boot_key != peer.boot_key) return mismatch("boot key");
  if (record.evidence != peer.evidence) return mismatch("evidence digest");
  if (!crypto::verify(record.boot_key.view(),
                      wire::worker_record_signing_bytes(signed_record.record),
                      signed_record.signature)) {
    return Error(ErrorKind::unauthorized, "bad_signature",
                 "the worker record's signature is not by the boot key that it names");
  }
  if (record.not_after <= now.unix || record.not_before > now.unix + limits::kClockSkew) {
    return Error(
        ErrorKind::invalid_argument, "worker_record_expired",
        fmt::format("the worker record is valid from {} to {} (Unix seconds), and it is {} "
                    "here; check both clocks, or sign a new record",
                    to_unix_seconds(record.not_before), to_unix_seconds(record.not_after),
                    to_unix_seconds(now.unix)));
  }
  if (record.coefficient_e3 > limits::kMaxCoefficientE3 ||
      record.capacity > limits::kMaxWorkerCapacity) {
    return Error(
        ErrorKind::protocol, "bad_worker_record",
        fmt::format("the worker record asks coefficient {} and capacity {}; the highest are "
                    "{} and {}",
                    record.coefficient_e3, record.capacity, limits::kMaxCoefficientE3,
                    limits::kMaxWorkerCapacity));
  }
  return record;
}

Result<WorkerIndex> Directory::add(const WorkerPeer& peer,
                                   const wire::SignedWorkerRecord& signed_record, Now now) {
  COCOON_TRY(wire::WorkerRecord record, check(peer, signed_record, now));
  if (by_account_.contains(record.account)) {
    return Error(ErrorKind::invalid_argument, "worker_already_listed",
                 "this worker account is connected already; the older connection has to go first");
  }
  const SealingKeyId key{crypto::sha256(record.sealing_key)};
  if (by_sealing_key_.contains(key)) {
    return Error(ErrorKind::invalid_argument, "sealing_key_taken",
                 "another connected worker has this sealing key; each has to draw its own");
  }
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  WorkerEntry& entry = slots_[slot];
  entry.used_ = true;
  entry.identity = peer;
  by_account_.emplace(peer.account, slot);
  keep(entry, slot, signed_record, std::move(record), key);
  list(entry, slot);
  return index_of(slot);
}

Status Directory::renew(WorkerIndex worker, const WorkerPeer& peer,
                        const wire::SignedWorkerRecord& signed_record, Now now) {
  WorkerEntry* entry = slot_of(worker);
  if (entry == nullptr) {
    return Error(ErrorKind::not_found, "worker_unknown", "this worker is not in the directory");
  }
  if (peer.account != entry->identity.account) return mismatch("account");
  if (peer.boot_key != entry->identity.boot_key) return mismatch("boot key");
  COCOON_TRY(wire::WorkerRecord record, check(peer, signed_record, now));
  const SealingKeyId key{crypto::sha256(record.sealing_key)};
  const auto holder = by_sealing_key_.find(key);
  if (holder != by_sealing_key_.end() && holder->second != worker.slot) {
    return Error(ErrorKind::invalid_argument, "sealing_key_taken",
                 "another connected worker has this sealing key; each has to draw its own");
  }
  unlist(*entry, worker.slot);
  entry->identity = peer;
  if (key != entry->sealing_key) {
    if (entry->previous_sealing_key) by_sealing_key_.erase(*entry->previous_sealing_key);
    entry->previous_sealing_key = entry->sealing_key;
  }
  keep(*entry, worker.slot, signed_record, std::move(record), key);
  list(*entry, worker.slot);
  return ok();
}

void Directory::keep(WorkerEntry& entry, std::uint32_t slot,
                     const wire::SignedWorkerRecord& signed_record, wire::WorkerRecord record,
                     const SealingKeyId& key) {
  entry.record_bytes_ = to_bytes(signed_record.record);
  entry.signature_ = *to_array<64>(signed_record.signature);
  entry.leaf_hash_ = crypto::merkle_leaf(wire::directory_leaf(signed_record));
  entry.leaf_.reset();
  entry.record = std::move(record);
  entry.sealing_key = key;
  by_sealing_key_[key] = slot;
  dirty_ = true;
}

void Directory::remove(WorkerIndex worker) {
  WorkerEntry* entry = slot_of(worker);
  if (entry == nullptr) return;
  unlist(*entry, worker.slot);
  by_account_.erase(entry->identity.account);
  by_sealing_key_.erase(entry->sealing_key);
  if (entry->previous_sealing_key) by_sealing_key_.erase(*entry->previous_sealing_key);
  const std::uint32_t next_generation = entry->generation_ + 1;
  *entry = WorkerEntry{};
  entry->generation_ = next_generation;
  free_.push_back(worker.slot);
  dirty_ = true;
}

/// Enters the worker into the entries of its models, with all it counts for.
void Directory::list(WorkerEntry& entry, std::uint32_t slot) {
  for (const std::string& id : entry.record.models) {
    ModelEntry& model = models_.try_emplace(id).first->second;
    ++model.listed;
    entry.models_.push_back(&model);
  }
  settle(entry, slot, Share{});
}

/// The inverse of list(). Models that nobody lists any more are forgotten.
void Directory::unlist(WorkerEntry& entry, std::uint32_t slot) {
  const bool may_be_offered = entry.may_be_offered_;
  const bool ready = entry.ready;
  const Share before = share_of(entry);
  entry.ready = false;
  settle(entry, slot, before);
  entry.ready = ready;
  entry.may_be_offered_ = may_be_offered;
  entry.models_.clear();
  for (const std::string& id : entry.record.models) {
    const auto at = models_.find(id);
    if (--at->second.listed == 0) models_.erase(at);
  }
}

Directory::Share Directory::share_of(const WorkerEntry& entry) {
  if (!entry.ready) return {};
  return {1, entry.record.capacity, entry.free_slots(), entry.running, entry.tried ? 1u : 0u};
}

/// Brings counts and offers of the worker's models from `before` to its present state.
void Directory::settle(WorkerEntry& entry, std::uint32_t slot, const Share& before) {
  const Share after = share_of(entry);
  std::vector<Offer> ModelEntry::*list = nullptr;
  if (entry.ready) {
    list = after.free_slots == 0   ? &ModelEntry::full
           : entry.may_be_offered_ ? &ModelEntry::offers
                                   : &ModelEntry::reserve;
  }
  const Offer offer{entry.record.coefficient_e3, slot};
  const auto offered_slots = [](auto in, const Share& share) {
    return in == &ModelEntry::offers ? share.free_slots : 0;
  };
  for (ModelEntry* model : entry.models_) {
    // Unsigned wrap-around cancels out: the sums themselves are never negative.
    model->workers += after.workers - before.workers;
    model->capacity += after.capacity - before.capacity;
    model->free_slots += after.free_slots - before.free_slots;
    model->running += after.running - before.running;
    model->tried += after.tried - before.tried;
    model->offered_slots += offered_slots(list, after) - offered_slots(entry.listed_in_, before);
    if (list == entry.listed_in_) continue;
    if (entry.listed_in_ != nullptr) erase_sorted(model->*entry.listed_in_, offer);
    if (list != nullptr) insert_sorted(model->*list, offer);
  }
  entry.listed_in_ = list;
}

WorkerEntry* Directory::slot_of(WorkerIndex worker) {
  if (worker.slot >= slots_.size()) return nullptr;
  WorkerEntry& entry = slots_[worker.slot];
  return entry.used_ && entry.generation_ == worker.generation ? &entry : nullptr;
}

const WorkerEntry* Directory::find(WorkerIndex worker) const {
  return const_cast<Directory*>(this)->slot_of(worker);
}

std::optional<WorkerIndex> Directory::find(const AccountId& account) const {
  const auto at = by_account_.find(account);
  if (at == by_account_.end()) return std::nullopt;
  return index_of(at->second);
}

std::optional<WorkerIndex> Directory::find(const SealingKeyId& key) const {
  const auto at = by_sealing_key_.find(key);
  if (at == by_sealing_key_.end()) return std::nullopt;
  return index_of(at->second);
}

WorkerIndex Directory::index_of(std::uint32_t slot) const {
  return {slot, slots_[slot].generation_};
}

const ModelEntry* Directory::model(std::string_view id) const {
  const auto at = models_.find(id);
  return at == models_.end() ? nullptr : &at->second;
}

const Hash& Directory::publish(Now now) {
  if (dirty_ && rebuild_due(now.mono)) {
    rebuild();
    built_at_ = now.mono;
    sign(now);
  } else if (now.unix >= root_time_ + limits::kDirectoryPeriod ||
             now.unix + limits::kClockSkew < root_time_) {  // the clock may be set back
    sign(now);
  }
  return tree_.root();
}

bool Directory::rebuild_due(MonoTime now) const {
  const std::size_t workers = by_account_.size();
  return !signed_ || workers <= kSmallDirectory ||
         now - built_at_ >= kRebuildEvery * static_cast<std::int64_t>(workers);
}

/// In order of account, so that two proxies with the same workers have the same root.
void Directory::rebuild() {
  std::vector<std::pair<AccountId, std::uint32_t>> order(by_account_.begin(), by_account_.end());
  std::sort(order.begin(), order.end());
  std::vector<Hash> leaves;
  leaves.reserve(order.size());
  for (const auto& [account, slot] : order) {
    slots_[slot].leaf_ = static_cast<std::uint32_t>(leaves.size());
    leaves.push_back(slots_[slot].leaf_hash_);
  }
  tree_ = crypto::MerkleTree(std::move(leaves));
  dirty_ = false;
}

void Directory::sign(Now now) {
  root_time_ = unix_seconds(to_unix_seconds(now.unix));
  signed_ = true;
  root_signature_ = boot_key_->sign(wire::directory_root_signing_bytes(
      network_, tree_.root(), static_cast<std::uint32_t>(tree_.count()), root_time_));
}

void Directory::fill_root(wire::Candidates& answer) const {
  answer.root = tree_.root();
  answer.leaves = static_cast<std::uint32_t>(tree_.count());
  answer.root_time = root_time_;
  answer.root_signature = root_signature_;
}

wire::Candidate Directory::candidate(std::uint32_t slot) const {
  const WorkerEntry& entry = slots_[slot];
  return {{entry.record_bytes_, entry.signature_}, {*entry.leaf_, tree_.path(*entry.leaf_)}};
}

}  // namespace cocoon::routing
