// modules: codec
// covers: libcocoon/codec/cbor.cpp

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "codec/cbor.h"

namespace {

using cocoon::cbor::Reader;
using cocoon::cbor::Type;
using cocoon::cbor::Writer;

/// Reads one item and writes it anew in shortest form.
void copy_item(Reader& in, Writer& out, int depth) {
  const auto type = in.peek();
  if (!type || depth > 16) {
    in.fail();
    return;
  }
  std::size_t contents = 0;
  switch (*type) {
    case Type::unsigned_integer: out.unsigned_integer(in.unsigned_integer()); break;
    case Type::byte_string: out.byte_string(in.byte_string()); break;
    case Type::text_string: out.text_string(in.text_string()); break;
    case Type::array:
      contents = in.array();
      out.array(contents);
      break;
    case Type::map:
      contents = in.map();
      out.map(contents);
      contents *= 2;
      break;
    case Type::tag:
      out.tag(in.tag());
      contents = 1;
      break;
    default: out.raw(in.skip());
  }
  for (std::size_t i = 0; i < contents && !in.failed(); ++i) copy_item(in, out, depth + 1);
}

}  // namespace

/// Whatever reads as an item reads as the same item after it was written again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cocoon::ByteView input(data, size);
  Reader skipper(input);
  while (!skipper.failed() && !skipper.finished()) (void)skipper.skip();

  Reader reader(input);
  Writer first;
  copy_item(reader, first, 0);
  if (reader.failed()) return 0;
  const cocoon::Bytes once = first.take();
  Reader again(once);
  Writer second;
  copy_item(again, second, 0);
  if (!again.finished() || second.take() != once) std::abort();
  return 0;
}
