#pragma once
/// @file State of the contracts of the Cocoon network that runs on the main net: root, proxy,
/// client, worker. Layouts as decoded from its cells; each of them may be read, and made anew for
/// the address that a contract gets.

#include <optional>
#include <string>
#include <vector>

#include "ton/message.h"

namespace cocoon::ton::live {

/// What every contract copies from the root.
struct Params {
  std::uint32_t params_version = 0;
  std::uint32_t unique_id = 0;
  bool is_test = false;
  Nano price_per_token;
  Nano worker_fee_per_token;
  std::uint32_t prompt_multiplier = 0;  ///< these four in 1/10,000
  std::uint32_t cached_multiplier = 0;
  std::uint32_t completion_multiplier = 0;
  std::uint32_t reasoning_multiplier = 0;
  std::uint32_t proxy_delay_seconds = 0;
  std::uint32_t client_delay_seconds = 0;
  Nano min_proxy_stake;
  Nano min_client_stake;
  std::optional<CellRef> proxy_code;
  std::optional<CellRef> worker_code;
  std::optional<CellRef> client_code;
};
/// The only layout that is known; cells of another are refused.
inline constexpr std::uint8_t kParamsLayout = 4;

Result<CellRef> to_cell(const Params& params);
Result<Params> parse_params(const CellRef& cell);

struct RegisteredProxy {
  std::uint32_t seqno = 0;
  std::string endpoints;  ///< "for_workers for_clients", each HOST:PORT; not checked
};

struct RootState {
  Address owner;
  std::uint32_t version = 0;
  std::vector<Hash> proxy_hashes;
  std::vector<RegisteredProxy> registered;
  std::uint32_t last_proxy_seqno = 0;
  std::vector<Hash> worker_hashes;
  std::vector<Hash> model_hashes;  ///< SHA-256 of names
  Params params;
  CellRef keys = Cell::empty();
};
/// Errors of all parsers here: invalid_argument/cell_unreadable, dict_invalid;
/// too_large/dict_too_large.
Result<RootState> parse_root(const CellRef& cell);

enum class Phase : std::uint8_t { normal = 0, closing = 1, closed = 2 };

struct ProxyState {
  Address owner;
  ByteArray<32> public_key{};
  Address root;
  Phase phase = Phase::normal;
  Nano balance;
  Nano stake;
  std::uint32_t unlock_at = 0;
  CellRef params = Cell::empty();
};
Result<CellRef> to_cell(const ProxyState& state);
Result<ProxyState> parse_proxy(const CellRef& cell);

struct ClientState {
  Phase phase = Phase::normal;
  Nano balance;
  Nano stake;
  std::uint64_t tokens_used = 0;
  std::uint32_t unlock_at = 0;
  Hash secret_hash{};
  Address owner;
  Address proxy;
  ByteArray<32> proxy_public_key{};
  CellRef params = Cell::empty();
};
Result<CellRef> to_cell(const ClientState& state);
Result<ClientState> parse_client(const CellRef& cell);

struct WorkerState {
  Address owner;
  Address proxy;
  ByteArray<32> proxy_public_key{};
  Phase phase = Phase::normal;
  std::uint64_t tokens = 0;
  CellRef params = Cell::empty();
};
Result<CellRef> to_cell(const WorkerState& state);
Result<WorkerState> parse_worker(const CellRef& cell);

/// With what a contract begins, given the root's parameters (with all code). Its address follows
/// from it. Errors: invalid_argument/code_missing where the parameters lack a code; those of
/// Builder::finish.
Result<StateInit> first_proxy(const Params& params, const Address& root, const Address& owner,
                              const ByteArray<32>& public_key);
Result<StateInit> first_client(const Params& params, const Address& owner, const Address& proxy,
                               const ByteArray<32>& proxy_public_key);
Result<StateInit> first_worker(const Params& params, const Address& owner, const Address& proxy,
                               const ByteArray<32>& proxy_public_key);

}  // namespace cocoon::ton::live
