/// What configurations say about GPUs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/roles.h"
#include "unit/config/samples.h"

namespace cocoon::config {
namespace {

using test::error_of;
using test::kClient;
using test::kWorker;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kEmptyProxyPolicy = "[proxy_policy]\nimages = []\n";
const std::string kEmptyWorkerPolicy = "[worker_policy]\nimages = []\n";

TEST(PolicySection, AnEmptyListOfGpuSetsIsNotAnAbsentOne) {
  const auto config = parse_client_config(
      kClient + kEmptyProxyPolicy + "[worker_policy]\nimages = []\ngpu_measurement_sets = []\n",
      "f");
  ASSERT_TRUE(config) << config.error().detail();
  ASSERT_TRUE(config->client.worker_policy.gpu_measurement_sets);
  EXPECT_TRUE(config->client.worker_policy.gpu_measurement_sets->empty());
  EXPECT_FALSE(config->client.proxy_policy.gpu_measurement_sets);
}

TEST(PolicySection, AsksNoProxyForGpus) {
  EXPECT_THAT(error_of(parse_worker_config(
                  kWorker + kEmptyProxyPolicy + "gpu_measurement_sets = []\n", "f")),
              StartsWith("config_unknown_key"));
}

std::string gpu_error(const std::string& keys) {
  return error_of(parse_worker_config(kWorker + kEmptyProxyPolicy + "[evidence]\n" + keys, "f"));
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
  const auto config = parse_worker_config(kWorker + kEmptyProxyPolicy + R"([evidence]
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
  EXPECT_THAT(error_of(parse_proxy_config(
                  kClient + kEmptyWorkerPolicy + "[evidence]\ngpu = \"none\"\n", "f")),
              StartsWith("config_unknown_key"));
}

}  // namespace
}  // namespace cocoon::config
