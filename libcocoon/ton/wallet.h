#pragma once
/// @file Wallet contracts: their addresses and the signed messages that they obey.

#include <span>
#include <string_view>

#include "crypto/ed25519.h"
#include "ton/message.h"

namespace cocoon::ton {

enum class WalletVersion : std::uint8_t { v3r2, v4r2, v5r1 };
std::string_view to_string(WalletVersion version);
std::optional<WalletVersion> parse_wallet_version(std::string_view text);

/// The network that a wallet is for. Only v5r1 makes a difference: a message for one network is no
/// good on the other.
enum class WalletNetwork : std::uint8_t { mainnet, testnet };

/// Which wallet of a key is meant.
struct WalletId {
  WalletVersion version = WalletVersion::v4r2;
  std::int32_t workchain = kBasechain;
  /// The contract's own number, the same as common wallet programs choose.
  std::uint32_t number = 0;
};
/// The first wallet of a key on `network`, in the version's own numbering.
WalletId default_wallet(WalletVersion version, WalletNetwork network = WalletNetwork::mainnet,
                        std::int32_t workchain = kBasechain);

/// The code of a version.
const CellRef& wallet_code(WalletVersion version);
/// What a wallet starts with. Deploying it is sending this with the first transfer.
/// Errors: those of Builder::finish.
Result<StateInit> wallet_state(const WalletId& id, const ByteArray<32>& public_key);
/// Errors: as wallet_state().
Result<Address> wallet_address(const WalletId& id, const ByteArray<32>& public_key);

/// A message that the wallet is to send.
struct OutMessage {
  CellRef message;
  /// Flags of TVM's SENDRAWMSG; 1 pays fees from the balance, 2 ignores a failed action.
  std::uint8_t mode = 3;
};
struct Transfer {
  std::uint32_t seqno = 0;
  std::uint32_t valid_until = 0;  ///< Unix seconds, by the ledger's clock
  std::span<const OutMessage> messages;
};
/// Messages that one transfer may carry: v3r2 and v4r2 keep them in one cell, v5r1 in a list.
std::size_t max_messages(WalletVersion version);

/// The body that makes the wallet of `key` send the messages. (v5r1 refuses an external message
/// that could fail in its actions: mode 2 is always set there.) Errors:
/// invalid_argument/transfer_invalid where there are too many messages; those of Builder::finish.
Result<CellRef> sign_transfer(const WalletId& id, const crypto::SigningKey& key,
                              const Transfer& transfer);

/// The external message that carries `body` to the wallet, with its state where the wallet is to be
/// deployed.
/// Errors: those of Builder::finish.
Result<CellRef> wallet_message(const Address& wallet, const CellRef& body,
                               const std::optional<StateInit>& init = std::nullopt);

/// A signed body, read back: v4r2 and v3r2 have the signature in front, v5r1 behind.
struct SignedTransfer {
  crypto::Signature signature{};
  Hash signed_hash{};
  std::uint32_t number = 0;
  std::uint32_t valid_until = 0;
  std::uint32_t seqno = 0;
  std::vector<OutMessage> messages;
};
/// Reads what sign_transfer makes, and other wallets' transfers in the same form. It does not check
/// the signature: `crypto::verify(public_key, signed_hash, signature)` does.
/// Errors: invalid_argument/cell_unreadable, transfer_invalid.
Result<SignedTransfer> parse_transfer(WalletVersion version, const CellRef& body);

}  // namespace cocoon::ton
