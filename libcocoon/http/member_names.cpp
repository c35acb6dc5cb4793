#include "http/member_names.h"

#include <algorithm>

namespace cocoon::http {
namespace {

/// Letters outside of ASCII that case folding makes one of it (Unicode's CaseFolding.txt, status
/// C): LATIN SMALL LETTER LONG S and KELVIN SIGN.
constexpr std::string_view kLongS = "\xc5\xbf";
constexpr std::string_view kKelvinSign = "\xe2\x84\xaa";

/// Cuts one letter off `text`, folded. Bytes that fold to no ASCII letter are themselves.
char take_folded(std::string_view& text) {
  if (text.starts_with(kLongS)) {
    text.remove_prefix(kLongS.size());
    return 's';
  }
  if (text.starts_with(kKelvinSign)) {
    text.remove_prefix(kKelvinSign.size());
    return 'k';
  }
  const char c = text.front();
  text.remove_prefix(1);
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// @pre `name` is folded
bool folds_to(std::string_view key, std::string_view name) {
  while (!key.empty() && !name.empty()) {
    if (take_folded(key) != name.front()) return false;
    name.remove_prefix(1);
  }
  return key.empty() && name.empty();
}

}  // namespace

std::optional<std::string_view> misspelt_member(json::Value object,
                                                std::span<const std::string_view> names) {
  for (const json::Member& member : object.members()) {
    const bool found = std::any_of(names.begin(), names.end(), [&](std::string_view name) {
      return member.key != name && folds_to(member.key, name);
    });
    if (found) return member.key;
  }
  return std::nullopt;
}

}  // namespace cocoon::http
