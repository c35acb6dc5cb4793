#include "ton/tl.h"

#include <charconv>
#include <string>

#include "ton/checksums.h"

namespace cocoon::ton {

Result<std::uint32_t> tl_constructor_id(std::string_view declaration) {
  const std::string_view name = declaration.substr(0, declaration.find(' '));
  if (const std::size_t mark = name.find('#'); mark != std::string_view::npos) {
    const std::string_view digits = name.substr(mark + 1);
    std::uint32_t id = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id, 16);
    if (error != std::errc() || end != digits.data() + digits.size()) {
      return Error(ErrorKind::invalid_argument, "tl_invalid",
                   "The number after a TL constructor's name is not hexadecimal.");
    }
    return id;
  }
  std::string text;
  for (const char c : declaration) {
    if (c != '(' && c != ')' && c != ';') text += c;
  }
  return crc32(as_bytes(text));
}

}  // namespace cocoon::ton
