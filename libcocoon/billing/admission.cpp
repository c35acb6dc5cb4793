#include "billing/admission.h"

#include "billing/statement_codec.h"
#include "crypto/hash.h"

namespace cocoon::billing {
namespace {

constexpr std::string_view kEpochMagic = "CCE1";
constexpr std::string_view kAuthMagic = "CCA1";

Error unauthorized(std::string_view code, std::string detail) {
  return Error(ErrorKind::unauthorized, code, std::move(detail));
}

}  // namespace

EpochRecord EpochRecord::make(const NetworkId& network, std::uint64_t epoch,
                              const BootKeyId& boot_key, const Hash& reputation) {
  return {network, epoch, crypto::sha256(boot_key.view()), reputation};
}

Bytes EpochRecord::encode() const {
  return begin_statement(kEpochMagic, network)
      .u64be(epoch)
      .bytes(boot_key_hash)
      .bytes(reputation)
      .take();
}

Result<EpochRecord> EpochRecord::decode(ByteView bytes) {
  EpochRecord r;
  COCOON_TRY(ByteReader in,
             open_statement(bytes, kBytes, kEpochMagic, r.network, "bad_epoch_record", kName));
  r.epoch = in.u64be();
  r.boot_key_hash = in.array<32>();
  r.reputation = in.array<32>();
  if (r.epoch == 0) {
    return Error(ErrorKind::protocol, "bad_epoch_record", "epochs are counted from 1");
  }
  return r;
}

Status epoch_follows(const std::optional<SignedEpoch>& newest, const SignedEpoch& next,
                     const AccountId& account, const NetworkId& network) {
  if (next.value.network != network) {
    return Error(ErrorKind::invalid_argument, "wrong_network",
                 "the epoch record is of another network");
  }
  if (!signed_by(next, account.bytes)) {
    return unauthorized("bad_signature", "the epoch record is not signed by the account's key");
  }
  if (!newest || next.value.epoch > newest->value.epoch) return ok();
  if (next.value == newest->value) return ok();
  return Error(ErrorKind::invalid_argument, "epoch_not_newer",
               "epoch " + std::to_string(next.value.epoch) + " is not above the published epoch " +
                   std::to_string(newest->value.epoch) +
                   ": another copy of this node has started since, or the state is from a backup");
}

Status epoch_admits(const SignedEpoch& shown, const std::optional<SignedEpoch>& newest,
                    const AccountId& account, const NetworkId& network, const BootKeyId& boot_key) {
  if (shown.value.network != network) {
    return unauthorized("wrong_network", "the peer's epoch record is of another network");
  }
  if (shown.value.boot_key_hash != crypto::sha256(boot_key.view())) {
    return unauthorized("wrong_boot_key",
                        "the peer's epoch record is for another boot key than its certificate's");
  }
  if (!signed_by(shown, account.bytes)) {
    return unauthorized("bad_signature",
                        "the peer's epoch record is not signed by its account's key");
  }
  const bool superseded =
      newest && (shown.value.epoch < newest->value.epoch ||
                 (shown.value.epoch == newest->value.epoch && !(shown.value == newest->value)));
  if (superseded) {
    return unauthorized("epoch_superseded", "the peer shows epoch " +
                                                std::to_string(shown.value.epoch) +
                                                ", but its account has published epoch " +
                                                std::to_string(newest->value.epoch));
  }
  return ok();
}

Bytes ChannelAuth::encode() const {
  return begin_statement(kAuthMagic, network)
      .bytes(channel.view())
      .bytes(exporter)
      .bytes(leaf_sha256)
      .take();
}

Result<ChannelAuth> ChannelAuth::decode(ByteView bytes) {
  ChannelAuth a;
  COCOON_TRY(ByteReader in,
             open_statement(bytes, kBytes, kAuthMagic, a.network, "bad_channel_auth", kName));
  a.channel.bytes = in.array<32>();
  a.exporter = in.array<32>();
  a.leaf_sha256 = in.array<32>();
  return a;
}

crypto::Signature sign_channel(const ChannelAuth& auth, const crypto::SigningKey& signer) {
  return signer.sign(auth.encode());
}

Status check_channel(const ChannelAuth& auth, const AccountId& signer, ByteView signature) {
  if (crypto::verify(signer.view(), auth.encode(), signature)) return ok();
  return unauthorized("bad_signature",
                      "the channel's signer has not signed for this connection and certificate");
}

}  // namespace cocoon::billing
