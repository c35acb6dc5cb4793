// modules: ton
// covers: libcocoon/ton/boc_parse.cpp libcocoon/ton/boc_serialize.cpp libcocoon/ton/cell.cpp

#include <cstddef>
#include <cstdint>

#include "fuzz/require.h"
#include "ton/boc.h"

namespace {

using namespace cocoon;
using namespace cocoon::ton;
using fuzz::require;

/// Writes the roots, and reads them again.
Bytes round_trip(const std::vector<CellRef>& roots, BocFormat format) {
  const Bytes bytes = serialize_boc(roots, format).value();
  const auto bag = parse_boc(bytes);
  require(bag.has_value() && bag->trailing_bytes == 0 && bag->roots.size() == roots.size());
  for (std::size_t i = 0; i < roots.size(); ++i) {
    require(bag->roots[i]->hash() == roots[i]->hash());
    require(bag->roots[i]->hash(0) == roots[i]->hash(0));
    require(bag->roots[i]->depth() == roots[i]->depth());
  }
  require(serialize_boc(bag->roots, format).value() == bytes);
  return bytes;
}

}  // namespace

/// Whatever reads as a bag reads as the same cells after it was written again, in every form.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bag = parse_boc(ByteView(data, size));
  const auto only_root = parse_boc_root(ByteView(data, size));
  if (!bag) {
    require(!only_root && !bag.error().detail().empty());
    return 0;
  }
  require(only_root.has_value() == (bag->roots.size() == 1 && bag->trailing_bytes == 0));
  for (const CellRef& root : bag->roots) require(!to_string(root->type()).empty());
  require(distinct_cells(bag->roots).size() <= bag->cells);
  const Bytes plain = round_trip(bag->roots, {.crc32c = false});
  const Bytes indexed = round_trip(bag->roots, {.index = true, .crc32c = true, .cache_bits = true});
  require(plain.size() < indexed.size());
  return 0;
}
