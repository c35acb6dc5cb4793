#pragma once
/// @file The statements by which an account vouches for a process or a connection.

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "billing/signed_value.h"
#include "cocoon/result.h"

namespace cocoon::billing {

/// Signed by an account key at each start of its node: this boot key serves from now on. Peers
/// accept only the newest that they can see (protocol.md "Statements").
/// Layout: "CCE1" ‖ network(16) ‖ epoch u64 ‖ SHA-256(boot key)(32) ‖ reputation(32), 92 bytes.
struct EpochRecord {
  static constexpr std::string_view kName = "epoch record";
  static constexpr std::size_t kBytes = 92;
  NetworkId network;
  std::uint64_t epoch = 0;  ///< > 0; only grows
  Hash boot_key_hash{};
  /// routing::reputation_digest() of what a proxy publishes; zeros where there is nothing.
  Hash reputation{};

  static EpochRecord make(const NetworkId& network, std::uint64_t epoch, const BootKeyId& boot_key,
                          const Hash& reputation = {});

  Bytes encode() const;
  /// Errors: protocol/bad_epoch_record.
  static Result<EpochRecord> decode(ByteView bytes);
  friend bool operator==(const EpochRecord&, const EpochRecord&) = default;
};
using SignedEpoch = Signed<EpochRecord>;

/// The rule of publication: whether `next`, by `account`, may replace `newest`.
/// Errors: unauthorized/bad_signature, invalid_argument/wrong_network,
/// invalid_argument/epoch_not_newer (the same record again is accepted: a retry is no fault).
Status epoch_follows(const std::optional<SignedEpoch>& newest, const SignedEpoch& next,
                     const AccountId& account, const NetworkId& network);

/// Whether `shown` by a peer is acceptable: signed by `account`, of this network, for this boot
/// key, and not older than the newest record that the ledger shows.
/// Errors: unauthorized/bad_signature, unauthorized/wrong_boot_key, unauthorized/wrong_network,
/// unauthorized/epoch_superseded.
Status epoch_admits(const SignedEpoch& shown, const std::optional<SignedEpoch>& newest,
                    const AccountId& account, const NetworkId& network, const BootKeyId& boot_key);

/// Signed by a channel's signer: this TLS connection may spend from it. A client has no evidence;
/// this is all of its authority (protocol.md "Opening a connection").
/// Layout: "CCA1" ‖ network(16) ‖ channel(32) ‖ exporter(32) ‖ SHA-256(own leaf)(32), 116 bytes.
struct ChannelAuth {
  static constexpr std::string_view kName = "channel authorisation";
  static constexpr std::size_t kBytes = 116;
  NetworkId network;
  ChannelId channel;
  ByteArray<32> exporter{};  ///< of this connection (RFC 5705)
  Hash leaf_sha256{};        ///< the signer's own certificate on it

  Bytes encode() const;
  /// Errors: protocol/bad_channel_auth.
  static Result<ChannelAuth> decode(ByteView bytes);
  friend bool operator==(const ChannelAuth&, const ChannelAuth&) = default;
};

/// The signature that a client puts into its hello.
crypto::Signature sign_channel(const ChannelAuth& auth, const crypto::SigningKey& signer);
/// Whether the hello's signature admits: the verifier fills `auth` from its own end of the
/// connection. Errors: unauthorized/bad_signature.
Status check_channel(const ChannelAuth& auth, const AccountId& signer, ByteView signature);

}  // namespace cocoon::billing
