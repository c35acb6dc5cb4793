#pragma once
/// @file A registry as people and programs read it.

#include <string>
#include <vector>

#include "billing/registry.h"
#include "codec/json.h"

namespace cocoon::app {

/// All of it; each line says by itself what it is about, and begins with its name.
std::vector<std::string> registry_lines(const billing::Registry& registry);

/// The lines in which `after` differs from `before`: "- " and a line that is gone, "+ " and a new
/// one, in the order of the registries.
std::vector<std::string> changed_lines(const billing::Registry& before,
                                       const billing::Registry& after);

/// All of it, as a JSON object.
void write_registry(json::Writer& out, const billing::Registry& registry);

}  // namespace cocoon::app
