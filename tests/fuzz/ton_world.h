#pragma once
/// @file A network on TON with fixed keys, and the data that its contracts would have: what an
/// input alters, so that it is read past the checks of whose contract it is.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "crypto/hash.h"
#include "ledger/ton/contract_views.h"
#include "ledger/ton/registry_snapshot.h"
#include "ton/boc.h"
#include "ton/contract_address.h"
#include "ton/dict.h"

namespace cocoon::ledger::test {

inline crypto::SigningKey fixed_key(std::uint8_t number) {
  ByteArray<32> seed{};
  seed[0] = number;
  return crypto::SigningKey::from_seed(seed);
}

/// A contract's code as it is built; its hash is what the views compare.
inline ton::CellRef contract_code(const std::string& name) {
  const auto path = std::filesystem::path(COCOON_TEST_VECTORS) /
                    "../../libcocoon/ledger/ton/contracts/build" / (name + ".boc");
  std::ifstream in(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return ton::parse_boc_root(as_bytes(bytes)).value();
}

/// In snake format, as the root's owner writes it.
inline ton::CellRef text_cell(std::string_view text) {
  constexpr std::size_t kPart = 120;
  ton::Builder out;
  out.store_bytes(as_bytes(text.substr(0, kPart)));
  if (text.size() > kPart) out.store_ref(text_cell(text.substr(kPart)));
  return out.finish().value();
}

inline void put(ton::Dict& dict, ByteView key, const ton::Builder& value) {
  if (!dict.set(ton::BitString(key), value)) std::abort();
}

inline ton::CellRef params_cell(const billing::Registry& r) {
  const auto seconds = [](Seconds s) { return static_cast<std::uint64_t>(s.count()); };
  ton::Builder out;
  out.store_uint(static_cast<std::uint8_t>(r.kind), 8).store_uint(r.prices.per_token.value, 64);
  for (const std::uint32_t m : r.prices.multiplier_e4) out.store_uint(m, 32);
  out.store_uint(r.prices.worker_share_e4, 32).store_uint(seconds(r.price_grace), 32);
  out.store_uint(seconds(r.client_close_delay), 32).store_uint(seconds(r.proxy_close_delay), 32);
  for (const Nano sum :
       {r.min_deposit, r.min_payout, r.min_stake, r.message_fee, r.tombstone_rent}) {
    out.store_uint(sum.value, 64);
  }
  return out.store_uint(r.tcb_evaluation_floor, 32).finish().value();
}

inline ton::CellRef images_cell(const billing::Registry& r) {
  ton::Builder out;
  for (const auto* list : {&r.proxy_images, &r.worker_images, &r.gpu_measurements}) {
    ton::Dict dict(256);
    for (const Hash& one : *list) put(dict, one, {});
    dict.store(out);
  }
  return out.finish().value();
}

inline ton::CellRef registry_cell(const billing::Registry& r) {
  ton::Dict models(256);
  for (const auto& m : r.models) {
    ton::Builder model;
    model.store_uint(m.max_output_tokens, 32).store_uint(m.template_allowance_tokens, 32);
    model.store_ref(text_cell(m.id));
    put(models, crypto::sha256(as_bytes(m.id)), ton::Builder().store_ref(model.finish().value()));
  }
  ton::Dict proxies(256);
  for (const auto& p : r.proxies) {
    put(proxies, p.account.view(), ton::Builder().store_ref(text_cell(p.endpoint)));
  }
  ton::Builder out;
  out.store_uint(r.version, 64).store_uint(to_unix_seconds(r.effective), 64);
  out.store_ref(params_cell(r)).store_ref(images_cell(r));
  models.store(out);
  proxies.store(out);
  return out.finish().value();
}

/// A root's data. @param next takes `current`'s place from its effective time on
inline ton::CellRef root_data(const billing::Registry& current, const billing::Registry& next) {
  ton::Builder out;
  out.store_bytes(current.network.view()).store_ref(ton::Cell::empty());
  out.store_ref(registry_cell(current)).store_maybe_ref(registry_cell(next));
  return out.store_maybe_ref(std::nullopt).finish().value();
}

class TonWorld {
 public:
  TonWorld() {
    site_.network.bytes.fill(7);
    site_.root.hash.fill(9);
    terms_ = {
        site_.network,   client_.account_id(), proxy_.account_id(), fixed_key(4).account_id(), {},
        Seconds{43'200}, Nano{1'000'000'000},  Nano{50'000'000}};
    terms_.nonce = channel_nonce(terms_.network, terms_.client, terms_.proxy, 0);
  }

  const TonSite& site() const { return site_; }
  ChannelId channel() const { return terms_.address(); }
  const billing::ChannelTerms& terms() const { return terms_; }
  AccountId proxy() const { return proxy_.account_id(); }
  /// Whose epochs are recorded.
  const crypto::SigningKey& worker() const { return worker_; }

  static AccountReading active(ton::CellRef code, ton::CellRef data) {
    AccountReading out;
    out.status = AccountStatus::active;
    out.balance = Nano{1'000'000'000};
    out.time = unix_seconds(1'800'000'000);
    out.code = std::move(code);
    out.data = std::move(data);
    return out;
  }

  AccountReading channel_account() const {
    const ton::CellRef data = ton::Builder()
                                  .store_uint(2, 8)
                                  .store_uint(5'000'000'000, 64)  // deposited
                                  .store_uint(1'500'000'000, 64)  // claimed
                                  .store_uint(1'000'000'000, 64)  // settled
                                  .store_uint(0, 64)              // refunded
                                  .store_uint(1'500'000'000, 64)  // best_spent
                                  .store_uint(2'000'000'000, 64)  // best_authorised
                                  .store_bytes(terms_.client.view())
                                  .store_uint(1'800'000'000, 64)
                                  .store_ref(channel_terms())
                                  .finish()
                                  .value();
    static const ton::CellRef kCode = contract_code("channel");
    return active(kCode, data);
  }

  AccountReading proxy_account() const {
    ton::Dict paid(256);
    put(paid, worker_.public_key(), ton::Builder().store_uint(400'000'000, 64));
    put(paid, client_.public_key(), ton::Builder().store_uint(50'000'000, 64));
    ton::Builder data;
    data.store_uint(1, 8).store_uint(9'500, 32);
    for (const std::uint64_t sum :
         {500'000'000ull, 40'000'000ull, 10'000'000'000ull, 1'000'000'000ull, 10'000'000'000ull,
          950'000'000ull, 450'000'000ull, 10'000'000ull, 0ull}) {
      data.store_uint(sum, 64);  // pool, fees, stake, received, staked, pool_total, delivered, ...
    }
    data.store_uint(0, 64);
    paid.store(data);
    ton::Builder terms;
    terms.store_bytes(site_.network.view()).store_bytes(proxy_.public_key());
    terms.store_uint(86'400, 32).store_uint(10'000'000'000, 64);
    store_address(terms, site_.root);
    static const ton::CellRef kCode = contract_code("proxy");
    return active(kCode, data.store_ref(terms.finish().value()).finish().value());
  }

  /// With a statement of any bytes, at most 127, which the worker has signed.
  AccountReading epoch_account(ByteView statement) const {
    ton::Builder data;
    data.store_bytes(site_.network.view()).store_bytes(worker_.public_key()).store_bit(true);
    data.store_bytes(worker_.sign(statement));
    data.store_ref(ton::Builder().store_bytes(statement).finish().value());
    static const ton::CellRef kCode = contract_code("epoch");
    return active(kCode, data.finish().value());
  }

  AccountReading root_account(const billing::Registry& current,
                              const billing::Registry& next) const {
    static const ton::CellRef kCode = contract_code("root");
    return active(kCode, root_data(current, next));
  }

  billing::Registry registry() const {
    billing::Registry r;
    r.network = site_.network;
    r.version = 3;
    r.effective = unix_seconds(1'700'000'000);
    r.prices = billing::reference_prices();
    r.price_grace = Seconds{600};
    r.client_close_delay = Seconds{43'200};
    r.proxy_close_delay = Seconds{86'400};
    r.min_deposit = Nano{1'000'000'000};
    r.min_payout = Nano{500'000'000};
    r.min_stake = Nano{10'000'000'000};
    r.message_fee = Nano{10'000'000};
    r.tombstone_rent = Nano{50'000'000};
    r.tcb_evaluation_floor = 17;
    r.proxy_images = {Hash{1}, Hash{2}};
    r.worker_images = {Hash{3}};
    r.gpu_measurements = {Hash{4}, Hash{5}};
    r.models = {{"a@1:2", 100, 10}, {"b" + std::string(130, '-'), 200, 20}};
    r.proxies = {{proxy_.account_id(), "proxy.example:443"}};
    return r;
  }

 private:
  ton::CellRef channel_terms() const {
    ton::Builder identity;
    identity.store_bytes(channel().view()).store_bytes(terms_.nonce);
    identity.store_uint(terms_.min_deposit.value, 64);
    store_address(identity, site_.root);
    store_address(identity, proxy_at(site_, terms_.proxy).value());
    ton::Builder terms;
    terms.store_bytes(terms_.network.view()).store_bytes(terms_.client.view());
    terms.store_bytes(terms_.proxy.view()).store_bytes(terms_.signer.view());
    terms.store_uint(static_cast<std::uint64_t>(terms_.close_delay.count()), 32);
    terms.store_uint(terms_.rent.value, 64);
    return terms.store_ref(identity.finish().value()).finish().value();
  }

  TonSite site_;
  crypto::SigningKey client_ = fixed_key(1);
  crypto::SigningKey proxy_ = fixed_key(2);
  crypto::SigningKey worker_ = fixed_key(3);
  billing::ChannelTerms terms_;
};

}  // namespace cocoon::ledger::test
