#pragma once
/// @file The registry: what the network's owner has set and allowed, as one versioned value.
/// Source: contracts.md "Governance".

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/money.h"
#include "base/time.h"
#include "cocoon/result.h"

namespace cocoon::billing {

/// What is at stake on a network. Simulated evidence counts only on `dev`.
enum class NetworkKind : std::uint8_t { dev = 0, test = 1, main = 2 };
std::string_view to_string(NetworkKind kind);

/// Denominators of the fixed-point fields (economics.md "Price").
inline constexpr std::uint32_t kE4 = 10'000;
inline constexpr std::uint32_t kE3 = 1'000;

/// The classes of tokens, in the order of every array of multipliers.
enum class TokenClass : std::uint8_t { prompt = 0, cached = 1, completion = 2, reasoning = 3 };
inline constexpr std::size_t kTokenClasses = 4;

struct Prices {
  Nano per_token;  ///< at multiplier 1.0 and coefficient 1.0
  /// Per TokenClass, in 1/10,000.
  std::array<std::uint32_t, kTokenClasses> multiplier_e4{};
  /// What the worker gets of a cost, in 1/10,000; the rest is the proxy's fee. At most kE4.
  std::uint32_t worker_share_e4 = 0;

  std::uint32_t multiplier(TokenClass c) const {
    return multiplier_e4[static_cast<std::size_t>(c)];
  }
  friend bool operator==(const Prices&, const Prices&) = default;
};

/// The prices of the live network: 20 nanoton a token, 19 of them the worker's, multipliers
/// 1.0 / 0.1 / 8.0 / 8.0 (economics.md "Price").
Prices reference_prices();

struct ModelEntry {
  std::string id;  ///< `name@commit:verity-hash`, at most limits::kMaxModelIdBytes
  std::uint32_t max_output_tokens = 0;  ///< of one answer; > 0
  /// Prompt tokens that the chat template may add to the tokens of the body's text.
  std::uint32_t template_allowance_tokens = 0;
  friend bool operator==(const ModelEntry&, const ModelEntry&) = default;
};

struct ProxyEntry {
  AccountId account;
  std::string endpoint;  ///< "host:port"
  friend bool operator==(const ProxyEntry&, const ProxyEntry&) = default;
};

/// One version of the registry. Every list is sorted and without duplicates, so that equal
/// registries have equal bytes. An empty list of images admits nobody.
struct Registry {
  NetworkId network;
  NetworkKind kind = NetworkKind::dev;
  std::uint64_t version = 0;  ///< > 0; only grows
  UnixTime effective{};       ///< from when it counts; whole seconds
  Prices prices;
  /// The previous version's prices are honoured this long after `effective`.
  Seconds price_grace{0};
  /// How long a closing channel waits for vouchers.
  Seconds client_close_delay{0};
  /// How long a proxy's stake and remainder stay; longer than client_close_delay.
  Seconds proxy_close_delay{0};
  Nano min_deposit;     ///< of a channel; > 20 × message_fee
  Nano min_payout;      ///< worth cashing; > 20 × message_fee
  Nano min_stake;       ///< of a proxy
  Nano message_fee;     ///< about what one message to a contract costs
  Nano tombstone_rent;  ///< kept by a closed channel, so that its address stays taken
  std::uint32_t tcb_evaluation_floor = 0;
  std::vector<Hash> proxy_images;
  std::vector<Hash> worker_images;
  std::vector<Hash> gpu_measurements;
  std::vector<ModelEntry> models;   ///< by id
  std::vector<ProxyEntry> proxies;  ///< by account

  const ModelEntry* find_model(std::string_view id) const;
  const ProxyEntry* find_proxy(const AccountId& account) const;

  /// What a sound registry fulfils (order, bounds, delays, fees against minima).
  /// Errors: invalid_argument/bad_registry.
  Status validate() const;

  /// Canonical bytes; the registry must be valid.
  Bytes encode() const;
  /// Accepts only what encode() makes. Errors: protocol/bad_registry.
  static Result<Registry> decode(ByteView bytes);

  friend bool operator==(const Registry&, const Registry&) = default;
};

/// `seen` with everything taken back by which it is looser than `trusted`: images, GPU sets, models
/// and proxies that `trusted` lacks are dropped, the higher TCB floor and the longer delays stay,
/// prices stay. What remains may be used without any signature on `seen`
/// (economics.md: a chain API that lies can tighten, never loosen).
Registry tightened(const Registry& trusted, const Registry& seen);

/// The registries that a node works with: the newest, and the one before it while its prices are
/// honoured. Versions only grow.
class RegistryHistory {
 public:
  RegistryHistory() = default;

  /// Takes a newer version into use, or the same one tightened: a ledger's removals count at once,
  /// before the version that has them is signed. (They do not come back under that version.)
  /// Errors: protocol/registry_rollback (older), protocol/registry_forked (same version, and not
  /// tighter), protocol/wrong_network, protocol/bad_registry.
  Status adopt(Registry registry);

  /// Null before the first adopt().
  const Registry* current() const { return current_ ? &*current_ : nullptr; }

  /// The registry before the current one, while its prices are honoured; else null.
  const Registry* former(UnixTime now) const;

  /// The registry whose prices a request under `version` has at `now`: the current one, or the one
  /// before within the grace period.
  /// Errors: registry_version_unknown, unavailable where that version is newer than ours (others
  /// are quicker to read the ledger), else invalid_argument; unavailable/no_registry.
  Result<const Registry*> priced(std::uint64_t version, UnixTime now) const;

  /// Whether the ledger could not be read for longer than a registry may be old: what it has taken
  /// back since is not known. Running requests are priced all the same.
  void set_stale(bool stale) { stale_ = stale; }
  /// Whether new work may begin. Errors: unavailable/registry_too_old.
  Status fresh() const;

 private:
  bool stale_ = false;
  std::optional<Registry> current_;
  std::optional<Registry> previous_;
};

}  // namespace cocoon::billing
