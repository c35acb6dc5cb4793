// modules: billing
// covers: libcocoon/billing/admission.cpp libcocoon/billing/receipt.cpp
// libcocoon/billing/registry.cpp libcocoon/billing/voucher.cpp
/// @file Statements from strangers: each has one spelling, and none counts that its signer has not
/// signed. The first byte of the input chooses what the rest is.

#include "billing/admission.h"
#include "billing/receipt.h"
#include "billing/registry.h"
#include "billing/voucher.h"
#include "fuzz/require.h"

namespace {

using namespace cocoon;
using namespace cocoon::billing;
using fuzz::require;

const crypto::SigningKey& key() {
  static const crypto::SigningKey kKey = crypto::SigningKey::from_seed(ByteArray<32>{1});
  return kKey;
}

/// What reads is written as it was read.
template <class T>
std::optional<T> exact(ByteView bytes) {
  const Result<T> value = T::decode(bytes);
  if (!value) {
    require(value.error().kind() == ErrorKind::protocol && !value.error().detail().empty());
    return std::nullopt;
  }
  require(equal_public(value->encode(), bytes));
  return *value;
}

/// Signed by the one key it counts as signed by that key only, and not without a signature.
template <class T>
std::optional<Signed<T>> statement(ByteView bytes) {
  const std::optional<T> value = exact<T>(bytes);
  if (!value) return std::nullopt;
  const Signed<T> signed_value = sign(*value, key());
  require(open_signed<T>(bytes, signed_value.signature, key().public_key()).has_value());
  require(!open_signed<T>(bytes, signed_value.signature, ByteArray<32>{}));
  require(!open_signed<T>(bytes, crypto::Signature{}, key().public_key()));
  require(!open_signed<T>(bytes, bytes, key().public_key()));
  return signed_value;
}

void check_epoch(ByteView bytes) {
  const auto shown = statement<EpochRecord>(bytes);
  if (!shown) return;
  const AccountId account = key().account_id();
  const NetworkId network = shown->value.network;
  require(epoch_follows({}, *shown, account, network).has_value());
  require(epoch_follows(shown, *shown, account, network).has_value());
  require(!epoch_follows({}, *shown, AccountId{}, network));
  const BootKeyId boot_key{ByteArray<32>{2}};
  const SignedEpoch ours = sign(EpochRecord::make(network, shown->value.epoch, boot_key), key());
  if (ours.value == shown->value) return;
  // It may name that boot key, with other reputations.
  const bool own = shown->value.boot_key_hash == ours.value.boot_key_hash;
  require(epoch_admits(*shown, {}, account, network, boot_key).has_value() == own);
  require(epoch_admits(ours, {}, account, network, boot_key).has_value());
  require(!epoch_admits(ours, shown, account, network, boot_key));
  require(!epoch_follows(shown, ours, account, network));
  require(!epoch_admits(ours, {}, AccountId{}, network, boot_key));
  const NetworkId other{};
  if (network != other) {
    require(!epoch_follows({}, *shown, account, other));
    require(!epoch_admits(ours, {}, account, other, boot_key));
  }
}

void check_auth(ByteView bytes) {
  const auto auth = exact<ChannelAuth>(bytes);
  if (!auth) return;
  const crypto::Signature signature = sign_channel(*auth, key());
  require(check_channel(*auth, key().account_id(), signature).has_value());
  require(!check_channel(*auth, AccountId{}, signature));
}

/// Charged is no more than the request reserved, and only for the request that it names.
void check_charge(const Receipt& receipt) {
  ReceiptTerms terms{.network = receipt.network,
                     .request = receipt.request,
                     .proxy = receipt.proxy,
                     .worker = receipt.worker,
                     .registry_version = receipt.registry_version,
                     .coefficient_e3 = receipt.coefficient_e3,
                     .bounds = {},
                     .cap = receipt.cost};
  terms.bounds.prompt_tokens = 1000;
  terms.bounds.output_tokens = 1000;
  const Status good = check_receipt(receipt, terms, reference_prices());
  require(!good || receipt.outcome != Outcome::failed || receipt.cost == Nano{0});
  ReceiptTerms cheaper = terms;
  cheaper.cap = Nano{0};
  require(receipt.cost == Nano{0} || !check_receipt(receipt, cheaper, reference_prices()));
  terms.registry_version ^= 1;
  require(!check_receipt(receipt, terms, reference_prices()));
  require(!to_string(receipt.outcome).empty());
}

void check_receipts(ByteView bytes) {
  const auto receipt = exact<Receipt>(bytes);
  if (!receipt) return;
  check_charge(*receipt);
  ReceiptBatch batch;
  batch.add(*receipt);
  batch.add(*receipt);
  ReceiptVerifier verifier;
  const BootKeyId boot_key = key().boot_key_id();
  for (const SignedReceipt& one : batch.finish(key())) {
    require(exact<SignedReceipt>(one.encode()) == one);
    require(verifier.verify(one, boot_key).has_value());
    require(!verifier.verify(one, BootKeyId{}));
  }
}

void check_signed_receipt(ByteView bytes) {
  const auto receipt = exact<SignedReceipt>(bytes);
  if (receipt) require(!ReceiptVerifier().verify(*receipt, key().boot_key_id()));
}

/// A later version that grants more grants nothing that the trusted one did not.
void check_registry(ByteView bytes) {
  const auto registry = exact<Registry>(bytes);
  if (!registry) return;
  for (const ModelEntry& model : registry->models) {
    require(*registry->find_model(model.id) == model);
  }
  for (const ProxyEntry& proxy : registry->proxies) {
    require(*registry->find_proxy(proxy.account) == proxy);
  }
  require(tightened(*registry, *registry) == *registry);
  Registry empty = *registry;
  empty.models.clear();
  empty.proxies.clear();
  empty.worker_images.clear();
  require(tightened(empty, *registry) == empty);
  require(!to_string(registry->kind).empty());

  RegistryHistory history;
  require(!history.priced(registry->version, registry->effective));
  require(history.adopt(*registry).has_value());
  require(history.adopt(*registry).has_value());
  require(*history.priced(registry->version, registry->effective).value() == *registry);
  Registry next = *registry;
  next.prices.per_token.value ^= 1;
  require(!history.adopt(next));
  if (++next.version == 0) return;
  require(history.adopt(next).has_value());
  require(!history.adopt(*registry));
  const bool honoured = registry->price_grace > Seconds{0};
  require(history.priced(registry->version, registry->effective).has_value() == honoured);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  switch (data[0] % 9) {
    case 0: (void)statement<Voucher>(rest); break;
    case 1: (void)statement<UsageStatement>(rest); break;
    case 2: (void)statement<PayoutVoucher>(rest); break;
    case 3: (void)statement<CloseAgreement>(rest); break;
    case 4: check_epoch(rest); break;
    case 5: check_auth(rest); break;
    case 6: check_receipts(rest); break;
    case 7: check_signed_receipt(rest); break;
    default: check_registry(rest);
  }
  return 0;
}
