#pragma once
/// @file Messages to frames and back (docs/protocol.md "Frames" and "Messages").
///
/// encode() appends a whole frame: the length prefix and the msgpack array. decode() takes a frame
/// without its prefix, as FrameSplitter gives it. Decoding is strict: one form per message, every
/// type, range and length checked, nothing left over; extensions use new frame types.

#include "base/bytes.h"
#include "cocoon/result.h"
#include "wire/messages.h"

namespace cocoon::wire {

/// What a data frame adds to its payload, at most: prefix, array, type, stream, payload length and
/// usage mark.
inline constexpr std::size_t kMaxDataOverheadBytes = 64;

/// Append `message` to `out` as one frame. The caller keeps fields within the bounds that decode()
/// checks; `GoAway::detail` and `Reset::detail` alone are cut to limits::kMaxDetailBytes here. The
/// encoding of Data allocates nothing beyond what `out` needs to grow.
void encode(Bytes& out, const Hello& message);
void encode(Bytes& out, const HelloAck& message);
void encode(Bytes& out, const Ping& message);
void encode(Bytes& out, const Pong& message);
void encode(Bytes& out, const GoAway& message);
void encode(Bytes& out, const Open& message);
void encode(Bytes& out, const Data& message);
void encode(Bytes& out, const End& message);
void encode(Bytes& out, const Reset& message);
void encode(Bytes& out, const Credit& message);
void encode(Bytes& out, const Accepted& message);
void encode(Bytes& out, const SignedWorkerRecord& message);
void encode(Bytes& out, const WorkerStatus& message);
void encode(Bytes& out, const CandidatesRequest& message);
void encode(Bytes& out, const Candidates& message);
void encode(Bytes& out, const EvidenceRequest& message);
void encode(Bytes& out, const Evidence& message);
void encode(Bytes& out, const Voucher& message);
void encode(Bytes& out, const UsageStatement& message);
void encode(Bytes& out, const Payout& message);
void encode(Bytes& out, const ChannelState& message);
void encode(Bytes& out, const Settlement& message);
void encode(Bytes& out, const Challenge& message);
void encode(Bytes& out, const Answer& message);
void encode(Bytes& out, const ModelsRequest& message);
void encode(Bytes& out, const Models& message);
/// An extension frame of that type, with no fields.
void encode(Bytes& out, const Extension& message);
void encode(Bytes& out, const Message& message);

/// The message in one frame body. Views in it point into `frame`.
/// Errors, all of kind protocol, with the frame type and the field in the detail:
/// bad_frame (not the array that the type calls for, a field of a wrong type, range or length, or
/// something behind it), unknown_frame_type (below limits::kFirstExtensionType).
Result<Message> decode(ByteView frame);

}  // namespace cocoon::wire
