#include "crypto/hpke.h"

#include "crypto/hash.h"
#include "crypto/hpke_schedule.h"

namespace cocoon::crypto {

Secret<32> HpkeExporter::key(ByteView exporter_context) const {
  Secret<32> out;
  (void)hpke_export(secret_, exporter_context, out.writable());  // 32 bytes always fit
  return out;
}

Result<SecretBytes> HpkeExporter::secret(ByteView exporter_context, std::size_t length) const {
  if (length > kMaxHkdfBytes) {
    return Error(ErrorKind::invalid_argument, "export_too_long",
                 "an HPKE export of " + std::to_string(length) + " bytes was asked for; at most " +
                     std::to_string(kMaxHkdfBytes) + " are possible.");
  }
  SecretBytes out(length);
  (void)hpke_export(secret_, exporter_context, out.writable());
  return out;
}

HpkeContext::HpkeContext(HpkeSchedule&& schedule)
    : key_(std::move(schedule.key)),
      base_nonce_(schedule.base_nonce),
      exporter_secret_(std::move(schedule.exporter_secret)) {}

Result<AeadNonce> HpkeContext::nonce() const {
  // ComputeNonce (5.2): the sequence number, big-endian, over the last bytes of the base nonce.
  if (sequence_ == UINT64_MAX) {
    return Error(ErrorKind::internal, "message_limit",
                 "an HPKE context has used up its sequence numbers; set up a new one.");
  }
  AeadNonce out = base_nonce_;
  for (std::size_t i = 0; i < 8; ++i) {
    out[out.size() - 1 - i] ^= static_cast<std::uint8_t>(sequence_ >> (8 * i));
  }
  return out;
}

Result<Bytes> HpkeContext::seal(ByteView aad, ByteView plaintext) {
  COCOON_TRY(const AeadNonce n, nonce());
  ++sequence_;
  return aead_seal(key_, n, aad, plaintext);
}

Result<SecretBytes> HpkeContext::open(ByteView aad, ByteView ciphertext) {
  COCOON_TRY(const AeadNonce n, nonce());
  COCOON_TRY(SecretBytes plaintext, aead_open(key_, n, aad, ciphertext));
  ++sequence_;
  return plaintext;
}

Result<HpkeSender> hpke_sender(const X25519PublicKey& receiver, ByteView info, Random& random) {
  return hpke_sender(receiver, info, X25519Key::generate(random));
}

Result<HpkeSender> hpke_sender(const X25519PublicKey& receiver, ByteView info,
                               const X25519Key& ephemeral) {
  COCOON_TRY(const Secret<32> shared, hpke_encap(ephemeral, receiver));
  return HpkeSender{ephemeral.public_key(), HpkeContext(hpke_key_schedule(shared, info))};
}

Result<HpkeContext> hpke_receiver(const HpkeEnc& enc, const X25519Key& receiver, ByteView info) {
  COCOON_TRY(const Secret<32> shared, hpke_decap(enc, receiver));
  return HpkeContext(hpke_key_schedule(shared, info));
}

}  // namespace cocoon::crypto
