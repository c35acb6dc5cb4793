#pragma once
/// @file Money on its way: what the contract rules say must be moved, and why. Every nanoton that
/// leaves a state appears in exactly one transfer, so conservation can be checked from outside.

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/money.h"

namespace cocoon::billing {

/// Who holds money.
struct Party {
  enum class Kind : std::uint8_t {
    account = 1,  ///< a wallet of its own
    channel = 2,  ///< a channel contract
    proxy = 3,    ///< a proxy contract, named by its proxy's account
    network = 4   ///< the validators: fees end there
  };
  Kind kind{};
  ByteArray<32> id{};

  static Party account(const AccountId& id) { return {Kind::account, id.bytes}; }
  static Party channel(const ChannelId& id) { return {Kind::channel, id.bytes}; }
  static Party proxy(const AccountId& id) { return {Kind::proxy, id.bytes}; }
  static Party network() { return {Kind::network, {}}; }
  friend auto operator<=>(const Party&, const Party&) = default;
};

enum class TransferReason : std::uint8_t {
  deposit = 1,     ///< account → channel: opening or top-up
  settlement = 2,  ///< channel → proxy contract
  refund = 3,      ///< channel → account: the rest at closing
  stake = 4,       ///< account → proxy contract
  payout = 5,      ///< proxy contract → worker's account
  fee = 6,         ///< proxy contract → proxy's account: the proxy's share
  withdrawal = 7,  ///< proxy contract → proxy's account: stake and remainder
  gas = 8          ///< account → network
};
std::string_view to_string(TransferReason reason);

struct Transfer {
  Party from;
  Party to;
  Nano amount;
  TransferReason reason{};
  /// Of a payout: how much of it was taken from the stake, to be put back there on a bounce.
  Nano from_stake;
  friend bool operator==(const Transfer&, const Transfer&) = default;
};

}  // namespace cocoon::billing
