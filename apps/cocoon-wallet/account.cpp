#include "account.h"

#include "base/log.h"
#include "cocoon/config.h"
#include "node/account_key.h"

namespace cocoon::app {

namespace {

template <class Options>
Place place_of(AccountRole role, const Options& o) {
  return {role, o.state_dir, {o.ledger_path, o.ton, o.state_dir, Logger(o.log, "wallet")}};
}

}  // namespace

Result<Place> read_place(const AccountFiles& files) {
  const auto named = [](const std::string& file) { return file.empty() ? 0 : 1; };
  if (named(files.client) + named(files.proxy) + named(files.worker) != 1) {
    return Error(ErrorKind::invalid_argument, "bad_value",
                 "name the account by one of --client, --proxy and --worker: the file that this "
                 "role starts with");
  }
  if (!files.client.empty()) {
    COCOON_TRY(const auto config, load_client_config(files.client));
    return place_of(AccountRole::client, config.client);
  }
  if (!files.proxy.empty()) {
    COCOON_TRY(const auto config, load_proxy_config(files.proxy));
    return place_of(AccountRole::proxy, config.proxy);
  }
  COCOON_TRY(const auto config, load_worker_config(files.worker));
  return place_of(AccountRole::worker, config.worker);
}

Result<Account> open_account(const AccountFiles& files) {
  COCOON_TRY(Place place, read_place(files));
  COCOON_TRY(auto key, node::load_or_create_account_key(place.state_dir));
  return Account{std::move(place), std::move(key)};
}

}  // namespace cocoon::app
