#pragma once
/// @file What all fixed-layout statements share: their first fields and their refusal.

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "cocoon/result.h"

namespace cocoon::billing {

/// Starts a statement: magic and network.
inline ByteWriter begin_statement(std::string_view magic, const NetworkId& network) {
  ByteWriter out;
  out.bytes(as_bytes(magic)).bytes(network.view());
  return out;
}

/// Reads what begin_statement() wrote, if `bytes` has the one right length.
/// Errors: protocol with `code`.
inline Result<ByteReader> open_statement(ByteView bytes, std::size_t size, std::string_view magic,
                                         NetworkId& network, std::string_view code,
                                         std::string_view name) {
  ByteReader in(bytes);
  if (bytes.size() != size || as_text(in.take(magic.size())) != magic) {
    return Error(ErrorKind::protocol, code,
                 "a " + std::string(name) + " has " + std::to_string(size) +
                     " bytes and begins \"" + std::string(magic) + "\"; these " +
                     std::to_string(bytes.size()) + " bytes do not");
  }
  network.bytes = in.array<16>();
  return in;
}

}  // namespace cocoon::billing
