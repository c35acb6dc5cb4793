#include "ledger/ton/contract_views.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "crypto/hash.h"
#include "ton/contract_address.h"
#include "ton/contract_state.h"

namespace cocoon::ledger {
namespace {

constexpr std::string_view kNonceMagic = "CCN1";

Error wrong(std::string_view what, std::string_view why) {
  return Error(ErrorKind::upstream, "ledger_contract_wrong",
               fmt::format("the {} that the ledger shows is not to be trusted: {}", what, why));
}

/// Whether there is a contract, with that code.
Result<bool> installed(std::string_view what, const AccountReading& account, const Hash& code) {
  if (account.status == AccountStatus::frozen) {
    return Error(ErrorKind::upstream, "ledger_contract_frozen",
                 fmt::format("the {} is frozen for want of rent: send its address TON", what));
  }
  if (account.status == AccountStatus::none) return false;
  if (account.code->hash() != code) {
    return wrong(what, "its code is none that this version knows (is there a newer version?)");
  }
  return true;
}

Result<UnixTime> time_of(std::string_view what, std::uint64_t seconds) {
  if (seconds > limits::kMaxUnixSeconds) return wrong(what, "a time is out of range");
  return unix_seconds(seconds);
}

Status check_channel_identity(const TonSite& site, const ChannelId& channel,
                              const ton::ChannelData& data, const billing::ChannelTerms& terms) {
  if (data.network != site.network || data.root != site.root) {
    return wrong("channel", "it is of another network");
  }
  if (data.id != channel || terms.address() != channel) {
    return wrong("channel", "its terms are another channel's");
  }
  COCOON_TRY(const ton::Address contract, proxy_at(site, data.proxy));
  if (data.proxy_contract != contract) return wrong("channel", "it pays to another contract");
  return ok();
}

Result<Nano> channel_balance(const ton::ChannelData& data) {
  const auto in = checked_add(data.deposited, data.rent);
  const auto out = checked_add(data.settled, data.refunded);
  const auto left = in && out ? checked_sub(*in, *out) : std::nullopt;
  if (!left || data.settled > data.claimed || data.claimed > data.deposited) {
    return wrong("channel", "its sums contradict each other");
  }
  return *left;
}

Hash model_key(std::string_view id) {
  return crypto::sha256(as_bytes(id));
}

Result<std::vector<billing::ModelEntry>> models_of(const ton::RegistryData& data) {
  std::vector<billing::ModelEntry> out;
  for (const auto& m : data.models) {
    if (m.key != model_key(m.id)) return wrong("registry", "a model's key is not its id's hash");
    out.push_back({m.id, m.max_output_tokens, m.template_allowance_tokens});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return out;
}

Result<billing::Registry> registry_of(const NetworkId& network, const ton::RegistryData& data) {
  billing::Registry r;
  r.network = network;
  r.kind = static_cast<billing::NetworkKind>(data.kind);
  r.version = data.version;
  COCOON_TRY(r.effective, time_of("registry", data.effective));
  r.prices = {data.price_per_token, data.multiplier_e4, data.worker_share_e4};
  r.price_grace = Seconds{data.price_grace_seconds};
  r.client_close_delay = Seconds{data.client_close_delay_seconds};
  r.proxy_close_delay = Seconds{data.proxy_close_delay_seconds};
  r.min_deposit = data.min_deposit;
  r.min_payout = data.min_payout;
  r.min_stake = data.min_stake;
  r.message_fee = data.message_fee;
  r.tombstone_rent = data.tombstone_rent;
  r.tcb_evaluation_floor = data.tcb_evaluation_floor;
  r.proxy_images = data.proxy_images;
  r.worker_images = data.worker_images;
  r.gpu_measurements = data.gpu_measurements;
  COCOON_TRY(r.models, models_of(data));
  for (const auto& p : data.proxies) r.proxies.push_back({p.account, p.endpoint});
  if (const Status valid = r.validate(); !valid) return wrong("registry", valid.error().detail());
  return r;
}

}  // namespace

Result<ton::Address> channel_at(const TonSite& site, const ChannelId& channel) {
  COCOON_TRY(const ton::StateInit init, ton::first_channel(site.root, channel));
  return ton::address_of(init);
}

Result<ton::Address> proxy_at(const TonSite& site, const AccountId& account) {
  COCOON_TRY(const ton::StateInit init, ton::first_proxy_contract(site.root, account));
  return ton::address_of(init);
}

Result<ton::Address> epoch_at(const TonSite& site, const AccountId& account) {
  COCOON_TRY(const ton::StateInit init, ton::first_epoch(site.network, account));
  return ton::address_of(init);
}

ByteArray<16> channel_nonce(const NetworkId& network, const AccountId& client,
                            const AccountId& proxy, std::uint32_t n) {
  ByteWriter name;
  name.bytes(as_bytes(kNonceMagic)).bytes(network.view()).bytes(client.view());
  const Hash hash = crypto::sha256(name.bytes(proxy.view()).u32be(n).take());
  ByteArray<16> out{};
  std::copy_n(hash.begin(), out.size(), out.begin());
  return out;
}

Result<std::optional<billing::ChannelState>> view_channel(const TonSite& site,
                                                          const ChannelId& channel,
                                                          const AccountReading& account) {
  COCOON_TRY(const bool there, installed("channel", account, ton::channel_code_hash()));
  if (!there) return std::optional<billing::ChannelState>();
  const auto data = ton::parse_channel_data(account.data);
  if (!data) return wrong("channel", data.error().detail());
  billing::ChannelState s;
  s.terms = {data->network,     data->client, data->proxy,
             data->signer,      data->nonce,  Seconds{data->close_delay_seconds},
             data->min_deposit, data->rent};
  COCOON_CHECK(check_channel_identity(site, channel, *data, s.terms));
  s.phase = static_cast<billing::ChannelPhase>(data->phase);
  s.deposited = data->deposited;
  s.claimed = data->claimed;
  s.settled = data->settled;
  s.refunded = data->refunded;
  s.best_spent = data->best_spent;
  s.best_authorised = data->best_authorised;
  s.leftovers = data->leftovers;
  COCOON_TRY(s.balance, channel_balance(*data));
  COCOON_TRY(s.final_at, time_of("channel", data->final_at));
  // The rules' own check of a state that they did not make.
  if (!billing::ChannelState::decode(s.encode())) {
    return wrong("channel", "its terms or sums are out of range");
  }
  return std::optional(std::move(s));
}

Result<std::optional<billing::ProxyState>> view_proxy(const TonSite& site, const AccountId& proxy,
                                                      const AccountReading& account) {
  COCOON_TRY(const bool there,
             installed("proxy's contract", account, ton::proxy_contract_code_hash()));
  if (!there) return std::optional<billing::ProxyState>();
  auto data = ton::parse_proxy_data(account.data);
  if (!data) return wrong("proxy's contract", data.error().detail());
  if (data->network != site.network || data->root != site.root || data->account != proxy) {
    return wrong("proxy's contract", "it is another proxy's, or of another network");
  }
  billing::ProxyState s;
  s.terms = {data->network, data->account, Seconds{data->withdraw_delay_seconds}, data->min_stake};
  s.phase = static_cast<billing::ProxyPhase>(data->phase);
  s.worker_share_e4 = data->worker_share_e4;
  s.pool = data->pool;
  s.fees = data->fees;
  s.stake = data->stake;
  s.received = data->received;
  s.staked = data->staked;
  s.pool_total = data->pool_total;
  s.delivered = data->delivered;
  s.fees_taken = data->fees_taken;
  s.withdrawn = data->withdrawn;
  s.paid = std::move(data->paid);
  COCOON_TRY(s.final_at, time_of("proxy's contract", data->final_at));
  if (!billing::ProxyState::decode(s.encode())) {
    return wrong("proxy's contract", "its sums contradict each other");
  }
  return std::optional(std::move(s));
}

Result<std::optional<billing::SignedEpoch>> view_epoch(const TonSite& site, const AccountId& owner,
                                                       const AccountReading& account) {
  COCOON_TRY(const ton::StateInit first, ton::first_epoch(site.network, owner));
  COCOON_TRY(const bool there, installed("epoch record", account, (*first.code)->hash()));
  if (!there) return std::optional<billing::SignedEpoch>();
  const auto data = ton::parse_epoch_data(account.data);
  if (!data) return wrong("epoch record", data.error().detail());
  if (data->network != site.network || data->account != owner) {
    return wrong("epoch record", "it is another account's, or of another network");
  }
  if (!data->newest) return std::optional<billing::SignedEpoch>();
  auto record = billing::open_signed<billing::EpochRecord>(data->newest->statement,
                                                           data->newest->signature, owner.bytes);
  if (!record) return wrong("epoch record", record.error().detail());
  if (record->value.network != site.network) {
    return wrong("epoch record", "its account signed it for another network");
  }
  return std::optional(std::move(*record));
}

Result<billing::Registry> view_registry(const TonSite& site, const AccountReading& account) {
  if (account.status != AccountStatus::active) {
    return wrong("registry", "there is no contract at the root's address");
  }
  const auto root = ton::parse_root_data(account.data);
  if (!root) return wrong("registry", root.error().detail());
  if (root->network != site.network) return wrong("registry", "it is of another network");
  const bool next_counts = root->next && root->next->effective <= to_unix_seconds(account.time);
  return registry_of(root->network, next_counts ? *root->next : root->current);
}

}  // namespace cocoon::ledger
