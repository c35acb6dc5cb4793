#include "ton/live_state.h"

#include "ton/dict.h"

namespace cocoon::ton::live {
namespace {

constexpr unsigned kHashBits = 256;
constexpr unsigned kSeqnoBits = 32;

void store_phase(Builder& out, Phase phase) {
  out.store_uint(static_cast<std::uint64_t>(phase), 2);
}

Phase load_phase(Slice& in) {
  const std::uint64_t phase = in.load_uint(2);
  if (phase > 2) in.fail("its state is none of normal, closing and closed");
  return phase == 1 ? Phase::closing : phase == 2 ? Phase::closed : Phase::normal;
}

/// The keys of a dictionary without values.
Result<std::vector<Hash>> load_set(const Dict& dict) {
  std::vector<Hash> out;
  const Status walked = dict.for_each([&](const BitString& key, Slice value) -> Status {
    COCOON_CHECK(value.finish("An entry of a set of hashes"));
    if (const auto hash = to_array<32>(key.bytes())) out.push_back(*hash);
    return ok();
  });
  if (!walked) return walked.error();
  return out;
}

Result<std::vector<RegisteredProxy>> load_registered(const Dict& dict) {
  std::vector<RegisteredProxy> out;
  const Status walked = dict.for_each([&](const BitString& key, Slice value) -> Status {
    if (value.load_bit()) value.fail("an address in it has an unknown form");
    const Bytes text = value.load_bytes(value.load_uint(7));
    COCOON_CHECK(value.finish("A registered proxy"));
    out.push_back({.seqno = static_cast<std::uint32_t>(key.number(0, kSeqnoBits)),
                   .endpoints = std::string(as_text(text))});
    return ok();
  });
  if (!walked) return walked.error();
  return out;
}

Result<StateInit> first(const std::optional<CellRef>& code, std::string_view what,
                        Result<CellRef> data) {
  if (!code) {
    return Error(ErrorKind::invalid_argument, "code_missing",
                 "The parameters do not have the code of the " + std::string(what) + ".");
  }
  COCOON_TRY(CellRef cell, std::move(data));
  StateInit init;
  init.code = code;
  init.data = std::move(cell);
  return init;
}

/// Clients and workers know no code; proxies all but their own.
Result<CellRef> params_without(Params params, bool all) {
  params.proxy_code.reset();
  if (all) {
    params.worker_code.reset();
    params.client_code.reset();
  }
  return to_cell(params);
}

}  // namespace

Result<CellRef> to_cell(const Params& p) {
  Builder out;
  out.store_uint(kParamsLayout, 8).store_uint(p.params_version, 32).store_uint(p.unique_id, 32);
  out.store_bit(p.is_test).store_coins(p.price_per_token).store_coins(p.worker_fee_per_token);
  out.store_uint(p.prompt_multiplier, 32).store_uint(p.cached_multiplier, 32);
  out.store_uint(p.completion_multiplier, 32).store_uint(p.reasoning_multiplier, 32);
  out.store_uint(p.proxy_delay_seconds, 32).store_uint(p.client_delay_seconds, 32);
  out.store_coins(p.min_proxy_stake).store_coins(p.min_client_stake);
  out.store_maybe_ref(p.proxy_code).store_maybe_ref(p.worker_code).store_maybe_ref(p.client_code);
  return out.finish();
}

Result<Params> parse_params(const CellRef& cell) {
  Slice in(cell);
  Params p;
  if (in.load_uint(8) != kParamsLayout) in.fail("their layout is not number 4");
  p.params_version = in.load_u32();
  p.unique_id = in.load_u32();
  p.is_test = in.load_bit();
  p.price_per_token = in.load_coins();
  p.worker_fee_per_token = in.load_coins();
  p.prompt_multiplier = in.load_u32();
  p.cached_multiplier = in.load_u32();
  p.completion_multiplier = in.load_u32();
  p.reasoning_multiplier = in.load_u32();
  p.proxy_delay_seconds = in.load_u32();
  p.client_delay_seconds = in.load_u32();
  p.min_proxy_stake = in.load_coins();
  p.min_client_stake = in.load_coins();
  p.proxy_code = in.load_maybe_ref();
  p.worker_code = in.load_maybe_ref();
  p.client_code = in.load_maybe_ref();
  COCOON_CHECK(in.finish("The parameters"));
  return p;
}

Result<RootState> parse_root(const CellRef& cell) {
  Slice in(cell);
  RootState root;
  root.owner = load_address(in);
  root.version = in.load_u32();
  Slice data(in.load_ref());
  const CellRef params = in.load_ref();
  root.keys = in.load_ref();
  COCOON_CHECK(in.finish("The root's state"));

  const Dict proxies = Dict::load(data, kHashBits);
  const Dict registered = Dict::load(data, kSeqnoBits);
  root.last_proxy_seqno = data.load_u32();
  const Dict workers = Dict::load(data, kHashBits);
  const Dict models = Dict::load(data, kHashBits);
  COCOON_CHECK(data.finish("The root's lists"));
  COCOON_TRY(root.proxy_hashes, load_set(proxies));
  COCOON_TRY(root.registered, load_registered(registered));
  COCOON_TRY(root.worker_hashes, load_set(workers));
  COCOON_TRY(root.model_hashes, load_set(models));
  COCOON_TRY(root.params, parse_params(params));
  return root;
}

Result<CellRef> to_cell(const ProxyState& s) {
  Builder out;
  store_address(out, s.owner);
  out.store_bytes(s.public_key);
  store_address(out, s.root);
  store_phase(out, s.phase);
  out.store_coins(s.balance).store_coins(s.stake).store_uint(s.unlock_at, 32).store_ref(s.params);
  return out.finish();
}

Result<ProxyState> parse_proxy(const CellRef& cell) {
  Slice in(cell);
  ProxyState s;
  s.owner = load_address(in);
  s.public_key = in.load_array<32>();
  s.root = load_address(in);
  s.phase = load_phase(in);
  s.balance = in.load_coins();
  s.stake = in.load_coins();
  s.unlock_at = in.load_u32();
  s.params = in.load_ref();
  COCOON_CHECK(in.finish("The proxy's state"));
  return s;
}

Result<CellRef> to_cell(const ClientState& s) {
  Builder fixed;
  store_address(fixed, s.owner);
  store_address(fixed, s.proxy);
  COCOON_TRY(CellRef parties, fixed.store_bytes(s.proxy_public_key).finish());
  Builder out;
  store_phase(out, s.phase);
  out.store_coins(s.balance).store_coins(s.stake).store_uint(s.tokens_used, 64);
  out.store_uint(s.unlock_at, 32).store_bytes(s.secret_hash);
  return out.store_ref(std::move(parties)).store_ref(s.params).finish();
}

Result<ClientState> parse_client(const CellRef& cell) {
  Slice in(cell);
  ClientState s;
  s.phase = load_phase(in);
  s.balance = in.load_coins();
  s.stake = in.load_coins();
  s.tokens_used = in.load_u64();
  s.unlock_at = in.load_u32();
  s.secret_hash = in.load_hash();
  Slice parties(in.load_ref());
  s.params = in.load_ref();
  COCOON_CHECK(in.finish("The client's state"));
  s.owner = load_address(parties);
  s.proxy = load_address(parties);
  s.proxy_public_key = parties.load_array<32>();
  COCOON_CHECK(parties.finish("The client's parties"));
  return s;
}

Result<CellRef> to_cell(const WorkerState& s) {
  Builder out;
  store_address(out, s.owner);
  store_address(out, s.proxy);
  out.store_bytes(s.proxy_public_key);
  store_phase(out, s.phase);
  return out.store_uint(s.tokens, 64).store_ref(s.params).finish();
}

Result<WorkerState> parse_worker(const CellRef& cell) {
  Slice in(cell);
  WorkerState s;
  s.owner = load_address(in);
  s.proxy = load_address(in);
  s.proxy_public_key = in.load_array<32>();
  s.phase = load_phase(in);
  s.tokens = in.load_u64();
  s.params = in.load_ref();
  COCOON_CHECK(in.finish("The worker's state"));
  return s;
}

Result<StateInit> first_proxy(const Params& params, const Address& root, const Address& owner,
                              const ByteArray<32>& public_key) {
  ProxyState s{.owner = owner, .public_key = public_key, .root = root};
  COCOON_TRY(s.params, params_without(params, false));
  return first(params.proxy_code, "proxy", to_cell(s));
}

Result<StateInit> first_client(const Params& params, const Address& owner, const Address& proxy,
                               const ByteArray<32>& proxy_public_key) {
  ClientState s;
  s.stake = params.min_client_stake;
  s.owner = owner;
  s.proxy = proxy;
  s.proxy_public_key = proxy_public_key;
  COCOON_TRY(s.params, params_without(params, true));
  return first(params.client_code, "client", to_cell(s));
}

Result<StateInit> first_worker(const Params& params, const Address& owner, const Address& proxy,
                               const ByteArray<32>& proxy_public_key) {
  WorkerState s{.owner = owner, .proxy = proxy, .proxy_public_key = proxy_public_key};
  COCOON_TRY(s.params, params_without(params, true));
  return first(params.worker_code, "worker", to_cell(s));
}

}  // namespace cocoon::ton::live
