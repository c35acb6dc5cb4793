#include "crypto/aead.h"

#include <sodium.h>

namespace cocoon::crypto {

Bytes aead_seal(const Secret<32>& key, const AeadNonce& nonce, ByteView aad, ByteView plaintext) {
  Bytes out(plaintext.size() + kAeadTagBytes);
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plaintext.data(), plaintext.size(),
                                            aad.data(), aad.size(), nullptr, nonce.data(),
                                            key.view().data());
  return out;
}

Result<SecretBytes> aead_open(const Secret<32>& key, const AeadNonce& nonce, ByteView aad,
                              ByteView ciphertext) {
  if (ciphertext.size() >= kAeadTagBytes) {
    SecretBytes out(ciphertext.size() - kAeadTagBytes);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(
            out.writable().data(), nullptr, nullptr, ciphertext.data(), ciphertext.size(),
            aad.data(), aad.size(), nonce.data(), key.view().data()) == 0) {
      return out;
    }
  }
  return Error(ErrorKind::protocol, "decrypt_failed",
               "sealed data did not authenticate: it was altered or cut, or sealed under another "
               "key or for another purpose.");
}

}  // namespace cocoon::crypto
