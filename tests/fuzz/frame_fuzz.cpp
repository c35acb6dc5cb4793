// modules: wire
// covers: libcocoon/wire/decode.cpp libcocoon/wire/encode.cpp libcocoon/wire/field_reader.cpp
// libcocoon/wire/frame_splitter.cpp libcocoon/wire/records.cpp
/// @file A byte stream, cut at will, becomes frames; what decodes encodes to something that decodes
/// to the same. The first byte says how the rest is cut. A frame's body is also tried as a record.

#include "fuzz/require.h"
#include "wire/codec.h"
#include "wire/frame_splitter.h"
#include "wire/records.h"

namespace {

using namespace cocoon;
using fuzz::require;

void check_frame(ByteView body) {
  auto message = wire::decode(body);
  if (!message) {
    require(message.error().kind() == ErrorKind::protocol && !message.error().detail().empty());
    return;
  }
  if (std::holds_alternative<wire::Extension>(*message)) return;
  Bytes once;
  wire::encode(once, *message);
  auto again = wire::decode(ByteView(once).subspan(wire::kFramePrefixBytes));
  require(again.has_value());
  Bytes twice;
  wire::encode(twice, *again);
  require(once == twice);
}

void check_record(ByteView bytes) {
  const auto record = wire::decode_worker_record(bytes);
  if (!record) return;
  const auto encoded = wire::encode_worker_record(*record);
  require(encoded && equal_public(*encoded, bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] == 0 ? size : data[0];
  ByteView rest(data + 1, size - 1);
  wire::FrameSplitter splitter;
  while (!rest.empty()) {
    const ByteView piece = rest.first(std::min(step, rest.size()));
    rest = rest.subspan(piece.size());
    splitter.feed(piece);
    while (true) {
      auto frame = splitter.next();
      if (!frame) return 0;
      if (!frame->has_value()) break;
      check_frame(**frame);
      check_record(**frame);
    }
    require(splitter.buffered() <= limits::kMaxFrameBytes + wire::kFramePrefixBytes);
  }
  return 0;
}
