#include "ton/contract_state.h"

#include "base/limits.h"
#include "ton/dict.h"

namespace cocoon::ton {
namespace {

constexpr unsigned kKeyBits = 256;

Nano load_nano(Slice& in) {
  return Nano{in.load_u64()};
}

AccountId load_account(Slice& in) {
  return {in.load_hash()};
}

NetworkId load_network(Slice& in) {
  return {in.load_array<16>()};
}

ContractPhase load_phase(Slice& in) {
  const std::uint64_t phase = in.load_uint(8);
  if (phase < 1 || phase > 3) in.fail("its phase is none of open, closing and closed");
  return phase == 2   ? ContractPhase::closing
         : phase == 3 ? ContractPhase::closed
                      : ContractPhase::open;
}

Hash key_hash(const BitString& key) {
  return to_array<32>(key.bytes()).value_or(Hash{});
}

/// The keys of a dictionary without values.
Result<std::vector<Hash>> load_keys(const Dict& dict) {
  std::vector<Hash> out;
  const Status walked = dict.for_each([&](const BitString& key, Slice value) -> Status {
    COCOON_CHECK(value.finish("An entry of a list"));
    out.push_back(key_hash(key));
    return ok();
  });
  if (!walked) return walked.error();
  return out;
}

/// Text in snake format: bytes, and more of them behind a reference. No text of the registry is
/// longer than an endpoint.
Result<std::string> load_text(CellRef cell) {
  std::string out;
  for (;;) {
    Slice in(cell);
    if (in.bits_left() % 8 != 0) in.fail("it has not whole bytes");
    const Bytes part = in.load_bytes(in.bits_left() / 8);
    out += as_text(part);
    if (out.size() > limits::kMaxEndpointBytes) in.fail("it is too long");
    const bool more = in.refs_left() > 0;
    if (more) cell = in.load_ref();
    COCOON_CHECK(in.finish("A text"));
    if (!more) return out;
  }
}

Status load_params(const CellRef& cell, RegistryData& r) {
  Slice in(cell);
  r.kind = static_cast<std::uint8_t>(in.load_uint(8));
  r.price_per_token = load_nano(in);
  for (std::uint32_t& m : r.multiplier_e4) m = in.load_u32();
  r.worker_share_e4 = in.load_u32();
  r.price_grace_seconds = in.load_u32();
  r.client_close_delay_seconds = in.load_u32();
  r.proxy_close_delay_seconds = in.load_u32();
  for (Nano* sum :
       {&r.min_deposit, &r.min_payout, &r.min_stake, &r.message_fee, &r.tombstone_rent}) {
    *sum = load_nano(in);
  }
  r.tcb_evaluation_floor = in.load_u32();
  return in.finish("The registry's parameters");
}

Status load_images(const CellRef& cell, RegistryData& r) {
  Slice in(cell);
  const Dict proxies = Dict::load(in, kKeyBits);
  const Dict workers = Dict::load(in, kKeyBits);
  const Dict gpus = Dict::load(in, kKeyBits);
  COCOON_CHECK(in.finish("The registry's images"));
  COCOON_TRY(r.proxy_images, load_keys(proxies));
  COCOON_TRY(r.worker_images, load_keys(workers));
  COCOON_TRY(r.gpu_measurements, load_keys(gpus));
  return ok();
}

Status load_models(const Dict& dict, RegistryData& r) {
  return dict.for_each([&](const BitString& key, Slice value) -> Status {
    const CellRef cell = value.load_ref();
    COCOON_CHECK(value.finish("A model's entry"));
    Slice in(cell);
    RegistryData::Model model;
    model.key = key_hash(key);
    model.max_output_tokens = in.load_u32();
    model.template_allowance_tokens = in.load_u32();
    const CellRef id = in.load_ref();
    COCOON_CHECK(in.finish("A model"));
    COCOON_TRY(model.id, load_text(id));
    r.models.push_back(std::move(model));
    return ok();
  });
}

Status load_proxies(const Dict& dict, RegistryData& r) {
  return dict.for_each([&](const BitString& key, Slice value) -> Status {
    const CellRef cell = value.load_ref();
    COCOON_CHECK(value.finish("A proxy's entry"));
    COCOON_TRY(std::string endpoint, load_text(cell));
    r.proxies.push_back({{key_hash(key)}, std::move(endpoint)});
    return ok();
  });
}

Result<RegistryData> parse_registry(const CellRef& cell) {
  Slice in(cell);
  RegistryData r;
  r.version = in.load_u64();
  r.effective = in.load_u64();
  const CellRef params = in.load_ref();
  const CellRef images = in.load_ref();
  const Dict models = Dict::load(in, kKeyBits);
  const Dict proxies = Dict::load(in, kKeyBits);
  COCOON_CHECK(in.finish("The registry"));
  COCOON_CHECK(load_params(params, r));
  COCOON_CHECK(load_images(images, r));
  COCOON_CHECK(load_models(models, r));
  COCOON_CHECK(load_proxies(proxies, r));
  return r;
}

Status load_channel_terms(const CellRef& cell, ChannelData& c) {
  Slice in(cell);
  c.network = load_network(in);
  c.client = load_account(in);
  c.proxy = load_account(in);
  c.signer = load_account(in);
  c.close_delay_seconds = in.load_u32();
  c.rent = load_nano(in);
  Slice identity(in.load_ref());
  COCOON_CHECK(in.finish("The channel's terms"));
  c.id = {identity.load_hash()};
  c.nonce = identity.load_array<16>();
  c.min_deposit = load_nano(identity);
  c.root = load_address(identity);
  c.proxy_contract = load_address(identity);
  return identity.finish("The channel's identity");
}

Status load_proxy_terms(const CellRef& cell, ProxyData& p) {
  Slice in(cell);
  p.network = load_network(in);
  p.account = load_account(in);
  p.withdraw_delay_seconds = in.load_u32();
  p.min_stake = load_nano(in);
  p.root = load_address(in);
  return in.finish("The proxy contract's terms");
}

}  // namespace

Result<ChannelData> parse_channel_data(const CellRef& cell) {
  Slice in(cell);
  ChannelData c;
  c.phase = load_phase(in);
  for (Nano* sum :
       {&c.deposited, &c.claimed, &c.settled, &c.refunded, &c.best_spent, &c.best_authorised}) {
    *sum = load_nano(in);
  }
  c.leftovers = load_account(in);
  c.final_at = in.load_u64();
  const CellRef terms = in.load_ref();
  COCOON_CHECK(in.finish("The channel's data"));
  COCOON_CHECK(load_channel_terms(terms, c));
  return c;
}

Result<ProxyData> parse_proxy_data(const CellRef& cell) {
  Slice in(cell);
  ProxyData p;
  p.phase = load_phase(in);
  p.worker_share_e4 = in.load_u32();
  for (Nano* sum : {&p.pool, &p.fees, &p.stake, &p.received, &p.staked, &p.pool_total, &p.delivered,
                    &p.fees_taken, &p.withdrawn}) {
    *sum = load_nano(in);
  }
  p.final_at = in.load_u64();
  const Dict paid = Dict::load(in, kKeyBits);
  const CellRef terms = in.load_ref();
  COCOON_CHECK(in.finish("The proxy contract's data"));
  COCOON_CHECK(paid.for_each([&](const BitString& key, Slice value) -> Status {
    p.paid[{key_hash(key)}] = load_nano(value);
    return value.finish("A worker's account");
  }));
  COCOON_CHECK(load_proxy_terms(terms, p));
  return p;
}

Result<EpochData> parse_epoch_data(const CellRef& cell) {
  Slice in(cell);
  EpochData e;
  e.network = load_network(in);
  e.account = load_account(in);
  if (!in.load_bit()) {
    COCOON_CHECK(in.finish("The epoch record's data"));
    return e;
  }
  EpochData::Record record;
  record.signature = in.load_array<64>();
  Slice statement(in.load_ref());
  COCOON_CHECK(in.finish("The epoch record's data"));
  if (statement.bits_left() % 8 != 0) statement.fail("it has not whole bytes");
  record.statement = statement.load_bytes(statement.bits_left() / 8);
  COCOON_CHECK(statement.finish("The epoch record"));
  e.newest = std::move(record);
  return e;
}

Result<RootData> parse_root_data(const CellRef& cell) {
  Slice in(cell);
  RootData root;
  root.network = load_network(in);
  in.skip(0, 1);  // who governs
  const CellRef current = in.load_ref();
  const std::optional<CellRef> next = in.load_maybe_ref();
  in.load_maybe_ref();  // accounts that had a proxy contract
  COCOON_CHECK(in.finish("The root's data"));
  COCOON_TRY(root.current, parse_registry(current));
  if (next) {
    COCOON_TRY(root.next, parse_registry(*next));
  }
  return root;
}

}  // namespace cocoon::ton
