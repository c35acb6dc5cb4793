#pragma once
/// @file Errors that cross the wire. `Error::code` is a literal that lives for ever, so a code that
/// a peer sends is looked up among the known ones (docs/protocol.md "Error codes").

#include <string>
#include <string_view>

#include "cocoon/result.h"
#include "wire/messages.h"

namespace cocoon::wire {

/// The literal equal to `code`, or "peer_error" where this version does not know it.
std::string_view known_code(std::string_view code);

/// What a peer says, as an Error. An unknown code moves into the detail; kind internal (and any
/// number beyond) becomes upstream: the bug, if any, is the peer's. The detail is cut and UTF-8.
Error peer_error(std::uint8_t kind, std::string_view code, std::string_view detail);
/// The same for a Reset or a fatal GoAway.
Error to_error(const Reset& reset);
Error to_error(const GoAway& goaway);

/// A Reset of `stream` that says `error`.
Reset to_reset(StreamId stream, const Error& error);

/// `text` as a peer accepts it: cut to `limit` bytes between characters. Where it is not UTF-8,
/// bytes beyond ASCII become question marks.
std::string clean_text(std::string_view text, std::size_t limit);

}  // namespace cocoon::wire
