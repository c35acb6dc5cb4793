/// What configurations say about GPUs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/roles.h"

namespace cocoon::config {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kClient = "ledger = \"l\"\nstate_dir = \"s\"\n";
const std::string kWorker = kClient + "models = [\"m\"]\nengine_url = \"http://127.0.0.1:8000\"\n";
const std::string kProxyPolicy = "[proxy_policy]\nimages = []\n";
const std::string kWorkerPolicy = "[worker_policy]\nimages = []\n";

template <class T>
std::string error_of(const Result<T>& config) {
  if (config) return "accepted";
  return std::string(config.error().code()) + " " + std::string(config.error().detail());
}

TEST(PolicySection, AnEmptyListOfGpuSetsIsNotAnAbsentOne) {
  const auto config = parse_client_config(
      kClient + kProxyPolicy + "[worker_policy]\nimages = []\ngpu_measurement_sets = []\n", "f");
  ASSERT_TRUE(config) << config.error().detail();
  ASSERT_TRUE(config->client.worker_policy.gpu_measurement_sets);
  EXPECT_TRUE(config->client.worker_policy.gpu_measurement_sets->empty());
  EXPECT_FALSE(config->client.proxy_policy.gpu_measurement_sets);
}

TEST(PolicySection, AsksNoProxyForGpus) {
  EXPECT_THAT(
      error_of(parse_worker_config(kWorker + kProxyPolicy + "gpu_measurement_sets = []\n", "f")),
      StartsWith("config_unknown_key"));
}

std::string gpu_error(const std::string& keys) {
  return error_of(parse_worker_config(kWorker + kProxyPolicy + "[evidence]\n" + keys, "f"));
}

TEST(WorkerConfigFile, GpusNeedTheFilesOfTheirSets) {
  EXPECT_THAT(gpu_error("gpu = \"nvidia\""), HasSubstr("needs \"gpu_set_files\""));
  EXPECT_THAT(gpu_error("gpu = \"nvidia\"\ngpu_set_files = []"),
              HasSubstr("needs \"gpu_set_files\""));
  EXPECT_THAT(gpu_error("gpu = \"amd\""), HasSubstr("one of \"none\", \"nvidia\""));
}

TEST(WorkerConfigFile, WithoutGpusTakesNoKeysOfTheirs) {
  for (const std::string key : {"gpu_set_files = [\"d\"]", "nvml = \"l\""}) {
    EXPECT_THAT(gpu_error(key), HasSubstr("has a meaning only beside gpu = \"nvidia\"")) << key;
  }
}

TEST(WorkerConfigFile, ReadsWhatConcernsGpus) {
  const auto config = parse_worker_config(kWorker + kProxyPolicy + R"([evidence]
gpu = "nvidia"
gpu_set_files = ["driver.txt", "/sets/vbios.txt"]
nvml = "/opt/libnvidia-ml.so.1"
)",
                                          "/etc/cocoon/f");
  ASSERT_TRUE(config) << config.error().detail();
  EXPECT_EQ(config->worker.evidence.gpu, EvidenceSource::Gpu::nvidia);
  EXPECT_EQ(config->worker.evidence.gpu_set_files,
            (std::vector<std::string>{"/etc/cocoon/driver.txt", "/sets/vbios.txt"}));
  EXPECT_EQ(config->worker.evidence.nvml, "/opt/libnvidia-ml.so.1");
}

TEST(ProxyConfigFile, HasNoGpus) {
  EXPECT_THAT(
      error_of(parse_proxy_config(kClient + kWorkerPolicy + "[evidence]\ngpu = \"none\"\n", "f")),
      StartsWith("config_unknown_key"));
}

}  // namespace
}  // namespace cocoon::config
