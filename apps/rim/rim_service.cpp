#include "rim/rim_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "attest/text.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/hash.h"

namespace cocoon::app {

namespace {

Error wrong(std::string_view id, std::string_view what) {
  return Error(ErrorKind::upstream, "rim_answer",
               fmt::format("The service's answer about {} is refused: {}.", id, what));
}

/// The member as a string; nothing where it is none.
std::optional<std::string> text_of(const json::Value& object, std::string_view name) {
  const json::Value value = object.find(name);
  if (!value.is(json::Kind::string)) return std::nullopt;
  return std::string(value.as_string().value());
}

}  // namespace

Result<std::string> rim_url(std::string_view service, std::string_view id) {
  const bool plain = std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-' || c == '.';
  });
  if (!plain || id.empty() || id.front() == '.' || id.size() > limits::kMaxRimIdBytes) {
    return Error(ErrorKind::invalid_argument, "rim_id_invalid",
                 "The id of a manifest has to be letters, digits, '.', '_' and '-', like "
                 "NV_GPU_DRIVER_GH100_550.144.03");
  }
  while (!service.empty() && service.back() == '/') service.remove_suffix(1);
  return fmt::format("{}/{}", service, id);
}

Result<std::string> read_rim_answer(int status, std::string_view body, std::string_view id) {
  if (status == 404) return wrong(id, "it has no such manifest (404); look at the id");
  if (status == 429) return wrong(id, "it asks for fewer questions (429); try again later");
  if (status != 200) return wrong(id, fmt::format("its status is {}", status));
  auto parsed = json::Document::parse(body);
  if (!parsed || !parsed->root().is(json::Kind::object)) return wrong(id, "it is no JSON object");
  const json::Value root = parsed->root();
  const auto rim = text_of(root, "rim");
  const auto sha256 = text_of(root, "sha256");
  const auto stated = text_of(root, "id");
  if (!rim || !sha256 || !stated) return wrong(id, "it lacks id, rim or sha256");
  if (*stated != id) return wrong(id, "it is about another id");
  if (const auto form = text_of(root, "rim_format"); form && *form != "TCG") {
    return wrong(id, "the manifest is no SWID tag, and CoRIM is not read here");
  }
  const auto xml = from_base64(*rim);
  if (!xml) return wrong(id, "its manifest is no base64");
  if (attest::decode_hex_array<32>(*sha256) != crypto::sha256(*xml)) {
    return wrong(id, "its manifest does not have the SHA-256 that it names");
  }
  return std::string(as_text(*xml));
}

}  // namespace cocoon::app
