#pragma once
/// @file A statement with the signature over its canonical bytes.
///
/// A statement type T has `Bytes encode() const`, `static Result<T> decode(ByteView)` that accepts
/// only what encode() makes, and a magic of its own as its first four bytes: no signature over one
/// kind of statement is one over another.

#include "base/bytes.h"
#include "base/ids.h"
#include "cocoon/result.h"
#include "crypto/ed25519.h"

namespace cocoon::billing {

template <class T>
struct Signed {
  T value;
  crypto::Signature signature{};
  friend bool operator==(const Signed&, const Signed&) = default;
};

/// Signs `value` with `key`, whose public half is the account that verifiers expect.
template <class T>
Signed<T> sign(T value, const crypto::SigningKey& key) {
  const crypto::Signature signature = key.sign(value.encode());
  return Signed<T>{std::move(value), signature};
}

/// Whether `statement` bears the signature of `by`.
template <class T>
bool signed_by(const Signed<T>& statement, const ByteArray<32>& by) {
  return crypto::verify(by, statement.value.encode(), statement.signature);
}

template <class T>
Error not_signed() {
  return Error(ErrorKind::unauthorized, "bad_signature",
               std::string(T::kName) + " is not signed by the key that it must be signed by");
}

/// A statement as it came from outside, decoded, for a meter that checks the signature itself.
/// Errors: those of T::decode; unauthorized/bad_signature where it has no signature's length.
template <class T>
Result<Signed<T>> decode_signed(ByteView bytes, ByteView signature) {
  COCOON_TRY(T value, T::decode(bytes));
  const auto fixed = to_array<64>(signature);
  if (!fixed) return not_signed<T>();
  return Signed<T>{std::move(value), *fixed};
}

/// A statement as it came from outside, decoded and checked against its signer.
/// Errors: those of T::decode; unauthorized/bad_signature.
template <class T>
Result<Signed<T>> open_signed(ByteView bytes, ByteView signature, const ByteArray<32>& by) {
  COCOON_TRY(auto statement, decode_signed<T>(bytes, signature));
  if (!crypto::verify(by, bytes, statement.signature)) return not_signed<T>();
  return statement;
}

}  // namespace cocoon::billing
