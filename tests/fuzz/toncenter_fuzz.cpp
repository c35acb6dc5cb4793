// modules: ledger
// covers: libcocoon/ledger/ton/toncenter_codec.cpp libcocoon/ledger/ton/contract_views.cpp
// libcocoon/ledger/ton/registry_snapshot.cpp
/// @file What a ledger's HTTP API answers, the states of contracts in it, and signed registries.
/// The first byte chooses which; an answer's second byte stands for its status.

#include <cstdlib>

#include "ledger/ton/contract_views.h"
#include "ledger/ton/registry_keeper.h"
#include "ledger/ton/wallet_core.h"
#include "ton/boc.h"

namespace {

using namespace cocoon;
using namespace cocoon::ledger;

void require(bool holds) {
  if (!holds) std::abort();
}

template <class T>
void require_words(const Result<T>& result) {
  require(result.has_value() || !result.error().detail().empty());
}

/// An account with that data: what its contracts' views say holds together.
void check_views(const AccountReading& account) {
  const TonSite site;
  if (const auto channel = view_channel(site, {}, account); channel && *channel) {
    require((*channel)->claimed <= (*channel)->deposited);
    require((*channel)->id() == ChannelId{});
  }
  require_words(view_proxy(site, {}, account));
  require_words(view_epoch(site, {}, account));
  const auto registry = view_registry(site, account);
  if (registry) require(registry->validate().has_value());
  require_words(read_wallet(account, {}));
}

void check_account(int status, std::string_view body) {
  const auto account = read_account(status, body);
  require_words(account);
  if (!account) return;
  require(status == 200);
  require((account->status == AccountStatus::active) == (account->code && account->data));
  check_views(*account);
}

void check_snapshot(ByteView bytes) {
  const auto snapshot = RegistrySnapshot::decode(bytes);
  require_words(snapshot);
  if (!snapshot) return;
  require(equal_public(snapshot->encode(), bytes));
  require(!check_signatures(*snapshot, {{AccountId{}}, 1}));
}

/// Data without the JSON around it, under code that is trusted.
void check_data(ByteView bytes) {
  AccountReading account;
  account.status = AccountStatus::active;
  const auto data = ton::parse_boc_root(bytes);
  if (!data) return;
  account.data = *data;
  account.code = ton::wallet_code(ton::WalletVersion::v5r1);
  require_words(read_wallet(account, {}));
  require_words(view_registry({}, account));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const ByteView rest(data + 2, size - 2);
  const int status = data[1] == 0 ? 200 : 200 + data[1] * 2;
  switch (data[0] % 6) {
    case 0: check_account(status, as_text(rest)); break;
    case 1: require_words(read_head(status, as_text(rest))); break;
    case 2: require_words(read_block(status, as_text(rest), 42)); break;
    case 3: require_words(read_handed_in(status, as_text(rest))); break;
    case 4: check_snapshot(rest); break;
    default: check_data(rest); break;
  }
  return 0;
}
