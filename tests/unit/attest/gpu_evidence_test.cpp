#include "attest/gpu_evidence.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "crypto/hash.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

std::string code(std::string_view text) {
  const auto gpus = parse_gpu_evidence(text);
  return gpus ? "" : std::string(gpus.error().code());
}

TEST(GpuEvidence, ReadsNvidiasFormAndWritesIt) {
  const auto text = test::read_text(test::vector_dir() / "nvidia" / "hopper_evidence.json");
  const auto gpus = parse_gpu_evidence(text);
  ASSERT_TRUE(gpus);
  ASSERT_EQ(gpus->size(), 1u);
  EXPECT_EQ((*gpus)[0].report.size(), 4274u);
  EXPECT_EQ((*gpus)[0].certificates.substr(0, 10), "-----BEGIN");
  ASSERT_TRUE((*gpus)[0].stated_nonce);
  EXPECT_EQ(encode_hex(*(*gpus)[0].stated_nonce).substr(0, 8), "e97b23a1");
  const auto again = parse_gpu_evidence(gpu_evidence_json(*gpus));
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)[0].report, (*gpus)[0].report);
  EXPECT_EQ((*again)[0].certificates, (*gpus)[0].certificates);
  EXPECT_EQ((*again)[0].stated_nonce, (*gpus)[0].stated_nonce);
}

TEST(GpuEvidence, RefusesOtherForms) {
  ASSERT_EQ(code(R"([{"evidence":"AA==","certificate":"AA=="}])"), "");
  for (const char* text : {
           "",
           "{",
           "{}",
           "[]",
           "[1]",
           "[{}]",
           R"([{"evidence":"AA=="}])",
           R"([{"certificate":"AA=="}])",
           R"([{"evidence":1,"certificate":"AA=="}])",
           R"([{"evidence":"A","certificate":"AA=="}])",
           R"([{"evidence":"AA==","certificate":"?"}])",
           R"([{"evidence":"AA==","certificate":"AA==","nonce":1}])",
           R"([{"evidence":"AA==","certificate":"AA==","nonce":"00"}])",
           R"([{"evidence":"AA==","evidence":"AA==","certificate":"AA=="}])",
       }) {
    EXPECT_EQ(code(text), "gpu_evidence_format") << text;
  }
}

TEST(GpuEvidence, RefusesTooManyGpusAndTooLongTexts) {
  std::string text = "[";
  for (std::size_t i = 0; i <= limits::kMaxGpus; ++i) {
    text += std::string(i == 0 ? "" : ",") + R"({"evidence":"AA==","certificate":"AA=="})";
  }
  EXPECT_EQ(code(text + "]"), "gpu_evidence_format");
  EXPECT_EQ(code(std::string(limits::kMaxGpuEvidenceBytes + 1, ' ')), "gpu_evidence_too_large");
}

TEST(GpuEvidence, DerivesTheNonceFromTheNodesKey) {
  const Bytes spki{1, 2, 3};
  Bytes preimage = to_bytes(as_bytes("cocoon-gpu-nonce-v1"));
  append(preimage, Bytes{0, 1, 2, 3});
  EXPECT_EQ(gpu_nonce(spki), crypto::sha256(preimage));
  EXPECT_NE(gpu_nonce(spki), gpu_nonce(Bytes{1, 2, 4}));
}

TEST(GpuEvidence, HasADigestOfAllOfItInOrder) {
  const std::vector<GpuEvidence> two{{{1, 2}, "ab", {}}, {{3}, "c", {}}};
  Bytes preimage = to_bytes(as_bytes("cocoon-gpu-evidence-v1"));
  append(preimage,
         Bytes{0, 0, 0, 0, 2, 1, 2, 0, 0, 0, 2, 'a', 'b', 0, 0, 0, 1, 3, 0, 0, 0, 1, 'c'});
  EXPECT_EQ(gpu_evidence_digest(two), crypto::sha256(preimage));
  const std::vector<GpuEvidence> swapped{two[1], two[0]};
  EXPECT_NE(gpu_evidence_digest(swapped), gpu_evidence_digest(two));
  const std::vector<GpuEvidence> moved{{{1}, "ab", {}}, {{2, 3}, "c", {}}};
  EXPECT_NE(gpu_evidence_digest(moved), gpu_evidence_digest(two));
}

}  // namespace
}  // namespace cocoon::attest
