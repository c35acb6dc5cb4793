#pragma once
/// @file One admitted connection of a core: its session and who is at the other end.

#include <optional>
#include <string_view>
#include <utility>

#include "base/random.h"
#include "core/effects.h"
#include "session/challenge.h"
#include "session/connection.h"
#include "wire/error_codes.h"

namespace cocoon::core {

struct Link {
  Link(PeerId id, PeerIdentity who, session::Side side, Now now)
      : peer(id), identity(std::move(who)), connection(side, now.mono) {}

  PeerId peer;
  PeerIdentity identity;
  session::Connection connection;
  /// Between proxy and worker, from the opening of the connection until both have answered.
  std::optional<session::Challenge> challenge;
  MonoTime challenge_until = kNever;
};

/// Why a proxy answers the goaway of a worker: nothing of it runs there any more, and the vouchers
/// that the worker has are for all that it is owed.
inline constexpr std::string_view kPaidReason = "paid";

/// When a connection that is ready now is to be replaced by a fresh one, so that its running
/// requests can finish before the peer's evidence ends (limits::kRenewalMargin).
/// @pre the peer has evidence
MonoTime renewal_time(const Link& link, Random& random, Now now);

/// Why the peer of `link` cannot be of `role`; ok where its evidence says that it is.
inline Status check_role(const Link& link, wire::Role role, const AccountId& account) {
  const auto& evidence = link.identity.evidence;
  if (!evidence || evidence->role != role) {
    return Error(ErrorKind::attestation, "wrong_role",
                 "the peer says that it is a " + std::string(wire::to_string(role)) +
                     ", but its evidence does not");
  }
  if (evidence->account != account) {
    return Error(ErrorKind::attestation, "wrong_account",
                 "the peer names another account than its evidence does");
  }
  return ok();
}

/// A peer's epoch record as its hello or hello_ack carried it.
inline Result<billing::SignedEpoch> decode_epoch(ByteView record, ByteView signature,
                                                 const AccountId& account) {
  return billing::open_signed<billing::EpochRecord>(record, signature, account.bytes);
}

/// The error of a stream that the peer reset.
inline Error error_from(const wire::Reset& reset) {
  return wire::to_error(reset);
}

}  // namespace cocoon::core
