#include "sheet.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "billing/amount.h"
#include "codec/hex.h"
#include "registry/formats.h"
#include "registry/registry_text.h"

namespace cocoon::app {

void Sheet::line(std::string_view name, std::string value) {
  lines_.push_back(fmt::format("{:<26}{}", name, std::move(value)));
}

Sheet& Sheet::text(std::string_view name, const std::string& value) {
  json_.key(name).string(value);
  line(name, value);
  return *this;
}

Sheet& Sheet::number(std::string_view name, std::uint64_t value) {
  json_.key(name).u64(value);
  line(name, std::to_string(value));
  return *this;
}

Sheet& Sheet::flag(std::string_view name, bool value) {
  json_.key(name).boolean(value);
  line(name, value ? "yes" : "no");
  return *this;
}

Sheet& Sheet::amount(std::string_view name, Nano value) {
  json_.key(std::string(name) + "_nano").u64(value.value);
  line(name, billing::format_amount(value));
  return *this;
}

Sheet& Sheet::time(std::string_view name, std::uint64_t seconds) {
  json_.key(name).u64(seconds);
  line(name, seconds == 0                        ? "never"
             : seconds > limits::kMaxUnixSeconds ? "out of range"
                                                 : format_time(unix_seconds(seconds)));
  return *this;
}

Sheet& Sheet::duration(std::string_view name, std::uint32_t seconds) {
  json_.key(std::string(name) + "_seconds").u64(seconds);
  line(name, format_duration(Seconds{seconds}));
  return *this;
}

Sheet& Sheet::hash(std::string_view name, ByteView bytes) {
  return text(name, to_hex(bytes));
}

Sheet& Sheet::list(std::string_view name, const std::vector<std::string>& values) {
  json_.key(name).begin_array();
  for (const std::string& value : values) json_.string(value);
  json_.end_array();
  if (values.empty()) line(name, "none");
  for (const std::string& value : values) line(name, value);
  return *this;
}

Sheet& Sheet::registry(std::string_view name, const billing::Registry& registry) {
  json_.key(name);
  write_registry(json_, registry);
  lines_.push_back(fmt::format("\n{}:", name));
  for (const std::string& text : registry_lines(registry)) lines_.push_back("  " + text);
  return *this;
}

void Sheet::print(bool json) {
  if (json) {
    fmt::print("{}\n", json_.end_object().take());
    return;
  }
  for (const std::string& text : lines_) fmt::print("{}\n", text);
}

}  // namespace cocoon::app
