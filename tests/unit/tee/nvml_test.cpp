// GPU evidence by the stand-in for NVIDIA's library (tests/support/nvml_stand_in.cpp), which is
// loaded as the real one is.

#include "tee/nvml.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "attest/gpu_verify.h"
#include "base/limits.h"
#include "support/stand_in_gpu.h"
#include "tee/gpu_source.h"
#include "unit/store/temporary_folder.h"

namespace cocoon::tee {
namespace {

const Hash kNonce{0x5A, 0x01};

class Nvml : public ::testing::Test {
 protected:
  ~Nvml() override { unsetenv("COCOON_STAND_IN_GPUS"); }

  static void machine(const char* what) { setenv("COCOON_STAND_IN_GPUS", what, 1); }
  static void expect_refused(const std::string& library, std::string_view code,
                             std::string_view reason) {
    const auto found = nvml_evidence(library, kNonce);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code(), code);
    EXPECT_NE(found.error().detail().find(reason), std::string::npos) << found.error().detail();
  }
  static void expect_refused(const char* what, std::string_view code, std::string_view reason) {
    machine(what);
    expect_refused(std::string(COCOON_TEST_NVML), code, reason);
  }
};

TEST_F(Nvml, WithoutTheLibrarySaysThatADriverIsNeeded) {
  expect_refused(std::string("/nonexistent/libnvidia-ml.so.1"), "nvml_missing",
                 "install the driver");
}

TEST_F(Nvml, OfALibraryThatIsTooOldSaysWhichDriverIsNeeded) {
  // A library that is there on every Linux, and has none of the functions.
  expect_refused(std::string("libc.so.6"), "nvml_missing", "no function nvmlInit_v2");
}

TEST_F(Nvml, WithoutALoadedDriverSaysHowToLoadIt) {
  expect_refused("1 no_driver", "nvml_failed", "modprobe nvidia");
}

TEST_F(Nvml, WithoutAGpuSaysSo) {
  expect_refused("0", "gpu_none", "knows no GPU");
}

TEST_F(Nvml, OfMoreGpusThanANodeMayShowSaysSo) {
  expect_refused("33", "gpu_too_many", "33 GPUs");
}

TEST_F(Nvml, WithConfidentialComputingOffSaysWhoTurnsItOn) {
  expect_refused("1 off", "gpu_not_confidential", "the host turns it on");
}

TEST_F(Nvml, OfAGpuThatSignsNothingSaysWhichAndWhy) {
  expect_refused("1 unsupported", "nvml_failed", "make the report of GPU 0 (Not Supported)");
}

TEST_F(Nvml, OverAnotherNonceIsNotShown) {
  expect_refused("1 other_nonce", "gpu_report_of_other_nonce", "the report of GPU 0");
}

TEST_F(Nvml, ThatCannotBeReadIsNotShown) {
  expect_refused("1 garbage", "gpu_report_format", "the report of GPU 0");
}

TEST_F(Nvml, OfASizeThatCannotBeIsNotRead) {
  expect_refused("1 oversized", "nvml_failed", "more bytes than it can have written");
}

TEST_F(Nvml, OfEveryGpuIsGenuine) {
  machine("2");
  const auto found = nvml_evidence(COCOON_TEST_NVML, kNonce);
  ASSERT_TRUE(found) << found.error().detail();
  ASSERT_EQ(found->size(), 2u);
  const auto gpu = test::stand_in_gpu(0, kNonce);
  const UnixTime now = attest::parse_utc("2026-11-26T00:00:00Z").value();
  for (const attest::GpuEvidence& evidence : *found) {
    EXPECT_EQ(attest::verify_gpu_evidence(evidence, kNonce, gpu.sets(), gpu.trusted(), now).text(),
              "Genuine");
  }
}

// --- with the measurement sets ---

class Gpus : public Nvml {
 protected:
  Gpus() {
    options.gpu = EvidenceSource::Gpu::nvidia;
    options.nvml = COCOON_TEST_NVML;
  }
  std::string file(const std::string& name, const std::string& text) {
    const std::string path = folder.file(name);
    std::ofstream(path) << text;
    options.gpu_set_files.push_back(path);
    return path;
  }
  void expect_refused(std::string_view code, std::string_view reason) {
    machine("1");
    const auto found = collect_gpus(options, kNonce);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code(), code);
    EXPECT_NE(found.error().detail().find(reason), std::string::npos) << found.error().detail();
  }

  cocoon::test::TemporaryFolder folder;
  EvidenceSource options;
};

TEST_F(Gpus, WithoutTheFileOfASetSayWhoMakesIt) {
  options.gpu_set_files = {"/nonexistent/driver.txt"};
  expect_refused("gpu_set_unreadable", "cocoon-attest rim");
}

TEST_F(Gpus, WithAFileThatIsNoSetSayWhichItIs) {
  const std::string path = file("driver.txt", "no set\n");
  expect_refused("gpu_measurements_invalid", path);
}

TEST_F(Gpus, WithMoreSetsThanMayBeShownSaySo) {
  options.gpu_set_files.assign(limits::kMaxGpuSets + 1, "/nonexistent");
  expect_refused("gpu_too_many_sets", "9 measurement sets");
}

TEST_F(Gpus, AreCollectedWithTheirSets) {
  machine("1");
  const auto sets = test::stand_in_gpu(0, kNonce).sets();
  file("driver.txt", sets[0].text());
  file("vbios.txt", sets[1].text());
  const auto found = collect_gpus(options, kNonce);
  ASSERT_TRUE(found) << found.error().detail();
  EXPECT_EQ(found->gpus.size(), 1u);
  ASSERT_EQ(found->sets.size(), 2u);
  EXPECT_EQ(found->sets[1].hash(), sets[1].hash());
}

}  // namespace
}  // namespace cocoon::tee
