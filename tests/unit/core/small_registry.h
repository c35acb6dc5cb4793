#pragma once
/// @file The registry of a proxy that is tested without a network around it.

#include <gtest/gtest.h>

#include "billing/registry.h"

namespace cocoon::core::test {

/// Serves the model "m" at the reference prices.
inline billing::Registry small_registry(const NetworkId& network) {
  billing::Registry registry;
  registry.network = network;
  registry.version = 1;
  registry.prices = billing::reference_prices();
  registry.price_grace = Seconds(600);
  registry.client_close_delay = Seconds(100);
  registry.proxy_close_delay = Seconds(200);
  registry.min_deposit = Nano{100'000};
  registry.min_payout = Nano{50'000};
  registry.min_stake = Nano{1'000'000};
  registry.tombstone_rent = Nano{10'000};
  registry.models.push_back({"m", 4096, 64});
  EXPECT_TRUE(registry.validate());
  return registry;
}

}  // namespace cocoon::core::test
