#pragma once
/// @file The registry's settings from the command line.

#include "billing/registry.h"
#include "cocoon/result.h"
#include "commands.h"

namespace cocoon::app {

/// Prices of the live network; delays, minima and fees for a development network.
billing::Registry default_registry();

/// Takes over what was given. Errors: invalid_argument, which names the option.
Status apply_settings(const RegistrySettings& settings, billing::Registry& registry);

}  // namespace cocoon::app
