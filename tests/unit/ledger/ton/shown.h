#pragma once
/// @file Accounts as an API shows them, with the states that the contracts had in the TVM
/// (tests/vectors/contracts).

#include "ledger/ton/contract_views.h"
#include "ton/contract_address.h"
#include "unit/ton/vectors.h"

namespace cocoon::ledger::test {

namespace vec = ton::test;

class Shown {
 public:
  Shown()
      : text_(vec::read_text("../contracts/cells.json")),
        document_(json::Document::parse(text_).value()) {}

  json::Value root() const { return document_.root(); }
  TonSite site() const {
    return {{array_from_hex<16>(vec::text(root(), "network")).value()},
            vec::address(root(), "root"),
            ton::WalletNetwork::mainnet};
  }
  AccountId account(std::string_view name) const {
    return {vec::hash(root().find("accounts").find(name), "id")};
  }
  ChannelId channel_id() const { return {vec::hash(root(), "channel_id")}; }

  /// "channel", "proxy", "epoch" or "registry" with its data, and the code of "channel", "proxy",
  /// "epoch" or "root".
  AccountReading reading(std::string_view data, std::string_view code) const {
    AccountReading out;
    out.status = AccountStatus::active;
    out.balance = Nano{1'000'000'000};
    out.last_lt = 1;
    out.time = unix_seconds(1'800'000'000);
    out.data = vec::cell(root().find(data), "data");
    out.code =
        ton::parse_boc_root(vec::read_bytes("../../../libcocoon/ledger/ton/contracts/build/" +
                                            std::string(code) + ".boc"))
            .value();
    return out;
  }
  AccountReading channel() const { return reading("channel", "channel"); }
  AccountReading proxy() const { return reading("proxy", "proxy"); }
  AccountReading epoch() const { return reading("epoch", "epoch"); }
  AccountReading registry() const { return reading("registry", "root"); }

 private:
  std::string text_;
  json::Document document_;
};

}  // namespace cocoon::ledger::test
