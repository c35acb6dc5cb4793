#include <gtest/gtest.h>

#include "ton/live_payment.h"
#include "ton/live_state.h"
#include "unit/ton/vectors.h"

namespace cocoon::ton::live {
namespace {

using ton::test::VectorFile;
namespace vec = ton::test;

json::Value case_named(const VectorFile& file, std::string_view name) {
  for (const json::Value v : file.cases()) {
    if (v.find("name").as_string() == name) return v;
  }
  ADD_FAILURE() << name;
  return {};
}

CellRef storage(json::Value v) {
  const CellRef cell = parse_boc_root(vec::hex(v, "boc_hex")).value();
  EXPECT_EQ(cell->hash(), vec::hash(v, "hash"));
  return cell;
}

RootState real_root() {
  const VectorFile file("cocoon_cells.json");
  return parse_root(storage(case_named(file, "root_storage"))).value();
}

void expect_code(const std::optional<CellRef>& code, json::Value decoded, std::string_view key) {
  const auto digits = decoded.find(key).as_string();
  ASSERT_EQ(code.has_value(), digits.has_value()) << key;
  if (code) {
    EXPECT_EQ(to_hex((*code)->hash()), *digits);
  }
}

void expect_params(const Params& p, json::Value decoded) {
  EXPECT_EQ(kParamsLayout, vec::number(decoded, "struct_version"));
  EXPECT_EQ(p.params_version, vec::number(decoded, "params_version"));
  EXPECT_EQ(p.unique_id, vec::number(decoded, "unique_id"));
  EXPECT_EQ(p.is_test, decoded.find("is_test").as_bool());
  EXPECT_EQ(p.price_per_token.value, vec::number(decoded, "price_per_token"));
  EXPECT_EQ(p.worker_fee_per_token.value, vec::number(decoded, "worker_fee_per_token"));
  EXPECT_EQ(p.prompt_multiplier, vec::number(decoded, "prompt_mul"));
  EXPECT_EQ(p.cached_multiplier, vec::number(decoded, "cached_mul"));
  EXPECT_EQ(p.completion_multiplier, vec::number(decoded, "completion_mul"));
  EXPECT_EQ(p.reasoning_multiplier, vec::number(decoded, "reasoning_mul"));
  EXPECT_EQ(p.proxy_delay_seconds, vec::number(decoded, "proxy_delay"));
  EXPECT_EQ(p.client_delay_seconds, vec::number(decoded, "client_delay"));
  EXPECT_EQ(p.min_proxy_stake.value, vec::number(decoded, "min_proxy_stake"));
  EXPECT_EQ(p.min_client_stake.value, vec::number(decoded, "min_client_stake"));
  expect_code(p.proxy_code, decoded, "proxy_code_hash");
  expect_code(p.worker_code, decoded, "worker_code_hash");
  expect_code(p.client_code, decoded, "client_code_hash");
}

void expect_hashes(const std::vector<Hash>& hashes, json::Value list) {
  ASSERT_EQ(hashes.size(), list.size());
  std::size_t i = 0;
  for (const json::Value digits : list.elements()) {
    EXPECT_EQ(to_hex(hashes[i++]), digits.as_string());
  }
}

TEST(LiveState, RefusesOtherLayoutsAndStates) {
  Params params = real_root().params;
  Slice in(to_cell(params).value());
  in.skip(8);
  EXPECT_FALSE(parse_params(Builder().store_uint(3, 8).store_slice(in).finish().value()));
  EXPECT_FALSE(parse_params(Cell::empty()));

  Slice client(to_cell(ClientState{}).value());
  client.skip(2);
  EXPECT_FALSE(parse_client(Builder().store_uint(3, 2).store_slice(client).finish().value()));
}

TEST(LiveState, RefusesContractsWithoutCode) {
  EXPECT_EQ(first_worker(Params{}, {}, {}, {}).error().code(), "code_missing");
}

TEST(LiveStateVectors, TheRootIsRead) {
  const VectorFile file("cocoon_cells.json");
  const json::Value decoded = case_named(file, "root_storage").find("decoded");
  const RootState root = real_root();
  EXPECT_EQ(root.owner, vec::address(decoded, "owner"));
  EXPECT_EQ(root.version, vec::number(decoded, "version"));
  expect_hashes(root.proxy_hashes, decoded.find("proxy_hashes"));
  expect_hashes(root.worker_hashes, decoded.find("worker_hashes"));
  expect_hashes(root.model_hashes, decoded.find("model_hashes"));
  EXPECT_EQ(root.last_proxy_seqno, vec::number(decoded, "last_proxy_seqno"));
  ASSERT_EQ(root.registered.size(), decoded.find("registered").size());
  std::size_t i = 0;
  for (const json::Value proxy : decoded.find("registered").elements()) {
    EXPECT_EQ(root.registered[i].seqno, vec::number(proxy, "seqno"));
    EXPECT_EQ(root.registered[i++].endpoints, vec::text(proxy, "address"));
  }
  expect_params(root.params, decoded.find("params"));
  EXPECT_EQ(root.keys->bits(), vec::number(decoded, "extra_ref_bits"));
}

TEST(LiveStateVectors, AClientIsReadAndMadeAnew) {
  const VectorFile file("cocoon_cells.json");
  const json::Value v = case_named(file, "client_storage");
  const json::Value decoded = v.find("decoded");
  const CellRef cell = storage(v);
  const ClientState client = parse_client(cell).value();
  EXPECT_EQ(static_cast<std::uint64_t>(client.phase), vec::number(decoded, "state"));
  EXPECT_EQ(client.balance.value, vec::number(decoded, "balance"));
  EXPECT_EQ(client.stake.value, vec::number(decoded, "stake"));
  EXPECT_EQ(client.tokens_used, vec::number(decoded, "tokens_used"));
  EXPECT_EQ(client.unlock_at, vec::number(decoded, "unlock_ts"));
  EXPECT_EQ(client.secret_hash, vec::hash(decoded, "secret_hash"));
  EXPECT_EQ(client.owner, vec::address(decoded, "owner"));
  EXPECT_EQ(client.proxy, vec::address(decoded, "proxy"));
  EXPECT_EQ(to_hex(client.proxy_public_key), vec::text(decoded, "proxy_public_key"));
  expect_params(parse_params(client.params).value(), decoded.find("params"));
  EXPECT_EQ(to_cell(client).value()->hash(), cell->hash());
}

/// The parties of a set of payments.
struct Parties {
  explicit Parties(json::Value v)
      : key(crypto::SigningKey::from_seed(vec::hash(v, "seed"))),
        root(vec::address(v, "root")),
        proxy(vec::address(v, "proxy_address")),
        client(vec::address(v, "client_address")),
        worker(vec::address(v, "worker_address")),
        excesses(vec::address(v, "send_excesses_to")) {}
  crypto::SigningKey key;
  Address root, proxy, client, worker, excesses;
};

TEST(LiveVectors, ContractsHaveTheirAddresses) {
  const Params codes = real_root().params;
  const VectorFile file("cocoon_payments.json");
  for (const json::Value v : file.cases()) {
    SCOPED_TRACE(vec::text(v, "name"));
    const Parties p(v);
    Params params = parse_params(vec::cell(v, "params_boc_without_codes")).value();
    EXPECT_FALSE(params.proxy_code);
    params.worker_code = codes.worker_code;
    params.client_code = codes.client_code;
    EXPECT_EQ(to_cell(params).value()->hash(), vec::hash(v, "params_boc_with_codes_hash"));
    params.proxy_code = codes.proxy_code;
    const ByteArray<32>& key = p.key.public_key();
    const auto address = [](const Result<StateInit>& init) { return address_of(*init).value(); };
    EXPECT_EQ(address(first_proxy(params, p.root, vec::address(v, "proxy_owner"), key)), p.proxy);
    EXPECT_EQ(address(first_client(params, vec::address(v, "client_owner"), p.proxy, key)),
              p.client);
    EXPECT_EQ(address(first_worker(params, vec::address(v, "worker_owner"), p.proxy, key)),
              p.worker);
  }
}

TEST(LiveVectors, PaymentsAreSignedByteForByte) {
  struct Kind {
    const char* name;
    PaymentOp op;
    Address Parties::*contract;
  };
  const Kind kinds[] = {{"charge", PaymentOp::charge, &Parties::client},
                        {"refund", PaymentOp::refund, &Parties::client},
                        {"payout", PaymentOp::payout, &Parties::worker},
                        {"last_payout", PaymentOp::last_payout, &Parties::worker},
                        {"close", PaymentOp::close, &Parties::proxy},
                        {"close_complete", PaymentOp::close_complete, &Parties::proxy}};
  const VectorFile file("cocoon_payments.json");
  for (const json::Value v : file.cases()) {
    const Parties p(v);
    for (const Kind& kind : kinds) {
      SCOPED_TRACE(vec::text(v, "name") + " " + kind.name);
      const json::Value expected = v.find(kind.name);
      Payment payment{.op = kind.op,
                      .query_id = vec::number(expected, "query_id"),
                      .tokens = 0,
                      .contract = p.*kind.contract};
      if (expected.find("tokens").as_string()) payment.tokens = vec::number(expected, "tokens");
      EXPECT_EQ(to_hex(ByteWriter().u32be(static_cast<std::uint32_t>(kind.op)).take()),
                vec::text(expected, "op"));
      EXPECT_EQ(to_cell(payment).value()->hash(), vec::hash(expected, "payload_hash"));
      const SignedPayment made = sign_payment(payment, p.excesses, p.key).value();
      EXPECT_EQ(to_hex(made.signature), vec::text(expected, "signature"));
      const CellRef message = to_cell(made).value();
      EXPECT_EQ(message->hash(), vec::hash(expected, "message_hash"));
      EXPECT_EQ(serialize_boc(message).value(), vec::base64(expected, "message_boc"));

      const SignedPayment read = parse_signed_payment(message, p.key.public_key()).value();
      EXPECT_EQ(read.payment, payment);
      EXPECT_EQ(read.send_excesses_to, p.excesses);
    }
  }
}

TEST(LivePayment, RefusesWhatTheProxyDidNotSign) {
  const VectorFile file("cocoon_payments.json");
  const Parties p(*file.cases().begin());
  const Payment payment{.op = PaymentOp::payout, .query_id = 1, .tokens = 5, .contract = p.worker};
  const SignedPayment good = sign_payment(payment, p.excesses, p.key).value();
  const ByteArray<32>& key = p.key.public_key();

  EXPECT_EQ(parse_signed_payment(to_cell(good).value(), {}).error().code(), "bad_signature");
  SignedPayment altered = good;
  altered.payment.tokens = 6;
  EXPECT_EQ(parse_signed_payment(to_cell(altered).value(), key).error().code(), "bad_signature");
  // A wrapper that says something else than what it carries.
  Slice in(to_cell(good).value());
  in.skip(32);
  const CellRef relabelled = Builder()
                                 .store_uint(static_cast<std::uint32_t>(PaymentOp::last_payout), 32)
                                 .store_slice(in)
                                 .finish()
                                 .value();
  EXPECT_FALSE(parse_signed_payment(relabelled, key));
  EXPECT_FALSE(parse_signed_payment(Cell::empty(), key));
  EXPECT_FALSE(
      parse_payment(Builder().store_uint(1, 32).store_bits(BitString(Bytes(50))).finish().value()));
}

}  // namespace
}  // namespace cocoon::ton::live
