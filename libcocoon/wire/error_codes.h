#pragma once
/// @file Errors that cross the wire. `Error::code` is a literal that lives for ever, so a code that
/// a peer sends is looked up among the known ones (docs/protocol.md "Error codes").

#include <string_view>

#include "cocoon/result.h"
#include "wire/messages.h"

namespace cocoon::wire {

/// The literal equal to `code`, or "peer_error" where this version does not know it.
std::string_view known_code(std::string_view code);

/// What a Reset or a fatal GoAway says, as an Error. An unknown code moves into the detail; kind
/// internal becomes upstream: the bug, if any, is the peer's.
Error to_error(const Reset& reset);
Error to_error(const GoAway& goaway);

/// A Reset of `stream` that says `error`.
Reset to_reset(StreamId stream, const Error& error);

}  // namespace cocoon::wire
