#include <gtest/gtest.h>

#include <string>

#include "config/roles.h"

namespace cocoon::config {
namespace {

const std::string kTon = R"([ton]
network = "000102030405060708090a0b0c0d0e0f"
root = "0:1111111111111111111111111111111111111111111111111111111111111111"
endpoints = ["https://one.example/api/v2", "https://two.example/api/v2"]
keepers = ["2222222222222222222222222222222222222222222222222222222222222222"]
keepers_needed = 1
registry_file = "registry.signed"
)";

/// A client's file with these lines ahead of the tables that it has to have.
std::string file(const std::string& top, const std::string& ton) {
  return "state_dir = \"/s\"\n" + top + ton +
         "[proxy_policy]\nimages = []\n[worker_policy]\nimages = []\n";
}

std::string fault(const std::string& text) {
  const auto config = parse_client_config(text, "/etc/client.toml");
  return config ? "" : config.error().detail();
}

/// kTon without one of its keys.
std::string without(const std::string& key) {
  const std::size_t at = kTon.find(key);
  return std::string(kTon).erase(at, kTon.find('\n', at) + 1 - at);
}

TEST(TonConfig, ReplacesTheLocalLedger) {
  const auto config = parse_client_config(file("", kTon), "/etc/client.toml");
  ASSERT_TRUE(config) << config.error().detail();
  EXPECT_TRUE(config->client.ledger_path.empty());
  ASSERT_TRUE(config->client.ton);
  const TonNetwork& ton = *config->client.ton;
  EXPECT_EQ(ton.endpoints.size(), 2u);
  EXPECT_EQ(ton.keepers_needed, 1u);
  EXPECT_EQ(ton.registry_file, "/etc/registry.signed");
  EXPECT_FALSE(ton.testnet);
}

TEST(TonConfig, DoesNotGoWithALocalLedger) {
  EXPECT_NE(fault(file("ledger = \"/l\"\n", kTon)).find("exclude each other"), std::string::npos);
}

TEST(TonConfig, IsNeededWhereThereIsNoLocalLedger) {
  EXPECT_NE(fault(file("", "")).find("[ton]"), std::string::npos);
}

TEST(TonConfig, HasToBeWhole) {
  for (const char* key :
       {"network", "root", "endpoints", "keepers =", "keepers_needed", "registry_file"}) {
    EXPECT_NE(fault(file("", without(key))), "") << key;
  }
}

TEST(TonConfig, HasKeysOfKeepers) {
  std::string ton = kTon;
  ton.replace(ton.find("2222"), 4, "22xx");
  EXPECT_NE(fault(file("", ton)).find("64 hexadecimal digits"), std::string::npos);
}

TEST(TonConfig, HasABoundOnTheRegistrysAge) {
  EXPECT_EQ(fault(file("", kTon + "registry_max_age = \"2h\"\n")), "");
  EXPECT_NE(fault(file("", kTon + "registry_max_age = \"31d\"\n")), "");
}

}  // namespace
}  // namespace cocoon::config
