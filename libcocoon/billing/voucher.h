#pragma once
/// @file The statements that move money. Fixed big-endian layouts of at most 127 bytes, signed
/// directly with Ed25519, so that a TVM contract can check them with CHKSIGNS
/// (protocol.md "Statements"). Amounts are cumulative for a channel's or a contract's life.

#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/money.h"
#include "billing/signed_value.h"
#include "cocoon/result.h"

namespace cocoon::billing {

/// Longest statement that fits one TVM cell as bytes.
inline constexpr std::size_t kMaxStatementBytes = 127;

/// The address of a channel: SHA-256 of all that makes it this channel. `nonce` is drawn at random
/// for each channel and never used again.
/// @param signer the Ed25519 key that signs the channel's vouchers; often the client's account key
ChannelId channel_address(const NetworkId& network, const AccountId& client, const AccountId& proxy,
                          const AccountId& signer, const ByteArray<16>& nonce);

/// Client → proxy, signed by the channel's signer.
/// Layout: "CCV1" ‖ network(16) ‖ channel(32) ‖ spent u64 ‖ authorised u64 ‖ leftovers(32), 100
/// bytes.
struct Voucher {
  static constexpr std::string_view kName = "voucher";
  static constexpr std::size_t kBytes = 100;
  NetworkId network;
  ChannelId channel;
  Nano spent;           ///< acknowledged: paid out whenever the proxy redeems
  Nano authorised;      ///< ≥ spent: paid out only while the channel closes
  AccountId leftovers;  ///< who gets the rest of the deposit

  Bytes encode() const;
  /// Errors: protocol/bad_voucher.
  static Result<Voucher> decode(ByteView bytes);
  friend bool operator==(const Voucher&, const Voucher&) = default;
};

/// Proxy → client, signed by the proxy's account key: what it has charged so far.
/// Layout: "CCU1" ‖ network(16) ‖ channel(32) ‖ charged u64, 60 bytes.
struct UsageStatement {
  static constexpr std::string_view kName = "usage statement";
  static constexpr std::size_t kBytes = 60;
  NetworkId network;
  ChannelId channel;
  Nano charged;

  Bytes encode() const;
  /// Errors: protocol/bad_usage_statement.
  static Result<UsageStatement> decode(ByteView bytes);
  friend bool operator==(const UsageStatement&, const UsageStatement&) = default;
};

/// Proxy → worker, signed by the proxy's account key.
/// Layout: "CCP1" ‖ network(16) ‖ proxy(32) ‖ worker(32) ‖ owed u64, 92 bytes.
struct PayoutVoucher {
  static constexpr std::string_view kName = "payout voucher";
  static constexpr std::size_t kBytes = 92;
  NetworkId network;
  AccountId proxy;
  AccountId worker;
  Nano owed;  ///< cumulative, including what was paid out already

  Bytes encode() const;
  /// Errors: protocol/bad_payout_voucher.
  static Result<PayoutVoucher> decode(ByteView bytes);
  friend bool operator==(const PayoutVoucher&, const PayoutVoucher&) = default;
};

/// Signed by the channel's signer and by the proxy's account key: closes the channel at once.
/// Layout: "CCC1" ‖ network(16) ‖ channel(32) ‖ total u64 ‖ leftovers(32), 92 bytes.
struct CloseAgreement {
  static constexpr std::string_view kName = "close agreement";
  static constexpr std::size_t kBytes = 92;
  NetworkId network;
  ChannelId channel;
  Nano total;  ///< all that the proxy gets from this channel, including what it was paid
  AccountId leftovers;

  Bytes encode() const;
  /// Errors: protocol/bad_close_agreement.
  static Result<CloseAgreement> decode(ByteView bytes);
  friend bool operator==(const CloseAgreement&, const CloseAgreement&) = default;
};

using SignedVoucher = Signed<Voucher>;
using SignedStatement = Signed<UsageStatement>;
using SignedPayout = Signed<PayoutVoucher>;

}  // namespace cocoon::billing
