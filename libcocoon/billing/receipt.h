#pragma once
/// @file Receipts: what a worker attests about one run of a request. All receipts of one turn of
/// the loop share one signature, over the root of a Merkle tree (protocol.md "Sealed requests" 7).

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/money.h"
#include "base/time.h"
#include "billing/price.h"
#include "billing/usage.h"
#include "cocoon/result.h"
#include "crypto/ed25519.h"

namespace cocoon::billing {

/// How a run ended.
enum class Outcome : std::uint8_t {
  done = 1,       ///< the whole answer was produced
  cancelled = 2,  ///< the caller or a deadline ended it; counts are those up to then
  failed = 3      ///< the engine failed; nothing may be charged
};
std::string_view to_string(Outcome outcome);

/// Layout: "CCR1" ‖ network(16) ‖ H(32) ‖ run(16) ‖ proxy(32) ‖ worker(32) ‖ outcome u8 ‖
/// prompt, cached, completion, reasoning u64 ‖ registry version u64 ‖ coefficient u32 ‖ cost u64 ‖
/// evidence(32) ‖ time u64 (Unix ms) ‖ request commitment(32) ‖ answer commitment(32), 289 bytes.
struct Receipt {
  static constexpr std::size_t kBytes = 289;
  NetworkId network;
  RequestHash request;
  RunId run;
  AccountId proxy;
  AccountId worker;
  Outcome outcome = Outcome::failed;
  TokenCounts tokens;
  std::uint64_t registry_version = 0;
  std::uint32_t coefficient_e3 = 0;
  Nano cost;
  EvidenceDigest evidence;
  UnixTime time{};
  /// HMAC(k_commit, SHA-256(plaintext)) of the request and of the answer.
  Hash request_commitment{};
  Hash answer_commitment{};

  Bytes encode() const;
  /// Errors: protocol/bad_receipt.
  static Result<Receipt> decode(ByteView bytes);
  friend bool operator==(const Receipt&, const Receipt&) = default;
};

/// A receipt with its place under a signed root.
/// Layout: receipt(289) ‖ root(32) ‖ index u32 ‖ count u32 ‖ path length u8 ‖ path(32 each) ‖
/// signature(64).
struct SignedReceipt {
  Receipt receipt;
  Hash root{};
  std::uint32_t index = 0;
  std::uint32_t count = 0;
  std::vector<Hash> path;
  /// By the boot key over "CCB1" ‖ network(16) ‖ root(32) ‖ count u32.
  crypto::Signature root_signature{};

  Bytes encode() const;
  /// Errors: protocol/bad_receipt.
  static Result<SignedReceipt> decode(ByteView bytes);
  friend bool operator==(const SignedReceipt&, const SignedReceipt&) = default;
};

/// The receipts of one turn of the loop, signed together.
class ReceiptBatch {
 public:
  bool empty() const { return receipts_.empty(); }
  std::size_t size() const { return receipts_.size(); }
  /// All receipts of a batch are of one network.
  /// @return the receipt's index in the batch
  std::uint32_t add(Receipt receipt);
  /// One signature over all; in the order of add(). The batch is empty afterwards.
  std::vector<SignedReceipt> finish(const crypto::SigningKey& boot_key);

 private:
  std::vector<Receipt> receipts_;
};

/// Checks the signature of a receipt's root and its place under it. Remembers the last roots that
/// were good, so that the receipts of one batch cost one public-key operation together.
class ReceiptVerifier {
 public:
  /// Errors: unauthorized/bad_signature.
  Status verify(const SignedReceipt& receipt, const BootKeyId& boot_key);

 private:
  std::vector<Hash> good_;  // a ring of digests of (boot key, root, count, signature)
  std::size_t next_ = 0;
};

/// What a receipt has to say to be charged for the request that one party knows of.
struct ReceiptTerms {
  NetworkId network;
  RequestHash request;
  AccountId proxy;
  AccountId worker;
  std::uint64_t registry_version = 0;
  std::uint32_t coefficient_e3 = 0;
  UsageBounds bounds;
  Nano cap;
};

/// Whether `receipt` is for that request, within its bounds, and its cost the price of its counts.
/// Errors: protocol/receipt_mismatch, protocol/receipt_overcharge.
Status check_receipt(const Receipt& receipt, const ReceiptTerms& terms, const Prices& prices);

}  // namespace cocoon::billing
