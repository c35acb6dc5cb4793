// modules: ledger
// covers: libcocoon/ledger/ton/toncenter_codec.cpp libcocoon/ledger/ton/contract_views.cpp
// libcocoon/ledger/ton/registry_snapshot.cpp
/// @file What a ledger's HTTP API is asked and answers, the states of contracts in it, and signed
/// registries. The first byte chooses which; the second stands for an answer's status, or says
/// which contract it is.

#include <array>
#include <set>

#include "base/limits.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "fuzz/require.h"
#include "fuzz/ton_world.h"
#include "ledger/ton/wallet_core.h"

namespace {

using namespace cocoon;
using namespace cocoon::ledger;
using fuzz::require;

__extension__ using Uint128 = unsigned __int128;

template <class T>
void require_words(const Result<T>& result) {
  require(result.has_value() || !result.error().detail().empty());
}

const test::TonWorld& world() {
  static const test::TonWorld kWorld;
  return kWorld;
}

// Whether the account is shown as such a contract.

bool check_channel(const AccountReading& account) {
  const auto view = view_channel(world().site(), world().channel(), account);
  require_words(view);
  if (!view || !*view) return false;
  const billing::ChannelState& c = **view;
  require(c.id() == world().channel() && c.terms.network == world().site().network);
  require(c.settled <= c.claimed && c.claimed <= c.deposited);
  require(Uint128{c.deposited.value} + c.terms.rent.value ==
          Uint128{c.balance.value} + c.settled.value + c.refunded.value);
  return true;
}

bool check_proxy(const AccountReading& account) {
  const auto view = view_proxy(world().site(), world().proxy(), account);
  require_words(view);
  if (!view || !*view) return false;
  const billing::ProxyState& p = **view;
  require(p.terms.account == world().proxy() && p.terms.network == world().site().network);
  Uint128 out{};
  for (const Nano sum : {p.pool, p.fees, p.stake, p.due, p.fees_taken, p.withdrawn}) {
    out += sum.value;
  }
  for (const auto& [worker, sum] : p.paid) out += sum.value;
  require(Uint128{p.received.value} + p.staked.value == out);
  return true;
}

bool check_epoch(const AccountReading& account) {
  const AccountId owner = world().worker().account_id();
  const auto view = view_epoch(world().site(), owner, account);
  require_words(view);
  if (!view || !*view) return false;
  require(signed_by(**view, owner.bytes));
  return true;
}

bool check_registry(const AccountReading& account) {
  const auto view = view_registry(world().site(), account);
  require_words(view);
  if (!view) return false;
  require(view->network == world().site().network && view->validate().has_value());
  return true;
}

/// @return as how many contracts it is shown
int check_views(const AccountReading& account) {
  require_words(read_wallet(account, world().worker().account_id()));
  return check_channel(account) + check_proxy(account) + check_epoch(account) +
         check_registry(account);
}

void check_account(int status, std::string_view body) {
  const auto account = read_account(status, body);
  require_words(account);
  if (!account) return;
  require(status == 200);
  require((account->status == AccountStatus::active) == (account->code && account->data));
  check_views(*account);
}

/// The registry of a snapshot, as a ledger would show it, is the same.
void check_shown(const billing::Registry& registry) {
  TonSite site = world().site();
  site.network = registry.network;
  billing::Registry former = world().registry();
  former.network = registry.network;
  AccountReading root = world().root_account(former, registry);
  root.time = registry.effective;
  require(view_registry(site, root).value() == registry);
  if (registry.effective == UnixTime{}) return;
  root.time -= Seconds{1};
  require(view_registry(site, root).value() == former);
}

void check_signing(RegistrySnapshot snapshot) {
  RegistryKeepers keepers{{}, 3};
  bool full = false;
  for (std::uint8_t i = 0; i < 3; ++i) {
    const crypto::SigningKey key = test::fixed_key(100 + i);
    keepers.keys.push_back(key.account_id());
    for (int twice = 0; twice < 2; ++twice) full = !add_signature(snapshot, key) || full;
  }
  require(check_keepers(keepers).has_value());
  require(snapshot.signatures.size() <= limits::kMaxRegistryKeepers);
  require(!full || snapshot.signatures.size() == limits::kMaxRegistryKeepers);
  require(check_signatures(snapshot, keepers).has_value() || full);
  const Bytes bytes = snapshot.encode();
  require(RegistrySnapshot::decode(bytes).value().encode() == bytes);
  // They have signed no other.
  ++snapshot.registry.tcb_evaluation_floor;
  keepers.needed = 1;
  require(!check_signatures(snapshot, keepers));
}

void check_snapshot(ByteView bytes) {
  const auto snapshot = RegistrySnapshot::decode(bytes);
  require_words(snapshot);
  if (!snapshot) return;
  require(equal_public(snapshot->encode(), bytes));
  require(!check_signatures(*snapshot, {{AccountId{}}, 1}));
  check_shown(snapshot->registry);
  check_signing(*snapshot);
}

/// One byte for each keeper's key.
void check_named_keepers(std::uint8_t needed, ByteView bytes) {
  RegistryKeepers keepers{{}, needed};
  for (const std::uint8_t byte : bytes) keepers.keys.push_back({{byte}});
  const std::set<AccountId> distinct(keepers.keys.begin(), keepers.keys.end());
  const bool good = !bytes.empty() && bytes.size() <= limits::kMaxRegistryKeepers &&
                    distinct.size() == bytes.size() && needed >= 1 && needed <= bytes.size();
  const Status status = check_keepers(keepers);
  require(status.has_value() == good);
  require(good || !status.error().detail().empty());
}

/// Data without the JSON around it, under code that is trusted.
void check_data(ByteView bytes) {
  const auto data = ton::parse_boc_root(bytes);
  if (!data) return;
  AccountReading account =
      test::TonWorld::active(ton::wallet_code(ton::WalletVersion::v5r1), *data);
  require_words(read_wallet(account, {}));
  check_registry(account);
  account.code = world().channel_account().code;
  check_channel(account);
  account.code = world().proxy_account().code;
  check_proxy(account);
  account.code = world().epoch_account({}).code;
  check_epoch(account);
}

/// A bag with pieces overwritten: each is where in 16 bits, how many bytes in 8, and these.
Bytes overwritten(Bytes bag, ByteView edits) {
  ByteReader in(edits);
  while (in.remaining() > 3) {
    const std::size_t at = in.u16be() % bag.size();
    const std::size_t size = in.u8();
    const ByteView piece = in.take(std::min({size, in.remaining(), bag.size() - at}));
    std::copy(piece.begin(), piece.end(), bag.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return bag;
}

struct Contract {
  AccountReading account;
  Bytes bag;  ///< its data
};

Contract contract_of(const AccountReading& account) {
  return {account, ton::serialize_boc(account.data, {.crc32c = false}).value()};
}

std::array<Contract, 4> sound_contracts() {
  billing::Registry next = world().registry();
  ++next.version;
  next.effective = unix_seconds(1'800'000'000);
  const auto record = billing::EpochRecord::make(world().site().network, 5, {});
  return {contract_of(world().channel_account()), contract_of(world().proxy_account()),
          contract_of(world().root_account(world().registry(), next)),
          contract_of(world().epoch_account(record.encode()))};
}

/// A contract's sound data with changes: sums, phases, times, lists, and whose it is.
void check_changed(std::uint8_t which, ByteView edits) {
  static const auto kContracts = sound_contracts();
  const Contract& sound = kContracts[which % 4];
  const auto data = ton::parse_boc_root(overwritten(sound.bag, edits));
  if (!data) return;
  AccountReading account = sound.account;
  account.data = *data;
  const bool frozen = which / 4 % 4 == 3;
  if (frozen) account.status = AccountStatus::frozen;
  const int shown = check_views(account);
  require(shown <= 1 && (shown == 1 || frozen || !edits.empty()));
  require(shown == 0 || !frozen);
}

/// What an account has signed is shown where it is a record of this network, and only there.
void check_statement(ByteView statement) {
  if (statement.size() > ton::kMaxCellBits / 8) return;
  const AccountReading account = world().epoch_account(statement);
  const auto view = view_epoch(world().site(), world().worker().account_id(), account);
  require_words(view);
  const auto record = billing::EpochRecord::decode(statement);
  const bool own = record && record->network == world().site().network;
  require(view.has_value() == own);
  if (own) require((*view)->value == *record);
}

/// Names in questions are those of what is asked for.
void check_questions(ByteView bytes) {
  ByteReader in(bytes);
  const std::uint32_t seqno = in.u32be();
  const AccountId account{in.array<32>()};
  require(ask_head().body.empty() && ask_block(seqno).body.empty());
  require(ask_block(seqno).path.ends_with("&seqno=" + std::to_string(seqno)));
  const TonSite& site = world().site();
  for (const ton::Address& at :
       {channel_at(site, {account.bytes}).value(), proxy_at(site, account).value(),
        epoch_at(site, account).value(), ton::Address{ton::kMasterchain, account.bytes}}) {
    const std::string path = ask_account(at).path;
    const auto named = ton::parse_address(path.substr(path.find('=') + 1));
    require(named.value().address == at);
  }
  const ApiQuery query = hand_in(bytes);
  const auto body = json::Document::parse(query.body);
  require(equal_public(from_base64(*body->root().find("boc").as_string()).value(), bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const ByteView rest(data + 2, size - 2);
  const int status = 200 + data[1];
  switch (data[0] % 9) {
    case 0: check_account(status, as_text(rest)); break;
    case 1: require_words(read_head(status, as_text(rest))); break;
    case 2: require_words(read_block(status, as_text(rest), 42)); break;
    case 3: require_words(read_handed_in(status, as_text(rest))); break;
    case 4: check_snapshot(rest); break;
    case 5: check_data(rest); break;
    case 6: check_changed(data[1], rest); break;
    case 7: check_named_keepers(data[1], rest); break;
    default: data[1] % 2 == 0 ? check_statement(rest) : check_questions(rest); break;
  }
  return 0;
}
