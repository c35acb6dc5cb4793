#include "crypto/hpke_schedule.h"

#include "crypto/hash.h"

namespace cocoon::crypto {
namespace {

constexpr ByteArray<2> two_bytes(std::uint16_t v) {
  return {static_cast<std::uint8_t>(v >> 8), static_cast<std::uint8_t>(v & 0xff)};
}
constexpr ByteArray<2> kKem = two_bytes(kHpkeKem);
constexpr ByteArray<2> kKdf = two_bytes(kHpkeKdf);
constexpr ByteArray<2> kAead = two_bytes(kHpkeAead);

// suite_id of the KEM (4.1) and of the whole suite (5.1).
constexpr ByteArray<5> kKemSuite = {'K', 'E', 'M', kKem[0], kKem[1]};
constexpr ByteArray<10> kSuite = {'H',     'P',     'K',     'E',      kKem[0],
                                  kKem[1], kKdf[0], kKdf[1], kAead[0], kAead[1]};
constexpr std::uint8_t kModeBase = 0;

const ByteView kVersion = as_bytes("HPKE-v1");

// LabeledExtract and LabeledExpand of section 4.
Secret<32> labeled_extract(ByteView suite, ByteView salt, std::string_view label, ByteView ikm) {
  return hkdf_extract(salt, {kVersion, suite, as_bytes(label), ikm});
}
bool labeled_expand(ByteView suite, const Secret<32>& prk, std::string_view label, ByteView info,
                    std::span<std::uint8_t> out) {
  const auto length = two_bytes(static_cast<std::uint16_t>(out.size()));
  return out.size() <= kMaxHkdfBytes &&
         hkdf_expand(prk.view(), {length, kVersion, suite, as_bytes(label), info}, out);
}
Secret<32> labeled_key(ByteView suite, const Secret<32>& prk, std::string_view label,
                       ByteView info) {
  Secret<32> out;
  (void)labeled_expand(suite, prk, label, info, out.writable());  // 32 bytes always fit
  return out;
}

// ExtractAndExpand (4.1); the KEM context is enc, then the receiver's public key.
Secret<32> extract_and_expand(const Secret<32>& dh, const X25519PublicKey& enc,
                              const X25519PublicKey& receiver) {
  ByteArray<64> context;
  std::memcpy(context.data(), enc.data(), 32);
  std::memcpy(context.data() + 32, receiver.data(), 32);
  const Secret<32> prk = labeled_extract(kKemSuite, {}, "eae_prk", dh.view());
  return labeled_key(kKemSuite, prk, "shared_secret", context);
}

}  // namespace

X25519Key hpke_derive_key(ByteView ikm) {
  const Secret<32> prk = labeled_extract(kKemSuite, {}, "dkp_prk", ikm);
  return X25519Key::from_secret(labeled_key(kKemSuite, prk, "sk", {}).view());
}

Result<Secret<32>> hpke_encap(const X25519Key& ephemeral, const X25519PublicKey& receiver) {
  COCOON_TRY(const Secret<32> dh, ephemeral.agree(receiver));
  return extract_and_expand(dh, ephemeral.public_key(), receiver);
}

Result<Secret<32>> hpke_decap(const X25519PublicKey& enc, const X25519Key& receiver) {
  COCOON_TRY(const Secret<32> dh, receiver.agree(enc));
  return extract_and_expand(dh, enc, receiver.public_key());
}

HpkeSchedule hpke_key_schedule(const Secret<32>& shared_secret, ByteView info) {
  // Base mode has neither a pre-shared key nor its id: both are empty.
  const Secret<32> psk_id_hash = labeled_extract(kSuite, {}, "psk_id_hash", {});
  const Secret<32> info_hash = labeled_extract(kSuite, {}, "info_hash", info);

  HpkeSchedule out;
  out.key_schedule_context.push_back(kModeBase);
  append(out.key_schedule_context, psk_id_hash.view());
  append(out.key_schedule_context, info_hash.view());
  const ByteView context = out.key_schedule_context;

  out.secret = labeled_extract(kSuite, shared_secret.view(), "secret", {});
  out.key = labeled_key(kSuite, out.secret, "key", context);
  (void)labeled_expand(kSuite, out.secret, "base_nonce", context, out.base_nonce);
  out.exporter_secret = labeled_key(kSuite, out.secret, "exp", context);
  return out;
}

bool hpke_export(const Secret<32>& exporter_secret, ByteView exporter_context,
                 std::span<std::uint8_t> out) {
  return labeled_expand(kSuite, exporter_secret, "sec", exporter_context, out);
}

}  // namespace cocoon::crypto
