#include "crypto/ed25519.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>

#include "crypto/openssl_context.h"

namespace cocoon::crypto {
namespace {

struct BioDeleter {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, BioDeleter>;

Error openssl_failed(const char* what) {
  ERR_clear_error();
  return {ErrorKind::internal, "openssl_failed",
          std::string("OpenSSL could not ") + what + "; the process is probably out of memory."};
}

Error bad_private_key() {
  ERR_clear_error();
  return {ErrorKind::invalid_argument, "bad_private_key",
          "the key is not an Ed25519 private key in unencrypted PKCS #8 PEM; expected "
          "\"-----BEGIN PRIVATE KEY-----\" as `openssl genpkey -algorithm ed25519` writes it."};
}

// A PEM file with a pass phrase must fail, not prompt on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

// Longest PEM that can be one Ed25519 key; with comments a file may be longer than the 119 bytes
// that OpenSSL writes.
constexpr std::size_t kMaxPemBytes = 16 * 1024;

}  // namespace

void EvpKeyDeleter::operator()(EVP_PKEY* key) const noexcept {
  EVP_PKEY_free(key);
}

SigningKey SigningKey::generate(Random& random) {
  Secret<32> seed;
  random.fill(seed.writable());
  return from_seed(seed.view());
}

SigningKey SigningKey::from_seed(std::span<const std::uint8_t, 32> seed) {
  SigningKey key;
  crypto_sign_seed_keypair(key.public_key_.data(), key.secret_.writable().data(), seed.data());
  return key;
}

Result<SigningKey> SigningKey::from_pem(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return bad_private_key();
  Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return openssl_failed("allocate a buffer");
  EvpKey key(PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, no_passphrase, nullptr,
                                        openssl_context(), nullptr));
  Secret<32> seed;
  std::size_t size = seed.kBytes;
  if (!key || EVP_PKEY_is_a(key.get(), "ED25519") != 1 ||
      EVP_PKEY_get_raw_private_key(key.get(), seed.writable().data(), &size) != 1 ||
      size != seed.kBytes) {
    return bad_private_key();
  }
  return from_seed(seed.view());
}

Signature SigningKey::sign(ByteView message) const {
  Signature out;
  crypto_sign_detached(out.data(), nullptr, message.data(), message.size(), secret_.view().data());
  return out;
}

Result<EvpKey> SigningKey::to_evp() const {
  EvpKey key(EVP_PKEY_new_raw_private_key_ex(openssl_context(), "ED25519", nullptr, seed().data(),
                                             seed().size()));
  if (!key) return openssl_failed("load an Ed25519 key");
  return key;
}

Result<SecretBytes> SigningKey::to_pem() const {
  COCOON_TRY(EvpKey key, to_evp());
  Bio bio(BIO_new(BIO_s_secmem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                            nullptr) != 1) {
    return openssl_failed("write a private key");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return SecretBytes(as_bytes({data, static_cast<std::size_t>(size)}));
}

bool verify(const ByteArray<32>& public_key, ByteView message,
            const Signature& signature) noexcept {
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                     public_key.data()) == 0;
}

bool verify(ByteView public_key, ByteView message, ByteView signature) noexcept {
  const auto key = to_array<32>(public_key);
  const auto bytes = to_array<64>(signature);
  return key && bytes && verify(*key, message, *bytes);
}

}  // namespace cocoon::crypto
