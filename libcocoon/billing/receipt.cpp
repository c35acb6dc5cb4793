#include "billing/receipt.h"

#include <algorithm>

#include "base/limits.h"
#include "billing/statement_codec.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"

namespace cocoon::billing {
namespace {

constexpr std::string_view kReceiptMagic = "CCR1";
constexpr std::string_view kRootMagic = "CCB1";
/// Roots that a ReceiptVerifier remembers: some turns of the loops of the workers that answer one
/// client at once.
constexpr std::size_t kRememberedRoots = 64;

Bytes root_statement(const NetworkId& network, const Hash& root, std::uint32_t count) {
  return begin_statement(kRootMagic, network).bytes(root).u32be(count).take();
}

Error bad_receipt(std::string detail) {
  return Error(ErrorKind::protocol, "bad_receipt", std::move(detail));
}

Error mismatch(std::string_view what) {
  return Error(ErrorKind::protocol, "receipt_mismatch",
               "the receipt is for another " + std::string(what));
}

Error overcharge(std::string detail) {
  return Error(ErrorKind::protocol, "receipt_overcharge", std::move(detail));
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::done: return "done";
    case Outcome::cancelled: return "cancelled";
    case Outcome::failed: return "failed";
  }
  return "unknown";
}

Bytes Receipt::encode() const {
  ByteWriter out = begin_statement(kReceiptMagic, network);
  out.bytes(request.view()).bytes(run.view()).bytes(proxy.view()).bytes(worker.view());
  out.u8(static_cast<std::uint8_t>(outcome));
  out.u64be(tokens.prompt).u64be(tokens.cached).u64be(tokens.completion).u64be(tokens.reasoning);
  out.u64be(registry_version).u32be(coefficient_e3).u64be(cost.value).bytes(evidence.view());
  out.u64be(static_cast<std::uint64_t>(time.time_since_epoch().count()));
  out.bytes(request_commitment).bytes(answer_commitment);
  return out.take();
}

Result<Receipt> Receipt::decode(ByteView bytes) {
  Receipt r;
  COCOON_TRY(ByteReader in,
             open_statement(bytes, kBytes, kReceiptMagic, r.network, "bad_receipt", "receipt"));
  r.request.bytes = in.array<32>();
  r.run.bytes = in.array<16>();
  r.proxy.bytes = in.array<32>();
  r.worker.bytes = in.array<32>();
  const std::uint8_t outcome = in.u8();
  r.tokens.prompt = in.u64be();
  r.tokens.cached = in.u64be();
  r.tokens.completion = in.u64be();
  r.tokens.reasoning = in.u64be();
  r.registry_version = in.u64be();
  r.coefficient_e3 = in.u32be();
  r.cost.value = in.u64be();
  r.evidence.bytes = in.array<32>();
  const std::uint64_t time_ms = in.u64be();
  r.request_commitment = in.array<32>();
  r.answer_commitment = in.array<32>();
  if (outcome < static_cast<std::uint8_t>(Outcome::done) ||
      outcome > static_cast<std::uint8_t>(Outcome::failed)) {
    return bad_receipt("the receipt names an unknown outcome");
  }
  r.outcome = static_cast<Outcome>(outcome);
  if (time_ms / 1000 > limits::kMaxUnixSeconds) {
    return bad_receipt("the receipt's time lies after the year 9999");
  }
  r.time = UnixTime(Millis(static_cast<std::int64_t>(time_ms)));
  return r;
}

Bytes SignedReceipt::encode() const {
  ByteWriter out;
  out.bytes(receipt.encode()).bytes(root).u32be(index).u32be(count);
  out.u8(static_cast<std::uint8_t>(path.size()));
  for (const Hash& h : path) out.bytes(h);
  return out.bytes(root_signature).take();
}

Result<SignedReceipt> SignedReceipt::decode(ByteView bytes) {
  ByteReader in(bytes);
  const ByteView receipt = in.take(Receipt::kBytes);
  if (in.failed()) return bad_receipt("the signed receipt is cut off");
  SignedReceipt out;
  COCOON_TRY(out.receipt, Receipt::decode(receipt));
  out.root = in.array<32>();
  out.index = in.u32be();
  out.count = in.u32be();
  const std::size_t path = in.u8();
  if (path > limits::kMaxReceiptPath) return bad_receipt("the receipt's Merkle path is too long");
  for (std::size_t i = 0; i < path; ++i) out.path.push_back(in.array<32>());
  out.root_signature = in.array<64>();
  if (!in.finished()) return bad_receipt("the signed receipt's length does not fit its path");
  return out;
}

std::uint32_t ReceiptBatch::add(Receipt receipt) {
  receipts_.push_back(std::move(receipt));
  return static_cast<std::uint32_t>(receipts_.size() - 1);
}

std::vector<SignedReceipt> ReceiptBatch::finish(const crypto::SigningKey& boot_key) {
  std::vector<SignedReceipt> out;
  if (receipts_.empty()) return out;
  std::vector<Hash> leaves;
  leaves.reserve(receipts_.size());
  for (const Receipt& r : receipts_) leaves.push_back(crypto::merkle_leaf(r.encode()));
  const crypto::MerkleTree tree(std::move(leaves));
  const auto count = static_cast<std::uint32_t>(receipts_.size());
  const crypto::Signature signature =
      boot_key.sign(root_statement(receipts_.front().network, tree.root(), count));
  out.reserve(receipts_.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    out.push_back({std::move(receipts_[i]), tree.root(), i, count, tree.path(i), signature});
  }
  receipts_.clear();
  return out;
}

Status ReceiptVerifier::verify(const SignedReceipt& receipt, const BootKeyId& boot_key) {
  const auto refuse = [] {
    return Error(ErrorKind::unauthorized, "bad_signature",
                 "the receipt is not signed by the worker's boot key");
  };
  const Hash leaf = crypto::merkle_leaf(receipt.receipt.encode());
  if (!crypto::verify_merkle_path(leaf, receipt.index, receipt.count, receipt.path, receipt.root)) {
    return refuse();
  }
  const Bytes statement = root_statement(receipt.receipt.network, receipt.root, receipt.count);
  const Hash key = crypto::sha256({boot_key.view(), statement, receipt.root_signature});
  if (std::find(good_.begin(), good_.end(), key) != good_.end()) return ok();
  if (!crypto::verify(boot_key.bytes, statement, receipt.root_signature)) return refuse();
  if (good_.size() < kRememberedRoots) {
    good_.push_back(key);
  } else {
    good_[next_++ % kRememberedRoots] = key;
  }
  return ok();
}

Status check_receipt(const Receipt& receipt, const ReceiptTerms& terms, const Prices& prices) {
  if (receipt.network != terms.network) return mismatch("network");
  if (receipt.request != terms.request) return mismatch("request");
  if (receipt.proxy != terms.proxy) return mismatch("proxy");
  if (receipt.worker != terms.worker) return mismatch("worker");
  if (receipt.registry_version != terms.registry_version) return mismatch("registry version");
  if (receipt.coefficient_e3 != terms.coefficient_e3) return mismatch("coefficient");
  if (receipt.outcome == Outcome::failed && receipt.cost > Nano{0}) {
    return overcharge("a failed run is not charged");
  }
  if (receipt.outcome == Outcome::failed) return ok();
  if (!(clamp(receipt.tokens, terms.bounds) == receipt.tokens)) {
    return overcharge("the receipt counts more tokens than the request reserved or the answer has");
  }
  COCOON_TRY(const Nano priced, cost(receipt.tokens, receipt.coefficient_e3, prices));
  if (receipt.cost != priced) {
    return overcharge("the receipt's cost is " + std::to_string(receipt.cost.value) +
                      " nanoton; its counts cost " + std::to_string(priced.value));
  }
  if (receipt.cost > terms.cap) return overcharge("the receipt's cost is above the request's cap");
  return ok();
}

}  // namespace cocoon::billing
