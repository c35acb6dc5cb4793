#include "account.h"

#include "base/log.h"
#include "cocoon/config.h"
#include "node/account_key.h"

namespace cocoon::app {

namespace {

struct Settings {
  AccountRole role{};
  std::string state_dir;
  std::string ledger_path;
  std::optional<TonNetwork> ton;
  LogSink log;
};

template <class Options>
Settings settings(AccountRole role, const Options& o) {
  return {role, o.state_dir, o.ledger_path, o.ton, o.log};
}

Result<Settings> read(const AccountFiles& files) {
  const auto named = [](const std::string& file) { return file.empty() ? 0 : 1; };
  if (named(files.client) + named(files.proxy) + named(files.worker) != 1) {
    return Error(ErrorKind::invalid_argument, "bad_value",
                 "name the account by one of --client, --proxy and --worker: the file that this "
                 "role starts with");
  }
  if (!files.client.empty()) {
    COCOON_TRY(const auto config, load_client_config(files.client));
    return settings(AccountRole::client, config.client);
  }
  if (!files.proxy.empty()) {
    COCOON_TRY(const auto config, load_proxy_config(files.proxy));
    return settings(AccountRole::proxy, config.proxy);
  }
  COCOON_TRY(const auto config, load_worker_config(files.worker));
  return settings(AccountRole::worker, config.worker);
}

}  // namespace

Result<Account> open_account(const AccountFiles& files) {
  COCOON_TRY(Settings s, read(files));
  COCOON_TRY(auto key, node::load_or_create_account_key(s.state_dir));
  Account out{s.role, s.state_dir, {}, std::move(key)};
  out.ledger = {std::move(s.ledger_path), std::move(s.ton), std::move(s.state_dir),
                Logger(std::move(s.log), "wallet")};
  return out;
}

}  // namespace cocoon::app
