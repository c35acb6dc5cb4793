#include "crypto/hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <new>

#include "crypto/openssl_context.h"

namespace cocoon::crypto {
namespace {

// Fetched once: looking an algorithm up by name costs more than hashing a short message.
const EVP_MD* fetched(const char* name) {
  EVP_MD* md = EVP_MD_fetch(openssl_context(), name, nullptr);
  // The built-in provider always has SHA-2; only memory can be short this early.
  if (md == nullptr) throw std::bad_alloc();
  return md;
}
const EVP_MD* sha256_md() {
  static const EVP_MD* const md = fetched("SHA256");
  return md;
}

void check(int ok) {
  if (ok != 1) throw std::bad_alloc();
}

// A context per thread for one-shot digests: creating one costs as much as hashing 500 bytes.
Sha256& scratch() {
  thread_local Sha256 hasher;
  return hasher;
}

template <std::size_t N>
ByteArray<N> digest(const EVP_MD* md, ByteView data) {
  ByteArray<N> out;
  check(EVP_Digest(data.data(), data.size(), out.data(), nullptr, md, nullptr));
  return out;
}

// RFC 2104 on libcrypto's SHA-256, which uses the processor's instructions for it: a third of the
// time of libsodium's portable one. EVP_MAC would allocate for every key. One at a time per thread:
// what is begun is finished before the next begins.
class Hmac {
 public:
  explicit Hmac(ByteView key) {
    if (key.size() > kBlock) {
      const Hash digest = sha256(key);
      std::copy(digest.begin(), digest.end(), block_.writable().begin());
    } else {
      std::copy(key.begin(), key.end(), block_.writable().begin());
    }
    mask(0x36);
    hasher().update(block_.view());
  }

  void update(ByteView data) { hasher().update(data); }
  void update(std::initializer_list<ByteView> parts) {
    for (ByteView part : parts) update(part);
  }
  void finish(std::uint8_t* out) {
    const Secret<32> inner(hasher().finish());
    mask(0x36 ^ 0x5c);
    hasher().update(block_.view());
    hasher().update(inner.view());
    const Secret<32> mac(hasher().finish());
    std::copy(mac.view().begin(), mac.view().end(), out);
  }

 private:
  static constexpr std::size_t kBlock = 64;  // of SHA-256

  static Sha256& hasher() {
    thread_local Sha256 one;
    return one;
  }
  void mask(std::uint8_t with) {
    for (std::uint8_t& byte : block_.writable()) byte ^= with;
  }

  Secret<kBlock> block_;
};

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr) throw std::bad_alloc();
  check(EVP_DigestInit_ex2(context_, sha256_md(), nullptr));
}
Sha256::~Sha256() {
  EVP_MD_CTX_free(context_);
}
Sha256::Sha256(Sha256&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
Sha256& Sha256::operator=(Sha256&& other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}

void Sha256::update(ByteView data) {
  check(EVP_DigestUpdate(context_, data.data(), data.size()));
}

Hash Sha256::finish() {
  Hash out;
  check(EVP_DigestFinal_ex(context_, out.data(), nullptr));
  check(EVP_DigestInit_ex2(context_, nullptr, nullptr));
  return out;
}

Hash sha256(ByteView data) {
  Sha256& hasher = scratch();
  hasher.update(data);
  return hasher.finish();
}

Hash sha256(std::initializer_list<ByteView> parts) {
  Sha256& hasher = scratch();
  for (ByteView part : parts) hasher.update(part);
  return hasher.finish();
}

ByteArray<48> sha384(ByteView data) {
  static const EVP_MD* const md = fetched("SHA384");
  return digest<48>(md, data);
}

ByteArray<64> sha512(ByteView data) {
  static const EVP_MD* const md = fetched("SHA512");
  return digest<64>(md, data);
}

Hash hmac_sha256(ByteView key, std::initializer_list<ByteView> parts) {
  Hash out;
  Hmac mac(key);
  mac.update(parts);
  mac.finish(out.data());
  return out;
}

Hash hmac_sha256(ByteView key, ByteView data) {
  return hmac_sha256(key, {data});
}

Secret<32> hkdf_extract(ByteView salt, std::initializer_list<ByteView> ikm) {
  // HMAC pads its key with zeros, so an empty salt needs no case of its own.
  Secret<32> prk;
  Hmac mac(salt);
  mac.update(ikm);
  mac.finish(prk.writable().data());
  return prk;
}

bool hkdf_expand(ByteView prk, std::initializer_list<ByteView> info, std::span<std::uint8_t> out) {
  if (out.size() > kMaxHkdfBytes) {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    return false;
  }
  Secret<32> block;
  std::size_t done = 0;
  for (std::uint8_t counter = 1; done < out.size(); ++counter) {
    Hmac mac(prk);
    if (done > 0) mac.update(block.view());
    mac.update(info);
    mac.update(ByteView(&counter, 1));
    mac.finish(block.writable().data());
    const std::size_t n = std::min<std::size_t>(32, out.size() - done);
    std::copy_n(block.view().begin(), n, out.begin() + static_cast<std::ptrdiff_t>(done));
    done += n;
  }
  return true;
}

Secret<32> hkdf_expand_key(ByteView prk, std::initializer_list<ByteView> info) {
  Secret<32> key;
  (void)hkdf_expand(prk, info, key.writable());  // 32 bytes always fit
  return key;
}

Secret<32> hkdf_key(ByteView secret, ByteView salt, std::initializer_list<ByteView> info) {
  const Secret<32> prk = hkdf_extract(salt, {secret});
  return hkdf_expand_key(prk.view(), info);
}

}  // namespace cocoon::crypto
