#include "ton/wallet.h"

#include <gtest/gtest.h>

#include "unit/ton/vectors.h"

namespace cocoon::ton {
namespace {

using test::SeededRandom;
using test::VectorFile;

constexpr WalletVersion kVersions[] = {WalletVersion::v3r2, WalletVersion::v4r2,
                                       WalletVersion::v5r1};

crypto::SigningKey key_of(json::Value v) {
  const auto seed = array_from_hex<32>(test::text(v, "seed")).value();
  return crypto::SigningKey::from_seed(seed);
}

const crypto::SigningKey& some_key() {
  static const crypto::SigningKey key = crypto::SigningKey::from_seed(ByteArray<32>{1, 2, 3});
  return key;
}

std::vector<OutMessage> some_messages(std::size_t count) {
  std::vector<OutMessage> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back({.message = Builder().store_uint(i, 32).finish().value(), .mode = 3});
  }
  return out;
}

TEST(Wallet, RefusesMoreMessagesThanFit) {
  for (const WalletVersion version : kVersions) {
    const WalletId id = default_wallet(version);
    const auto most = some_messages(max_messages(version));
    EXPECT_TRUE(sign_transfer(id, some_key(), {.messages = most}));
    const auto more = some_messages(max_messages(version) + 1);
    const auto refused = sign_transfer(id, some_key(), {.messages = more});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), "transfer_invalid");
  }
}

TEST(Wallet, RefusesBodiesThatAreNoTransfers) {
  for (const WalletVersion version : kVersions) {
    EXPECT_FALSE(parse_transfer(version, Cell::empty()));
    const CellRef zeros = Builder().store_bits(BitString(Bytes(70, 0))).finish().value();
    EXPECT_FALSE(parse_transfer(version, zeros));
  }
  // v4r2's request for a plugin.
  Builder plugin;
  plugin.store_bits(BitString(Bytes(64 + 12, 0))).store_uint(1, 8);
  EXPECT_FALSE(parse_transfer(WalletVersion::v4r2, plugin.finish().value()));
}

TEST(Wallet, ATransferOfAnotherVersionOrNetworkIsAnother) {
  const auto messages = some_messages(2);
  const Transfer transfer{.seqno = 7, .valid_until = 9, .messages = messages};
  const WalletId mainnet = default_wallet(WalletVersion::v5r1);
  const WalletId testnet = default_wallet(WalletVersion::v5r1, WalletNetwork::testnet);
  const CellRef body = sign_transfer(mainnet, some_key(), transfer).value();
  EXPECT_NE(sign_transfer(testnet, some_key(), transfer).value()->hash(), body->hash());
  EXPECT_FALSE(parse_transfer(WalletVersion::v4r2, body));
}

TEST(Wallet, UnknownVersionsHaveNoName) {
  EXPECT_FALSE(parse_wallet_version("v4r1"));
  EXPECT_FALSE(parse_wallet_version(""));
  for (const WalletVersion version : kVersions) {
    EXPECT_EQ(parse_wallet_version(to_string(version)), version);
  }
}

TEST(WalletVectors, KeysHaveTheirAddresses) {
  const VectorFile file("wallet_addresses.json");
  for (const json::Value v : file.cases()) {
    SCOPED_TRACE(test::text(v, "name"));
    const WalletVersion version = parse_wallet_version(test::text(v, "version")).value();
    const WalletId id =
        default_wallet(version, WalletNetwork::mainnet,
                       static_cast<std::int32_t>(v.find("workchain").as_i64().value()));
    EXPECT_EQ(id.number, test::number(v, "subwallet_id"));
    EXPECT_EQ(wallet_address(id, test::hash(v, "public_key")).value(), test::address(v, "address"));
  }
}

void check_transfer(const WalletId& id, const crypto::SigningKey& key, json::Value wallet) {
  const StateInit state = wallet_state(id, key.public_key()).value();
  EXPECT_EQ((*state.code)->hash(), test::hash(wallet, "code_hash"));
  EXPECT_EQ((*state.data)->hash(), test::cell(wallet, "data_boc")->hash());
  EXPECT_EQ(to_cell(state).value()->hash(), test::hash(wallet, "state_init_hash"));
  const Address address = wallet_address(id, key.public_key()).value();
  EXPECT_EQ(address, test::address(wallet, "address"));

  const json::Value t = wallet.find("transfer");
  std::vector<OutMessage> messages;
  for (const json::Value boc : t.find("messages_boc").elements()) {
    const Bytes bytes = from_base64(*boc.as_string()).value();
    messages.push_back({.message = parse_boc_root(bytes).value(),
                        .mode = static_cast<std::uint8_t>(test::number(t, "send_mode"))});
  }
  const Transfer transfer{.seqno = static_cast<std::uint32_t>(test::number(t, "seqno")),
                          .valid_until = static_cast<std::uint32_t>(test::number(t, "valid_until")),
                          .messages = messages};
  const CellRef body = sign_transfer(id, key, transfer).value();
  EXPECT_EQ(body->hash(), test::hash(t, "body_hash"));
  EXPECT_EQ(serialize_boc(body).value(), test::base64(t, "body_boc"));
  // The first message deploys the wallet.
  const auto init = transfer.seqno == 0 ? std::optional(state) : std::nullopt;
  const CellRef message = wallet_message(address, body, init).value();
  EXPECT_EQ(message->hash(), test::hash(t, "ext_msg_hash"));
  EXPECT_EQ(serialize_boc(message).value(), test::base64(t, "ext_msg_boc"));

  const Message parsed = parse_message(message).value();
  EXPECT_EQ(std::get<ExternalInInfo>(parsed.info).destination, address);
  const SignedTransfer back = parse_transfer(id.version, parsed.body).value();
  EXPECT_TRUE(crypto::verify(key.public_key(), back.signed_hash, back.signature));
  EXPECT_EQ(back.number, id.number);
  EXPECT_EQ(back.seqno, transfer.seqno);
  EXPECT_EQ(back.valid_until, transfer.valid_until);
  ASSERT_EQ(back.messages.size(), messages.size());
  std::size_t i = 0;
  for (const json::Value value : t.find("values").elements()) {
    EXPECT_EQ(back.messages[i].message->hash(), messages[i].message->hash());
    const Message sent = parse_message(back.messages[i++].message).value();
    EXPECT_EQ(std::get<InternalInfo>(sent.info).value.value, test::number(value));
    EXPECT_EQ(std::get<InternalInfo>(sent.info).destination, test::address(t, "to"));
  }
}

TEST(WalletVectors, TransfersAreSignedByteForByte) {
  const VectorFile file("wallets.json");
  for (const json::Value v : file.cases()) {
    const crypto::SigningKey key = key_of(v);
    EXPECT_EQ(to_hex(key.public_key()), test::text(v, "public_key"));
    for (const auto& [key_value, name, wallet] : v.members()) {
      if (wallet.kind() != json::Kind::object) continue;
      SCOPED_TRACE(test::text(v, "name") + " " + std::string(name));
      const WalletVersion version = parse_wallet_version(name.substr(0, 4)).value();
      const bool testnet = name.find("testnet") != std::string_view::npos;
      check_transfer(
          default_wallet(version, testnet ? WalletNetwork::testnet : WalletNetwork::mainnet), key,
          wallet);
    }
  }
}

TEST(WalletVectors, RealTransfersAreRead) {
  const VectorFile file("cocoon_cells.json");
  std::size_t seen = 0;
  for (const json::Value v : file.cases()) {
    if (!v.find("signed_hash")) continue;
    SCOPED_TRACE(test::text(v, "name"));
    ++seen;
    const CellRef body = parse_boc_root(test::hex(v, "boc_hex")).value();
    EXPECT_EQ(body->hash(), test::hash(v, "hash"));
    const SignedTransfer transfer = parse_transfer(WalletVersion::v3r2, body).value();
    const json::Value decoded = v.find("decoded");
    EXPECT_EQ(to_hex(transfer.signature), test::text(v, "signature"));
    EXPECT_EQ(transfer.signed_hash, test::hash(v, "signed_hash"));
    EXPECT_EQ(transfer.number, test::number(decoded, "subwallet"));
    EXPECT_EQ(transfer.valid_until, test::number(decoded, "valid_until"));
    EXPECT_EQ(transfer.seqno, test::number(decoded, "seqno"));
    ASSERT_EQ(transfer.messages.size(), decoded.find("modes").size());
    std::size_t i = 0;
    for (const json::Value mode : decoded.find("modes").elements()) {
      EXPECT_EQ(transfer.messages[i].mode, test::number(mode));
      EXPECT_TRUE(parse_message(transfer.messages[i++].message));
    }
  }
  EXPECT_GT(seen, 1u);
}

}  // namespace
}  // namespace cocoon::ton
