#pragma once
/// @file The contracts' states, as an API shows them, in the words of billing/. Pure. An API can
/// show anything: what is not the code that this library knows, not of this network, or
/// contradicts itself is refused.

#include <optional>

#include "billing/admission.h"
#include "billing/contract.h"
#include "billing/registry.h"
#include "ledger/ton/toncenter_codec.h"
#include "ton/wallet.h"

namespace cocoon::ledger {

/// One network on TON.
struct TonSite {
  NetworkId network;
  ton::Address root;  ///< its registry; installs all other contracts
  /// Which wallets its accounts have.
  ton::WalletNetwork wallets = ton::WalletNetwork::mainnet;
};

// Where an account's contracts are. Errors: those of Builder::finish.
Result<ton::Address> channel_at(const TonSite& site, const ChannelId& channel);
Result<ton::Address> proxy_at(const TonSite& site, const AccountId& account);
Result<ton::Address> epoch_at(const TonSite& site, const AccountId& account);

/// Of the nth channel that a client opens with a proxy, from 0 on, with its own account as signer.
/// Drawn from names instead of at random, so that a client that has lost everything but its key
/// finds its channels: the first nonce without a contract is the next one's. It is as good as a
/// random one, since a channel's address stays taken for ever.
/// SHA-256("CCN1" ‖ network ‖ client ‖ proxy ‖ n u32)[0:16]
ByteArray<16> channel_nonce(const NetworkId& network, const AccountId& client,
                            const AccountId& proxy, std::uint32_t n);

// Errors of all: upstream/ledger_contract_wrong, with what is wrong;
// upstream/ledger_contract_frozen.
Result<std::optional<billing::ChannelState>> view_channel(const TonSite& site,
                                                          const ChannelId& channel,
                                                          const AccountReading& account);
Result<std::optional<billing::ProxyState>> view_proxy(const TonSite& site, const AccountId& proxy,
                                                      const AccountReading& account);
/// The record's signature is checked.
Result<std::optional<billing::SignedEpoch>> view_epoch(const TonSite& site, const AccountId& owner,
                                                       const AccountReading& account);
/// The registry in force at the time of the reading. It may only tighten what is signed
/// (registry_keeper.h): whoever shows it can put anything into it.
Result<billing::Registry> view_registry(const TonSite& site, const AccountReading& account);

}  // namespace cocoon::ledger
