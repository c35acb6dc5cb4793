#pragma once
/// @file State of the contracts of libcocoon/ledger/ton/contracts, read from their data
/// (docs/contracts.md "States"). Everything comes from an API that may lie: the layouts are
/// checked, the sums are not.

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/money.h"
#include "crypto/ed25519.h"
#include "ton/address.h"

namespace cocoon::ton {

enum class ContractPhase : std::uint8_t { open = 1, closing = 2, closed = 3 };

struct ChannelData {
  ContractPhase phase = ContractPhase::open;
  Nano deposited;
  Nano claimed;
  Nano settled;
  Nano refunded;
  Nano best_spent;
  Nano best_authorised;
  AccountId leftovers;
  std::uint64_t final_at = 0;  ///< Unix seconds
  NetworkId network;
  AccountId client;
  AccountId proxy;
  AccountId signer;
  std::uint32_t close_delay_seconds = 0;
  Nano rent;
  ChannelId id;
  ByteArray<16> nonce{};
  Nano min_deposit;
  Address root;
  Address proxy_contract;
};
/// Errors of all parsers here: invalid_argument/cell_unreadable, dict_invalid;
/// too_large/dict_too_large.
Result<ChannelData> parse_channel_data(const CellRef& cell);

struct ProxyData {
  ContractPhase phase = ContractPhase::open;
  std::uint32_t worker_share_e4 = 0;
  Nano pool;
  Nano fees;
  Nano stake;
  Nano received;
  Nano staked;
  Nano pool_total;
  Nano delivered;
  Nano fees_taken;
  Nano withdrawn;
  std::uint64_t final_at = 0;  ///< Unix seconds
  std::map<AccountId, Nano> paid;
  NetworkId network;
  AccountId account;
  std::uint32_t withdraw_delay_seconds = 0;
  Nano min_stake;
  Address root;
};
Result<ProxyData> parse_proxy_data(const CellRef& cell);

struct EpochData {
  NetworkId network;
  AccountId account;
  struct Record {
    crypto::Signature signature{};
    Bytes statement;
  };
  std::optional<Record> newest;
};
Result<EpochData> parse_epoch_data(const CellRef& cell);

struct RegistryData {
  std::uint64_t version = 0;
  std::uint64_t effective = 0;  ///< Unix seconds
  std::uint8_t kind = 0;
  Nano price_per_token;
  std::array<std::uint32_t, 4> multiplier_e4{};  ///< prompt, cached, completion, reasoning
  std::uint32_t worker_share_e4 = 0;
  std::uint32_t price_grace_seconds = 0;
  std::uint32_t client_close_delay_seconds = 0;
  std::uint32_t proxy_close_delay_seconds = 0;
  Nano min_deposit;
  Nano min_payout;
  Nano min_stake;
  Nano message_fee;
  Nano tombstone_rent;
  std::uint32_t tcb_evaluation_floor = 0;
  std::vector<Hash> proxy_images;  ///< lists in ascending order of their keys
  std::vector<Hash> worker_images;
  std::vector<Hash> gpu_measurements;
  struct Model {
    Hash key{};  ///< SHA-256 of the id, if the owner wrote it well
    std::uint32_t max_output_tokens = 0;
    std::uint32_t template_allowance_tokens = 0;
    std::string id;
  };
  std::vector<Model> models;
  struct Proxy {
    AccountId account;
    std::string endpoint;
  };
  std::vector<Proxy> proxies;
};
struct RootData {
  NetworkId network;
  RegistryData current;
  std::optional<RegistryData> next;  ///< in force in place of `current` from next->effective on
};
Result<RootData> parse_root_data(const CellRef& cell);

}  // namespace cocoon::ton
