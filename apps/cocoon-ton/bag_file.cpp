#include "bag_file.h"

#include "base/limits.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "common/read_file.h"

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

}  // namespace

Result<ton::Bag> read_bag(const std::string& file) {
  COCOON_TRY(const std::string data, read_file(file == "-" ? "/dev/stdin" : file, kMaxFileBytes));
  return ton::parse_boc(untangle(data));
}

}  // namespace cocoon::app
