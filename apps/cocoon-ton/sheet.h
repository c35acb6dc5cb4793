#pragma once
/// @file What is known of something, field by field, for people or for programs.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/money.h"
#include "billing/registry.h"
#include "codec/json.h"

namespace cocoon::app {

/// Fields in the order in which they are given. For programs the same as one JSON object, in which
/// amounts are nanotons and their names end in "_nano".
class Sheet {
 public:
  Sheet() { json_.begin_object(); }

  Sheet& text(std::string_view name, const std::string& value);
  Sheet& number(std::string_view name, std::uint64_t value);
  Sheet& flag(std::string_view name, bool value);
  Sheet& amount(std::string_view name, Nano value);
  /// Unix seconds; 0: never.
  Sheet& time(std::string_view name, std::uint64_t seconds);
  Sheet& duration(std::string_view name, std::uint32_t seconds);
  Sheet& hash(std::string_view name, ByteView bytes);
  Sheet& list(std::string_view name, const std::vector<std::string>& values);
  Sheet& registry(std::string_view name, const billing::Registry& registry);

  /// Prints it, as JSON or as text. Nothing may be added afterwards.
  void print(bool json);

 private:
  void line(std::string_view name, std::string value);

  json::Writer json_;
  std::vector<std::string> lines_;
};

}  // namespace cocoon::app
