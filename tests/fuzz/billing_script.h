#pragma once
/// @file A client and a proxy whose keys are known, and an input that stores something of theirs
/// and then has things happen to it.

#include <algorithm>

#include "base/bytes.h"
#include "base/money.h"
#include "crypto/ed25519.h"

namespace cocoon::fuzz {

/// 1 is the client's, 2 the proxy's.
inline const crypto::SigningKey& key(std::uint8_t number) {
  static const crypto::SigningKey kClient = crypto::SigningKey::from_seed(ByteArray<32>{1});
  static const crypto::SigningKey kProxy = crypto::SigningKey::from_seed(ByteArray<32>{2});
  return number == 1 ? kClient : kProxy;
}

inline const AccountId& client() {
  static const AccountId kId = key(1).account_id();
  return kId;
}

inline const AccountId& proxy() {
  static const AccountId kId = key(2).account_id();
  return kId;
}

/// What happens, which of some things it is about, and an amount.
struct Step {
  std::uint8_t what;
  std::uint8_t which;
  Nano amount;
};

/// How the stored bytes are to be mended, those bytes, and what happens afterwards.
class BillingScript {
 public:
  explicit BillingScript(ByteView bytes) : in_(bytes) {
    mend = in_.u8();
    const std::size_t length = std::min<std::size_t>(in_.u16be(), in_.remaining());
    stored = to_bytes(in_.take(length));
  }

  bool more() { return in_.remaining() >= 6 && ++steps_ < 64; }
  Step next() {
    const std::uint8_t what = in_.u8();
    const std::uint8_t which = in_.u8();
    return {what, which, Nano{in_.u32be()}};
  }

  std::uint8_t mend = 0;
  Bytes stored;

 private:
  ByteReader in_;
  int steps_ = 0;
};

}  // namespace cocoon::fuzz
