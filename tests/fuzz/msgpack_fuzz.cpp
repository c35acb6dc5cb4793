// modules: codec
// covers: libcocoon/codec/msgpack.cpp
/// @file The cursor takes exactly what msgpack-c takes, and what it reads the writer writes back.

#include <msgpack.hpp>

#include "codec/msgpack.h"
#include "fuzz/require.h"

namespace {

using cocoon::Bytes;
using cocoon::ByteView;
using cocoon::fuzz::require;
using cocoon::msgpack::Reader;
using cocoon::msgpack::Writer;

/// Length of the value that `bytes` begin with, as msgpack-c sees it; 0 where it sees none.
std::size_t judge(ByteView bytes) {
  try {
    ::msgpack::null_visitor visitor;
    std::size_t used = 0;
    const bool good =
        ::msgpack::parse(reinterpret_cast<const char*>(bytes.data()), bytes.size(), used, visitor);
    return good ? used : 0;
  } catch (const std::exception&) {
    return 0;
  }
}

/// Reads one value by its lead byte and writes it; false where that is not possible.
bool copy(Reader& in, std::uint8_t lead, Writer& out) {
  if (lead < 0x80 || (lead >= 0xcc && lead <= 0xcf)) {
    out.u64(in.u64());
  } else if (lead >= 0xe0 || (lead >= 0xd0 && lead <= 0xd3)) {
    out.i64(in.i64());
  } else if (lead < 0x90 || lead == 0xde || lead == 0xdf) {
    out.map(in.map());
  } else if (lead < 0xa0 || lead == 0xdc || lead == 0xdd) {
    out.array(in.array());
  } else if (lead < 0xc0 || (lead >= 0xd9 && lead <= 0xdb)) {
    out.str(in.str());
  } else if (lead == 0xc0) {
    require(in.take_nil());
    out.nil();
  } else if (lead == 0xc2 || lead == 0xc3) {
    out.boolean(in.boolean());
  } else if (lead >= 0xc4 && lead <= 0xc6) {
    out.bin(in.bin());
  } else {
    out.raw(in.raw());
  }
  return !in.failed();
}

/// A value reads as what it is, and as nothing else: each kind of read takes the first value whole,
/// or fails; numbers are the same either way.
void read_as_each(ByteView input, std::size_t length) {
  Reader unsigned_in(input), signed_in(input);
  const std::uint64_t number = unsigned_in.u64();
  const std::int64_t same = signed_in.i64();
  if (!unsigned_in.failed() && !signed_in.failed()) {
    require(same >= 0 && static_cast<std::uint64_t>(same) == number);
  }
  Reader boolean(input), bytes(input), text(input), nil(input), array(input), map(input);
  (void)boolean.boolean();
  (void)bytes.bin();
  (void)text.str();
  nil.nil();
  require(array.array() <= input.size());
  require(map.map() <= input.size());
  int read = 0;
  for (const Reader* in : {&boolean, &bytes, &text, &nil}) {
    if (in->failed()) continue;
    ++read;
    require(in->position() == length);
  }
  for (const Reader* in : {&unsigned_in, &signed_in})
    require(in->failed() || in->position() == length);
  read += unsigned_in.failed() && signed_in.failed() ? 0 : 1;
  read += array.failed() ? 0 : 1;
  read += map.failed() ? 0 : 1;
  require(read <= 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  Reader whole(input);
  const std::size_t length = whole.raw().size();
  require(length == judge(input));
  read_as_each(input, length);

  Reader in(input);
  Writer out;
  while (in.remaining() != 0 && copy(in, input[in.position()], out)) {
  }
  require(in.position() <= size);
  (void)in.finish("input");
  // A single value (the judge may have taken text that is not UTF-8).
  if (in.failed() || length != size) return 0;
  // The shortest encoding is no longer, and a fixed point.
  const Bytes first = out.take();
  require(first.size() <= size);
  Reader again(first);
  Writer second;
  while (again.remaining() != 0) require(copy(again, first[again.position()], second));
  require(second.take() == first);
  return 0;
}
