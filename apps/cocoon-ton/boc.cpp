#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "commands.h"
#include "common/read_file.h"
#include "ton/boc.h"

namespace cocoon::app {
namespace {

/// A bag as hexadecimal text is twice as long, and may end in a line break.
constexpr std::size_t kMaxFileBytes = 2 * limits::kMaxBocBytes + 2;

/// Explorers and APIs show bags as hexadecimal or base64 text; either begins unlike the bytes.
Bytes untangle(std::string_view data) {
  std::string_view text = data;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (auto decoded = from_hex(text)) return std::move(decoded).value();
  if (auto decoded = from_base64(text)) return std::move(decoded).value();
  return to_bytes(as_bytes(data));
}

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
  COCOON_TRY(const std::string data, read_file(file == "-" ? "/dev/stdin" : file, kMaxFileBytes));
  COCOON_TRY(const ton::Bag bag, ton::parse_boc(untangle(data)));
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
