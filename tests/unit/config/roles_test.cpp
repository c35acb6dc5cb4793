#include "config/roles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/limits.h"
#include "config/sections.h"
#include "unit/config/samples.h"

namespace cocoon::config {
namespace {

using test::error_of;
using test::kClient;
using test::kWorker;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kImage(64, 'a');
const std::string kPolicies = "[proxy_policy]\nimages = [\"" + kImage +
                              "\"]\n[worker_policy]\nimages = [\"" + kImage + "\"]\n";
const std::string kProxyPolicy = "[proxy_policy]\nimages = [\"" + kImage + "\"]\n";
const std::string kWorkerPolicy = "[worker_policy]\nimages = [\"" + kImage + "\"]\n";

TEST(ClientConfigFile, MissingKeysAreNamed) {
  EXPECT_THAT(error_of(parse_client_config("state_dir = \"s\"\n" + kPolicies, "f")),
              StartsWith("config_missing_key f:1:1: \"ledger\" is missing"));
  EXPECT_THAT(error_of(parse_client_config("ledger = \"l\"\n" + kPolicies, "f")),
              HasSubstr("\"state_dir\" is missing"));
}

TEST(ClientConfigFile, APolicyIsRequired) {
  EXPECT_THAT(error_of(parse_client_config(kClient + kProxyPolicy, "f")),
              HasSubstr("\"worker_policy\" is missing"));
}

TEST(PolicySection, AnEmptyListOfImagesIsNotAnAbsentOne) {
  const auto config =
      parse_client_config(kClient + "[proxy_policy]\n[worker_policy]\nimages = []\n", "f");
  ASSERT_TRUE(config) << config.error().detail();
  EXPECT_FALSE(config->client.proxy_policy.images.has_value());
  ASSERT_TRUE(config->client.worker_policy.images.has_value());
  EXPECT_TRUE(config->client.worker_policy.images->empty());
}

TEST(ClientConfigFile, KeysOfOtherRolesAreUnknown) {
  EXPECT_THAT(error_of(parse_client_config("capacity = 3\n" + kClient + kPolicies, "f")),
              StartsWith("config_unknown_key f:1:1: unknown key \"capacity\""));
}

TEST(ClientConfigFile, DefaultsAreThoseOfTheOptions) {
  const auto config = parse_client_config(kClient + kPolicies, "f");
  ASSERT_TRUE(config) << config.error().detail();
  EXPECT_EQ(config->client.max_exposure_nano, ClientOptions{}.max_exposure_nano);
  EXPECT_EQ(config->gateway.listen, GatewayOptions{}.listen);
  EXPECT_EQ(config->client.worker_policy.root, TrustedRootKind::intel);
  EXPECT_EQ(config->process.drain, ProcessConfig{}.drain);
  EXPECT_TRUE(config->client.log);
  EXPECT_TRUE(config->gateway.log);
}

TEST(ClientConfigFile, ReadsEveryKey) {
  const auto config = parse_client_config(R"(
log_level = "debug"
drain = "10s"
ledger = "/l"
state_dir = "/s"
proxies = ["a:1", "b:2"]
max_exposure = "2 TON"
max_request_cost = 7
max_coefficient_e3 = 1500
max_request_size = "16MiB"
requests_per_key_agreement = 1
[gateway]
listen = "[::1]:0"
api_keys = ["k"]
allowed_hosts = ["h"]
allowed_origins = ["https://o"]
max_connections = 10
[proxy_policy]
images = []
[worker_policy]
images = []
)",
                                          "f");
  ASSERT_TRUE(config) << config.error().detail();
  EXPECT_EQ(config->process.log_level, LogLevel::debug);
  EXPECT_EQ(config->process.drain, Seconds(10));
  EXPECT_EQ(config->client.ledger_path, "/l");
  EXPECT_EQ(config->client.state_dir, "/s");
  EXPECT_EQ(config->client.proxies, (std::vector<std::string>{"a:1", "b:2"}));
  EXPECT_EQ(config->client.max_exposure_nano, 2'000'000'000U);
  EXPECT_EQ(config->client.max_request_cost_nano, 7U);
  EXPECT_EQ(config->client.max_coefficient_e3, 1500U);
  EXPECT_EQ(config->client.max_request_bytes, 16U * 1024 * 1024);
  EXPECT_EQ(config->client.requests_per_key_agreement, 1U);
  EXPECT_EQ(config->gateway.max_request_bytes, 16U * 1024 * 1024);
  EXPECT_EQ(config->gateway.listen, "[::1]:0");
  EXPECT_EQ(config->gateway.api_keys, std::vector<std::string>{"k"});
  EXPECT_EQ(config->gateway.allowed_hosts, std::vector<std::string>{"h"});
  EXPECT_EQ(config->gateway.allowed_origins, std::vector<std::string>{"https://o"});
  EXPECT_EQ(config->gateway.max_connections, 10U);
}

std::string gateway_error(const std::string& line) {
  return error_of(parse_client_config(
      kClient + kProxyPolicy + "[worker_policy]\nimages = []\n" + "[gateway]\n" + line, "f"));
}

TEST(GatewaySection, RefusesOriginsAndHostsThatNoRequestCanName) {
  for (const char* origin : {"https://a.example/", "a.example", "https://", "https://A.example",
                             "*", "https://a.example/x", ""}) {
    EXPECT_THAT(gateway_error(std::string("allowed_origins = [\"") + origin + "\"]"),
                HasSubstr("f:8:20: \"allowed_origins\" in [gateway]: expected an origin"))
        << origin;
  }
  for (const char* host : {"https://a.example", "a.example/v1", "*", ""}) {
    EXPECT_THAT(gateway_error(std::string("allowed_hosts = [\"") + host + "\"]"),
                HasSubstr("f:8:18: \"allowed_hosts\" in [gateway]: expected a host name"))
        << host;
  }
}

TEST(GatewaySection, TakesOriginsAsBrowsersSendThem) {
  for (const char* origin :
       {"https://a.example", "http://localhost:3000", "http://[::1]:80", "null", "app://x"}) {
    EXPECT_TRUE(parse_client_config(kClient + kProxyPolicy + "[worker_policy]\nimages = []\n" +
                                        "[gateway]\nallowed_origins = [\"" + origin + "\"]",
                                    "f"))
        << origin;
  }
}

std::string policy_error(const std::string& lines) {
  return error_of(
      parse_client_config(kClient + kProxyPolicy + "[worker_policy]\nimages = []\n" + lines, "f"));
}

TEST(PolicySection, RefusesBadValues) {
  EXPECT_THAT(policy_error("root = \"amd\""), HasSubstr("one of \"intel\", \"simulated\""));
  EXPECT_THAT(policy_error("root = \"simulated\""), HasSubstr("\"simulated_dir\" is missing"));
  EXPECT_THAT(policy_error("simulated_dir = \"x\""), HasSubstr("only beside root = \"simulated\""));
  EXPECT_THAT(policy_error("tees = [\"sev\"]"), HasSubstr("one of \"sgx\", \"tdx\""));
  EXPECT_THAT(policy_error("tees = []"), HasSubstr("\"tees\" is empty and admits nobody"));
  EXPECT_THAT(policy_error("platforms = [\"00\"]"), HasSubstr("32 hexadecimal digits"));
  EXPECT_THAT(policy_error("tdx_modules = [\"" + std::string(96, 'g') + "\"]"),
              HasSubstr("96 hexadecimal digits"));
  EXPECT_THAT(policy_error("service_tds = [\"" + std::string(94, '0') + "\"]"),
              HasSubstr("96 hexadecimal digits"));
  EXPECT_THAT(policy_error("tcb_grace = [\"INTEL-SA-00615\"]"), HasSubstr("until"));
  EXPECT_THAT(policy_error("gpu_measurement_sets = [\"driver.txt\"]"),
              HasSubstr("the hash of a measurement set, 64 hexadecimal digits"));
  EXPECT_THAT(policy_error("max_collateral_age = \"0s\""), StartsWith("config_range"));
  EXPECT_THAT(policy_error("allowed_xfam = -1"), StartsWith("config_range"));
  EXPECT_THAT(policy_error("min_tcb_evaluation_number = 4294967296"), StartsWith("config_range"));
}

TEST(PolicySection, RefusesAShortImageHash) {
  EXPECT_THAT(error_of(parse_client_config(
                  kClient + kProxyPolicy + "[worker_policy]\nimages = [\"abcd\"]\n", "f")),
              HasSubstr("f:6:11: \"images\" in [worker_policy]: expected an image hash of 64 "
                        "hexadecimal digits, found \"abcd\""));
}

TEST(PolicySection, RevokedPlatformsCannotBeAdmitted) {
  EXPECT_THAT(policy_error("tcb_statuses = [\"Revoked\"]"), StartsWith("config_value"));
}

TEST(PolicySection, ThereIsNoSwitchThatTurnsVerificationOff) {
  for (const char* key :
       {"verify", "insecure", "allow_debug", "allow_sept_ve", "allow_migratable", "enabled"}) {
    EXPECT_THAT(policy_error(std::string(key) + " = true"), StartsWith("config_unknown_key"));
  }
}

TEST(PolicySection, AdmitsNoSevSnpGuests) {
  EXPECT_THAT(policy_error("tees = [\"snp\"]"), HasSubstr("one of \"sgx\", \"tdx\""));
  EXPECT_THAT(policy_error("[worker_policy.snp]"), StartsWith("config_unknown_key"));
}

TEST(PolicySection, ReadsEveryKey) {
  const auto config = parse_client_config(kClient + kProxyPolicy + R"([worker_policy]
root = "simulated"
simulated_dir = "sim"
images = [")" + kImage + R"("]
tees = ["sgx", "tdx"]
tcb_statuses = ["UpToDate", "SWHardeningNeeded"]
tcb_grace = ["INTEL-SA-00615 until 2026-12-31T00:00:00Z"]
min_tcb_evaluation_number = 17
max_collateral_age = "7d"
platforms = ["00112233445566778899aabbccddeeff"]
tdx_modules = [")" + std::string(96, '1') + R"("]
service_tds = [")" + std::string(96, '2') + R"("]
allowed_xfam = 0x3
gpu_measurement_sets = [")" + kImage + R"("]
)",
                                          "/etc/cocoon/f");
  ASSERT_TRUE(config) << config.error().detail();
  const AttestationPolicy& policy = config->client.worker_policy;
  EXPECT_EQ(policy.root, TrustedRootKind::simulated);
  EXPECT_EQ(policy.simulated_dir, "/etc/cocoon/sim");
  ASSERT_TRUE(policy.images && policy.images->size() == 1);
  EXPECT_EQ(policy.images->front().to_hex(), kImage);
  EXPECT_EQ(policy.tees, (std::vector<TeeKind>{TeeKind::sgx, TeeKind::tdx}));
  EXPECT_EQ(policy.tcb_statuses,
            (std::vector<TcbStatus>{TcbStatus::up_to_date, TcbStatus::sw_hardening_needed}));
  ASSERT_EQ(policy.tcb_grace.size(), 1U);
  EXPECT_EQ(policy.tcb_grace.front().advisory, "INTEL-SA-00615");
  EXPECT_EQ(policy.min_tcb_evaluation_number, 17U);
  EXPECT_EQ(policy.max_collateral_age, Seconds(7 * 24 * 3600));
  ASSERT_TRUE(policy.platforms && policy.platforms->size() == 1);
  EXPECT_EQ(policy.platforms->front().to_hex(), "00112233445566778899aabbccddeeff");
  ASSERT_TRUE(policy.tdx_modules && policy.tdx_modules->size() == 1);
  EXPECT_EQ(policy.tdx_modules->front()[47], 0x11);
  ASSERT_EQ(policy.service_tds.size(), 1U);
  EXPECT_EQ(policy.service_tds.front()[0], 0x22);
  EXPECT_EQ(policy.allowed_xfam, 3U);
  ASSERT_TRUE(policy.gpu_measurement_sets && policy.gpu_measurement_sets->size() == 1);
}

TEST(PolicySection, AnEmptyListOfPlatformsIsNotAnAbsentOne) {
  const auto config = parse_client_config(
      kClient + kProxyPolicy + "[worker_policy]\nimages = []\nplatforms = []\n", "f");
  ASSERT_TRUE(config);
  ASSERT_TRUE(config->client.worker_policy.platforms.has_value());
  EXPECT_TRUE(config->client.worker_policy.platforms->empty());
  EXPECT_FALSE(config->client.proxy_policy.platforms.has_value());
}

TEST(PolicyFile, HasTheKeysOfASectionAtTheTop) {
  const auto file = parse_policy_file("images = [\"" + kImage + "\"]\ntees = [\"sgx\"]\n", "f");
  ASSERT_TRUE(file) << file.error().detail();
  EXPECT_EQ(file->policy.images->at(0).to_hex(), kImage);
  EXPECT_EQ(file->policy.tees, std::vector<TeeKind>{TeeKind::sgx});
  EXPECT_FALSE(file->allowances.debug || file->allowances.sept_ve || file->allowances.migratable);
}

TEST(PolicyFile, MayAllowWhatNoRoleAdmits) {
  for (const std::string key : {"allow_debug", "allow_sept_ve", "allow_migratable"}) {
    const auto file = parse_policy_file("images = []\n" + key + " = true", "f");
    ASSERT_TRUE(file) << file.error().detail();
    EXPECT_EQ(file->allowances.debug, key == "allow_debug");
    EXPECT_EQ(file->allowances.sept_ve, key == "allow_sept_ve");
    EXPECT_EQ(file->allowances.migratable, key == "allow_migratable");
  }
}

std::string snp_error(const std::string& lines) {
  return error_of(parse_policy_file("images = []\n[snp]\n" + lines, "f"));
}

TEST(PolicyFile, RefusesBadValuesOfSnp) {
  EXPECT_THAT(snp_error("max_vmpl = 4"), StartsWith("config_range"));
  EXPECT_THAT(snp_error("min_abi_minor = 256"), StartsWith("config_range"));
  EXPECT_THAT(snp_error("allow_smt = 1"), StartsWith("config_type"));
  EXPECT_THAT(snp_error("allow_debug = true"), StartsWith("config_unknown_key"));
  EXPECT_THAT(snp_error("id_keys = [\"00\"]"), HasSubstr("96 hexadecimal digits"));
  EXPECT_THAT(snp_error("author_keys = \"all\""), StartsWith("config_type"));
  EXPECT_THAT(snp_error("[snp.minimum_tcb]\nMilan = 3"), StartsWith("config_type"));
  EXPECT_THAT(snp_error("[snp.minimum_tcb.Rome]"), StartsWith("config_unknown_key"));
}

/// A part that was forgotten would count as any.
TEST(PolicyFile, WantsEveryPartOfASnpFloor) {
  const std::string all = "boot_loader = 1\ntee = 2\nsnp = 3\nmicrocode = 4\n";
  EXPECT_EQ(snp_error("[snp.minimum_tcb.Genoa]\n" + all), "accepted");
  EXPECT_THAT(snp_error("[snp.minimum_tcb.Genoa]\n" + all + "fmc = 0"),
              StartsWith("config_unknown_key"));
  EXPECT_THAT(snp_error("[snp.minimum_tcb.Turin]\n" + all), HasSubstr("\"fmc\" is missing"));
  for (const std::string part : {"boot_loader", "tee", "snp", "microcode"}) {
    std::string less = all;
    less.replace(less.find(part + " ="), part.size(), "#");
    EXPECT_THAT(snp_error("[snp.minimum_tcb.Milan]\n" + less),
                HasSubstr("\"" + part + "\" is missing in [snp.minimum_tcb.Milan]"));
  }
}

TEST(PolicyFile, ReadsEveryKeyOfSnp) {
  const auto file = parse_policy_file(R"(images = []
tees = ["tdx", "snp"]
[snp]
min_abi_major = 1
min_abi_minor = 55
max_vmpl = 3
allow_smt = true
allow_multiple_sockets = false
allow_provisional_firmware = true
allow_masked_chip_id = true
allow_missing_revocation_list = true
require_alias_check = true
vlek_providers = ["cloud"]
id_keys = []
author_keys = [")" + std::string(96, '1') +
                                          R"("]
[snp.minimum_tcb.Turin]
fmc = 1
boot_loader = 2
tee = 3
snp = 4
microcode = 255
[snp.minimum_tcb.Milan]
boot_loader = 5
tee = 6
snp = 7
microcode = 8
)",
                                      "f");
  ASSERT_TRUE(file) << file.error().detail();
  EXPECT_EQ(file->policy.tees, (std::vector<TeeKind>{TeeKind::tdx, TeeKind::snp}));
  const SnpPolicy& snp = file->policy.snp;
  ASSERT_EQ(snp.minimum_tcb.size(), 2U);
  EXPECT_EQ(snp.minimum_tcb[0].product, SnpProduct::milan);
  EXPECT_EQ(snp.minimum_tcb[0].tcb, (SnpTcb{0, 5, 6, 7, 8}));
  EXPECT_EQ(snp.minimum_tcb[1].product, SnpProduct::turin);
  EXPECT_EQ(snp.minimum_tcb[1].tcb, (SnpTcb{1, 2, 3, 4, 255}));
  EXPECT_EQ(snp.min_abi_major, 1);
  EXPECT_EQ(snp.min_abi_minor, 55);
  EXPECT_EQ(snp.max_vmpl, 3U);
  EXPECT_TRUE(snp.allow_smt && snp.allow_provisional_firmware && snp.allow_masked_chip_id &&
              snp.allow_missing_revocation_list && snp.require_alias_check);
  EXPECT_FALSE(snp.allow_multiple_sockets);
  EXPECT_EQ(snp.vlek_providers, std::vector<std::string>{"cloud"});
  ASSERT_TRUE(snp.id_keys);
  EXPECT_TRUE(snp.id_keys->empty());
  ASSERT_TRUE(snp.author_keys && snp.author_keys->size() == 1);
  EXPECT_EQ(snp.author_keys->front()[47], 0x11);
}

TEST(PolicyFile, WithoutATableOfSnpAdmitsNoSuchGuest) {
  const auto file = parse_policy_file("images = []\n", "f");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->policy.snp.minimum_tcb.empty());
  EXPECT_TRUE(file->policy.snp.vlek_providers.empty());
  EXPECT_FALSE(file->policy.snp.allow_smt || file->policy.snp.allow_missing_revocation_list);
}

TEST(PolicyFile, IsReadStrictly) {
  EXPECT_THAT(error_of(parse_policy_file("", "f")), HasSubstr("\"images\" is missing"));
  EXPECT_THAT(error_of(parse_policy_file("images = []\nledger = \"l\"", "f")),
              StartsWith("config_unknown_key"));
  EXPECT_THAT(error_of(parse_policy_file("images = []\nallow_debug = 1", "f")),
              StartsWith("config_type f:2:15: \"allow_debug\""));
}

TEST(ClientConfigFile, ARequestCostsAtMostTheExposure) {
  EXPECT_THAT(error_of(parse_client_config(
                  "max_exposure = 5\nmax_request_cost = 6\n" + kClient + kPolicies, "f")),
              StartsWith("config_value f:2:1: \"max_request_cost\" (6 nanotons) is above"));
  EXPECT_THAT(error_of(parse_client_config("max_exposure = 5\n" + kClient + kPolicies, "f")),
              StartsWith("config_value f:1:1: \"max_request_cost\""));
  EXPECT_TRUE(
      parse_client_config("max_exposure = 5\nmax_request_cost = 5\n" + kClient + kPolicies, "f"));
}

TEST(ClientConfigFile, TheGatewayListensAtAnAddressOfThisMachine) {
  EXPECT_THAT(
      error_of(
          parse_client_config(kClient + kPolicies + "[gateway]\nlisten = \"myhost:10000\"\n", "f")),
      HasSubstr("f:8:10: \"listen\" in [gateway]: expected a numeric address of this machine"));
}

TEST(ProxyConfigFile, ListensAtAnAddressOfThisMachine) {
  EXPECT_THAT(
      error_of(parse_proxy_config("listen = \"myhost:1\"\n" + kClient + kWorkerPolicy, "f")),
      StartsWith("config_value f:1:10: \"listen\""));
}

TEST(ProxyConfigFile, AdminListensOnLoopbackOnly) {
  EXPECT_THAT(
      error_of(parse_proxy_config("admin_listen = \"0.0.0.0:1\"\n" + kClient + kWorkerPolicy, "f")),
      StartsWith("config_value f:1:1: \"admin_listen\" has no authentication"));
  EXPECT_THAT(error_of(parse_proxy_config(
                  "admin_listen = \"127.evil.example:1\"\n" + kClient + kWorkerPolicy, "f")),
              StartsWith("config_value f:1:16: \"admin_listen\""));
  EXPECT_TRUE(
      parse_proxy_config("admin_listen = \"127.0.0.1:0\"\n" + kClient + kWorkerPolicy, "f"));
}

TEST(ProxyConfigFile, EvidenceIsTdxUnlessSaidOtherwise) {
  const auto config = parse_proxy_config(kClient + kWorkerPolicy, "f");
  ASSERT_TRUE(config) << config.error().detail();
  EXPECT_EQ(config->proxy.evidence.kind, EvidenceSource::Kind::tdx);
  EXPECT_THAT(error_of(parse_proxy_config(
                  kClient + kWorkerPolicy + "[evidence]\nkind = \"simulated\"\n", "f")),
              HasSubstr("\"simulated_dir\" is missing in [evidence]"));
}

TEST(ProxyConfigFile, TdxInterfacesCanBeElsewhere) {
  const auto with = [](const std::string& keys) {
    return parse_proxy_config(kClient + kWorkerPolicy + "[evidence]\n" + keys, "f");
  };
  const std::string line = std::to_string(2 + std::ranges::count(kClient + kWorkerPolicy, '\n'));
  EXPECT_THAT(error_of(with("qgs = \"2:4050\"\n")),
              StartsWith("config_value f:" + line +
                         ":7: \"qgs\" in [evidence]: expected \"vsock:2:4050\" or "));
  for (const auto* address : {"", "vsock:", "vsock:2", "vsock:2:", "vsock::1", "vsock:-1:1",
                              "vsock:2:4294967296", "vsock:2:4050 ", "vsock:2:4050:1",
                              "unix:", "unix:run/qgs", "VSOCK:2:4050", "127.0.0.1:4050"}) {
    EXPECT_NE(error_of(with("qgs = \"" + std::string(address) + "\"\n")), "accepted") << address;
  }
  EXPECT_THAT(error_of(with("qgs = 4050\n")), StartsWith("config_type"));
  for (const auto* key : {"configfs = \"/c\"", "qgs = \"vsock:2:1\""}) {
    EXPECT_THAT(error_of(with("kind = \"simulated\"\nsimulated_dir = \"/sim\"\n" +
                              std::string(key) + "\n")),
                HasSubstr("has a meaning only beside kind = \"tdx\""));
  }
  const auto config = with("configfs = \"/host/config\"\nqgs = \"vsock:3:4294967295\"\n");
  ASSERT_TRUE(config) << config.error().detail();
  EXPECT_EQ(config->proxy.evidence.configfs, "/host/config");
  EXPECT_EQ(config->proxy.evidence.qgs, (QgsAddress{.cid = 3, .port = 4294967295}));
  EXPECT_EQ(config->proxy.evidence.qgs.to_text(), "vsock:3:4294967295");
  const auto behind = with("qgs = \"unix:/run/qgs.socket\"\n");
  ASSERT_TRUE(behind) << behind.error().detail();
  EXPECT_EQ(behind->proxy.evidence.qgs.unix_path, "/run/qgs.socket");
  EXPECT_EQ(behind->proxy.evidence.qgs.to_text(), "unix:/run/qgs.socket");
}

TEST(ProxyConfigFile, ReadsEveryKey) {
  const auto config = parse_proxy_config(R"(
ledger = "/l"
state_dir = "/s"
listen = "127.0.0.1:0"
max_unacknowledged = "3 TON"
max_clients = 5
max_workers = 6
max_requests_per_client = 7
[worker_policy]
images = []
[evidence]
kind = "simulated"
simulated_dir = "/sim"
)",
                                         "f");
  ASSERT_TRUE(config) << config.error().detail();
  EXPECT_EQ(config->proxy.listen, "127.0.0.1:0");
  EXPECT_EQ(config->proxy.max_unacknowledged_nano, 3'000'000'000U);
  EXPECT_EQ(config->proxy.max_clients, 5U);
  EXPECT_EQ(config->proxy.max_workers, 6U);
  EXPECT_EQ(config->proxy.max_requests_per_client, 7U);
  EXPECT_EQ(config->proxy.evidence.kind, EvidenceSource::Kind::simulated);
  EXPECT_EQ(config->proxy.evidence.simulated_dir, "/sim");
}

std::string collateral_error(const std::string& lines) {
  return error_of(
      parse_proxy_config(kClient + kWorkerPolicy + "[collateral]\n" + lines + "\n", "f"));
}

TEST(CollateralSection, RefusesBadValuesWhereTheyStand) {
  EXPECT_THAT(collateral_error("url = \"http://pccs.example\""),
              StartsWith("config_value f:6:1: \"url\" of collateral must begin with \"https://\""));
  EXPECT_THAT(collateral_error("url = \"https://pccs.example/sgx/certification/v4\""),
              HasSubstr("goes without a path"));
  EXPECT_THAT(collateral_error("url = \"pccs\""), StartsWith("config_value f:6:7: "));
  EXPECT_THAT(collateral_error("url = \"https://user:word@pccs.example\""),
              StartsWith("config_value"));
  EXPECT_THAT(collateral_error("update = \"late\""), HasSubstr("one of \"early\", \"standard\""));
  EXPECT_THAT(collateral_error("ca_file = 1"), StartsWith("config_type f:6:11"));
  EXPECT_THAT(collateral_error("verify = false"), StartsWith("config_unknown_key f:6:1"));
}

TEST(CollateralSection, ABundleAloneTakesNoKeysOfAService) {
  for (const std::string key : {"update = \"early\"", "ca_file = \"c\""}) {
    EXPECT_THAT(collateral_error("bundle_dir = \"b\"\n" + key),
                HasSubstr("has a meaning only beside \"url\""))
        << key;
    EXPECT_EQ(collateral_error("bundle_dir = \"b\"\nurl = \"https://pccs.example\"\n" + key),
              "accepted");
  }
}

TEST(CollateralSection, WithoutOneIntelsServiceIsAskedForTheNewest) {
  const auto config = parse_client_config(kClient + kPolicies, "f");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->client.collateral.url, "https://api.trustedservices.intel.com");
  EXPECT_EQ(config->client.collateral.update, CollateralSource::Update::early);
  EXPECT_EQ(config->client.collateral.ca_file + config->client.collateral.bundle_dir, "");
}

TEST(CollateralSection, WithABundleAloneNothingIsFetched) {
  const auto config =
      parse_worker_config(kWorker + kProxyPolicy + "[collateral]\nbundle_dir = \"b\"\n", "/d/f");
  ASSERT_TRUE(config) << config.error().detail();
  EXPECT_EQ(config->worker.collateral.url, "");
  EXPECT_EQ(config->worker.collateral.bundle_dir, "/d/b");
}

TEST(CollateralSection, ReadsEveryKey) {
  const auto config = parse_proxy_config(kClient + kWorkerPolicy + R"([collateral]
url = "https://pccs.example:8081"
update = "standard"
ca_file = "/c"
bundle_dir = "/b"
)",
                                         "f");
  ASSERT_TRUE(config) << config.error().detail();
  EXPECT_EQ(config->proxy.collateral.url, "https://pccs.example:8081");
  EXPECT_EQ(config->proxy.collateral.update, CollateralSource::Update::standard);
  EXPECT_EQ(config->proxy.collateral.ca_file, "/c");
  EXPECT_EQ(config->proxy.collateral.bundle_dir, "/b");
}

TEST(WorkerConfigFile, NeedsAnEngineAndAModel) {
  EXPECT_THAT(error_of(parse_worker_config(kClient + "models = [\"m\"]\n" + kProxyPolicy, "f")),
              HasSubstr("\"engine_url\" is missing"));
  EXPECT_THAT(error_of(parse_worker_config(
                  kClient + "engine_url = \"http://a\"\nmodels = []\n" + kProxyPolicy, "f")),
              HasSubstr("\"models\" is empty"));
  const auto with_models = [](const std::string& list) {
    return error_of(parse_worker_config(
        kClient + "engine_url = \"http://a\"\nmodels = [" + list + "]\n" + kProxyPolicy, "f"));
  };
  EXPECT_THAT(with_models("\"a\", \"b\", \"a\""), HasSubstr("names \"a\" twice"));
  EXPECT_THAT(with_models("\"" + std::string(257, 'm') + "\""), HasSubstr("an id of 257 bytes"));
  std::string many;
  for (int i = 0; i < 33; ++i) many += "\"m" + std::to_string(i) + "\",";
  EXPECT_THAT(with_models(many), HasSubstr("33 models: a worker serves at most 32"));
  EXPECT_THAT(
      error_of(parse_worker_config(
          kClient + "models = [\"m\"]\nengine_url = \"http://a/v1\"\n" + kProxyPolicy, "f")),
      HasSubstr("without the \"/v1\""));
}

TEST(WorkerConfigFile, AnEngineMayListenOnASocket) {
  const auto with_engine = [](const std::string& url) {
    return parse_worker_config(
        kClient + "models = [\"m\"]\nengine_url = \"" + url + "\"\n" + kProxyPolicy, "f");
  };
  const auto config = with_engine("unix:/run/engine.sock");
  ASSERT_TRUE(config) << config.error().detail();
  EXPECT_EQ(config->worker.engine_url, "unix:/run/engine.sock");
  for (const std::string& bad :
       {std::string("unix:"), std::string("unix:/"), std::string("unix:run/engine.sock"),
        std::string("unix:/run/an engine"), "unix:/" + std::string(107, 'p')}) {
    EXPECT_THAT(error_of(with_engine(bad)), HasSubstr("unix:/run/engine.sock")) << bad;
  }
}

TEST(WorkerConfigFile, ReadsEveryKey) {
  const auto config = parse_worker_config(
      "coefficient_e3 = 900\ncapacity = 8\nmax_unpaid = 5\n" + kWorker + kProxyPolicy, "f");
  ASSERT_TRUE(config) << config.error().detail();
  EXPECT_EQ(config->worker.engine_url, "http://127.0.0.1:8000");
  EXPECT_EQ(config->worker.models, std::vector<std::string>{"m"});
  EXPECT_EQ(config->worker.coefficient_e3, 900U);
  EXPECT_EQ(config->worker.capacity, 8U);
  EXPECT_EQ(config->worker.max_unpaid_nano, 5U);
}

// --- files ---

/// A file in the temporary folder that goes with the object.
struct TemporaryFile {
  explicit TemporaryFile(const std::string& text)
      : path(std::filesystem::temp_directory_path() /
             ("cocoon_config_test." + std::to_string(::getpid()))) {
    std::ofstream(path) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

TEST(ConfigFile, UnreadableFilesAreErrorsThatNameThem) {
  const auto missing = load_client_config("/nonexistent/client.toml");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), "config_unreadable");
  EXPECT_EQ(missing.error().detail(),
            "/nonexistent/client.toml: cannot be read: No such file or directory");
  const auto folder = load_client_config("/");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code(), "config_unreadable");
}

TEST(ConfigFile, HugeFilesAreRefused) {
  const TemporaryFile file(std::string(limits::kMaxConfigBytes + 1, '#'));
  const auto config = load_client_config(file.path.string());
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code(), "config_too_large");
}

TEST(ConfigFile, LoadsFromDisk) {
  const TemporaryFile file(kWorker + kProxyPolicy);
  const auto config = load_worker_config(file.path.string());
  ASSERT_TRUE(config) << config.error().detail();
  EXPECT_EQ(config->worker.state_dir, (file.path.parent_path() / "s").string());
}

}  // namespace
}  // namespace cocoon::config
