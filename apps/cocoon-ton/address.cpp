#include "ton/address.h"

#include <fmt/format.h>

#include "codec/json.h"
#include "commands.h"

namespace cocoon::app {
namespace {

using ton::FriendlyFlags;

struct Form {
  const char* name;
  FriendlyFlags flags;
};
constexpr Form kForms[] = {
    {"bounceable", {.bounceable = true, .testnet = false}},
    {"non_bounceable", {.bounceable = false, .testnet = false}},
    {"test_bounceable", {.bounceable = true, .testnet = true}},
    {"test_non_bounceable", {.bounceable = false, .testnet = true}},
};

}  // namespace

Status show_address(const std::string& text, bool json) {
  COCOON_TRY(const ton::ParsedAddress parsed, ton::parse_address(text));
  const ton::Address& address = parsed.address;
  // The friendly form has eight bits for the workchain.
  const bool friendly = address.workchain >= -128 && address.workchain <= 127;
  json::Writer out;
  out.begin_object().key("raw").string(to_raw(address));
  out.key("workchain").i64(address.workchain);
  if (!json) fmt::print("raw                  {}\n", to_raw(address));
  for (const Form& form : kForms) {
    if (!friendly) break;
    const std::string spelled = to_friendly(address, form.flags);
    out.key(form.name).string(spelled);
    if (!json) fmt::print("{:<20} {}\n", form.name, spelled);
  }
  if (parsed.flags) {
    out.key("given_as_bounceable").boolean(parsed.flags->bounceable);
    out.key("given_as_testnet").boolean(parsed.flags->testnet);
  }
  if (json) fmt::print("{}\n", out.end_object().take());
  return ok();
}

}  // namespace cocoon::app
