#include <gmock/gmock.h>
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

/// The fault of kTon with another line in the place of that of `key`, and where it is.
std::string fault_with(const std::string& key, const std::string& line) {
  std::string ton = kTon;
  const std::size_t at = ton.find(key + " =");
  return fault(file("", ton.replace(at, ton.find('\n', at) - at, line)));
}

TEST(TonConfig, IsCheckedWhereItStands) {
  using ::testing::HasSubstr;
  const std::string keeper(64, '2');
  EXPECT_THAT(fault_with("network", "network = \"zz\""), HasSubstr(":3:11: \"network\" in [ton]"));
  EXPECT_THAT(fault_with("root", "root = \"hello\""), HasSubstr(":4:8: \"root\" in [ton]"));
  EXPECT_THAT(fault_with("keepers", "keepers = []"),
              HasSubstr(":6:1: \"keepers\" of [ton] names 0"));
  EXPECT_THAT(fault_with("keepers", "keepers = [\"" + keeper + "\", \"" + keeper + "\"]"),
              HasSubstr("names one twice"));
  EXPECT_THAT(fault_with("keepers_needed", "keepers_needed = 2"),
              HasSubstr(":7:1: \"keepers_needed\" of [ton] is 2, but only 1"));
  EXPECT_THAT(fault_with("endpoints", "endpoints = []"), HasSubstr(":5:1: \"endpoints\""));
}

TEST(TonConfig, AsksOnlyWhoCannotBeOverheard) {
  for (const char* url : {"ftp:x", "http://toncenter.com/api/v2", "http://127.evil.example",
                          "https://one.example/?key=1", "https://", "one.example"}) {
    EXPECT_NE(fault_with("endpoints", "endpoints = [\"" + std::string(url) + "\"]"), "") << url;
  }
  for (const char* url : {"https://one.example", "https://one.example/api/v2/",
                          "http://127.0.0.1:8081/api/v2/", "http://localhost", "http://[::1]:80"}) {
    EXPECT_EQ(fault_with("endpoints", "endpoints = [\"" + std::string(url) + "\"]"), "") << url;
  }
}

TEST(TonConfig, HasABoundOnTheRegistrysAge) {
  EXPECT_EQ(fault(file("", kTon + "registry_max_age = \"2h\"\n")), "");
  EXPECT_NE(fault(file("", kTon + "registry_max_age = \"31d\"\n")), "");
}

}  // namespace
}  // namespace cocoon::config
