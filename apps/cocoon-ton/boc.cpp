#include <fmt/format.h>

#include "bag_file.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "commands.h"

namespace cocoon::app {
namespace {

std::string to_json(const ton::Bag& bag) {
  json::Writer out;
  out.begin_object().key("roots").begin_array();
  for (const ton::CellRef& root : bag.roots) {
    out.begin_object();
    out.key("repr_hash").string(to_hex(root->hash()));
    out.key("depth").u64(root->depth());
    out.key("level").u64(root->level());
    out.key("type").string(ton::to_string(root->type()));
    out.key("bits").u64(root->bits());
    out.key("refs").u64(root->refs().size());
    out.end_object();
  }
  out.end_array();
  out.key("unique_cells").u64(ton::distinct_cells(bag.roots).size());
  out.key("trailing_bytes").u64(bag.trailing_bytes);
  return out.end_object().take();
}

}  // namespace

Status show_boc(const std::string& file, bool json) {
  COCOON_TRY(const ton::Bag bag, read_bag(file));
  if (json) {
    fmt::print("{}\n", to_json(bag));
    return ok();
  }
  fmt::print("{} roots, {} distinct cells\n", bag.roots.size(),
             ton::distinct_cells(bag.roots).size());
  if (bag.trailing_bytes != 0) fmt::print("{} bytes follow the bag\n", bag.trailing_bytes);
  for (const ton::CellRef& root : bag.roots) {
    fmt::print("{}  {}, level {}, depth {}, {} bits, {} references\n", to_hex(root->hash()),
               ton::to_string(root->type()), root->level(), root->depth(), root->bits(),
               root->refs().size());
  }
  return ok();
}

}  // namespace cocoon::app
