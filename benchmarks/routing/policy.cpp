#include "policy.h"

#include <stdexcept>

#include "routing/candidates.h"
#include "wire/records.h"

namespace cocoon::sim {
namespace {

constexpr std::string_view kModel = "simulated-8b@4f1c:9a2e";
constexpr std::uint64_t kCheckOneIn = 1000;
/// Where an account carries its worker's place: behind the bytes that tables hash.
constexpr std::size_t kPlaceAt = 8;

NetworkId network() {
  return {{5, 7}};
}

AccountId account_of(Place place, Dice& dice) {
  AccountId account{dice.array<32>()};
  for (std::size_t i = 0; i < 4; ++i) {
    account.bytes[kPlaceAt + i] = static_cast<std::uint8_t>(place >> (24 - 8 * i));
  }
  return account;
}

Place place_of(const AccountId& account) {
  return ByteReader(account.view().subspan(kPlaceAt)).u32be();
}

ChannelId channel_of(std::uint32_t client) {
  return {*to_array<32>(ByteWriter().u64be(client).u64be(0).u64be(0).u64be(0).take())};
}

template <class T>
T need(Result<T> result) {
  if (!result) throw std::logic_error(result.error().detail());
  return std::move(result).value();
}

}  // namespace

Policy::Policy(const std::vector<const Machine*>& machines, std::uint64_t seed)
    : dice_(seed),
      proxy_boot_(crypto::SigningKey::generate(dice_)),
      worker_boot_(crypto::SigningKey::generate(dice_)),
      workers_(machines.size()),
      scheduler_(network(), proxy_boot_) {
  for (Place place = 0; place < workers_.size(); ++place) sign_record(place, *machines[place]);
}

void Policy::sign_record(Place place, const Machine& machine) {
  wire::WorkerRecord record;
  record.network = network();
  record.account = account_of(place, dice_);
  record.boot_key = worker_boot_.boot_key_id();
  record.evidence.bytes = dice_.array<32>();
  record.sealing_key = dice_.array<32>();
  record.not_before = unix_seconds(0);
  record.not_after = unix_seconds(4'000'000'000);
  record.coefficient_e3 = machine.coefficient_e3;
  record.capacity = machine.slots;
  record.models = {std::string(kModel)};
  Worker& worker = workers_[place];
  worker.peer = {place + 1, record.account, record.boot_key, record.evidence};
  worker.slots = machine.slots;
  worker.record = need(wire::encode_worker_record(record));
  worker.signature = worker_boot_.sign(wire::worker_record_signing_bytes(worker.record));
}

void Policy::join(Place place, Now now) {
  Worker& worker = workers_[place];
  wire::SignedWorkerRecord record;
  record.record = worker.record;
  record.signature = worker.signature;
  worker.slot = need(scheduler_.join(worker.peer, record, now));
  report(place, worker.slots, now);
}

void Policy::leave(Place place) {
  scheduler_.leave(workers_[place].slot);
}

void Policy::report(Place place, std::uint32_t free_slots, Now now) {
  wire::WorkerStatus status;
  status.ready = true;
  status.free_slots = free_slots;
  scheduler_.report(workers_[place].slot, status, now);
}

wire::Candidates Policy::answer(const Ask& ask, Dice& dice, Now now) {
  wire::CandidatesRequest request;
  request.id = 1;
  request.model = kModel;
  request.seed = dice.array<16>();
  request.count = static_cast<std::uint8_t>(ask.count);
  request.max_coefficient_e3 = ask.max_coefficient_e3;
  if (ask.preferred) request.preferred = workers_[*ask.preferred].peer.account;
  wire::Candidates answer = scheduler_.candidates(request, now);
  if (asked_++ % kCheckOneIn == 0) {
    need(routing::verify_candidates(answer, request, network(), proxy_boot_.boot_key_id(), now));
  }
  return answer;
}

Place Policy::place_of(const wire::Candidate& candidate) {
  return sim::place_of(need(wire::decode_worker_record(candidate.record.record)).account);
}

std::optional<Policy::Slot> Policy::start(Place place, Now now) {
  const Slot slot = workers_[place].slot;
  return scheduler_.start(slot, now) ? std::optional(slot) : std::nullopt;
}

void Policy::finish(Place place, Slot slot, const routing::Observation& seen, Now now) {
  routing::Observation told = seen;
  told.outcome = heard(seen.outcome);
  scheduler_.finish(slot, workers_[place].peer.account, kModel, told, now);
}

bool Policy::wait(const Wait& wait, std::span<const Place> places, Now now) {
  routing::FairQueue::Waiting waiting;
  waiting.request = wait.request;
  waiting.client = channel_of(wait.client);
  waiting.model = kModel;
  waiting.body_bytes = wait.body_bytes;
  waiting.until = wait.until;
  for (const Place place : places) waiting.workers.push_back(workers_[place].slot);
  return scheduler_.wait(std::move(waiting), now).has_value();
}

std::optional<Policy::Turn> Policy::next_turn(Now now) {
  const auto turn = scheduler_.next_turn(now);
  if (!turn) return std::nullopt;
  const AccountId& account = scheduler_.directory().find(turn->worker)->identity.account;
  return Turn{turn->request, sim::place_of(account), turn->worker};
}

}  // namespace cocoon::sim
