#include "crypto/x25519.h"

#include <sodium.h>

namespace cocoon::crypto {

X25519Key X25519Key::generate(Random& random) {
  Secret<32> secret;
  random.fill(secret.writable());
  return from_secret(secret.view());
}

X25519Key X25519Key::from_secret(std::span<const std::uint8_t, 32> secret) {
  X25519Key key;
  key.secret_ = Secret<32>(secret);
  crypto_scalarmult_base(key.public_key_.data(), secret.data());
  return key;
}

Result<Secret<32>> X25519Key::agree(const X25519PublicKey& peer) const {
  Secret<32> shared;
  if (crypto_scalarmult(shared.writable().data(), secret_.view().data(), peer.data()) != 0) {
    return Error(ErrorKind::protocol, "bad_public_key",
                 "the X25519 public key has small order, so the shared secret would be zero; the "
                 "peer must send a key that it generated.");
  }
  return shared;
}

}  // namespace cocoon::crypto
