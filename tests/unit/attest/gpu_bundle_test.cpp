#include "attest/gpu_bundle.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "codec/cbor.h"
#include "unit/attest/forged_gpu.h"

namespace cocoon::attest {
namespace {

/// [[[report, chain] * gpus], [set * sets]]
Bytes bundle_of(std::size_t gpus, std::size_t sets, std::string_view set) {
  cbor::Writer out;
  out.array(2).array(gpus);
  for (std::size_t i = 0; i < gpus; ++i) out.array(2).byte_string(Bytes{1}).byte_string(Bytes{2});
  out.array(sets);
  for (std::size_t i = 0; i < sets; ++i) out.byte_string(as_bytes(set));
  return out.take();
}

std::string set_text() {
  return test::ForgedGpu().sets().front().text();
}

void expect_refused(ByteView bytes, std::string_view code) {
  const auto parsed = parse_gpu_bundle(bytes);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), code) << parsed.error().detail();
}

TEST(GpuBundle, WithoutAGpuIsRefused) {
  expect_refused(bundle_of(0, 1, set_text()), "gpu_evidence_format");
}

TEST(GpuBundle, WithMoreGpusThanANodeMayShowIsRefused) {
  expect_refused(bundle_of(limits::kMaxGpus + 1, 0, ""), "gpu_evidence_format");
  EXPECT_TRUE(parse_gpu_bundle(bundle_of(limits::kMaxGpus, 0, "")));
}

TEST(GpuBundle, WithMoreSetsThanANodeMayShowIsRefused) {
  expect_refused(bundle_of(1, limits::kMaxGpuSets + 1, set_text()), "gpu_evidence_format");
  EXPECT_TRUE(parse_gpu_bundle(bundle_of(1, limits::kMaxGpuSets, set_text())));
}

TEST(GpuBundle, OfASetInAnotherSpellingIsRefused) {
  expect_refused(bundle_of(1, 1, set_text() + "\n"), "gpu_evidence_format");
}

TEST(GpuBundle, WithBytesBehindItIsRefused) {
  Bytes bytes = bundle_of(1, 1, set_text());
  bytes.push_back(0);
  expect_refused(bytes, "gpu_evidence_format");
}

TEST(GpuBundle, CutAtAnyByteIsRefused) {
  const Bytes whole = bundle_of(2, 1, set_text());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_refused(ByteView(whole).first(size), "gpu_evidence_format");
  }
}

TEST(GpuBundle, LargerThanItsLimitIsNeitherReadNorWritten) {
  expect_refused(Bytes(limits::kMaxGpuBundleBytes + 1), "gpu_evidence_too_large");
  GpuBundle bundle;
  bundle.gpus.push_back({Bytes(limits::kMaxGpuBundleBytes), "", std::nullopt});
  EXPECT_EQ(encode_gpu_bundle(bundle).error().code(), "gpu_evidence_too_large");
}

TEST(GpuBundle, ComesBackAsItWas) {
  const test::ForgedGpu gpu;
  const GpuBundle bundle{{gpu.evidence(), gpu.evidence()}, gpu.sets()};
  const GpuBundle back = parse_gpu_bundle(encode_gpu_bundle(bundle).value()).value();
  EXPECT_EQ(gpu_evidence_digest(back.gpus), gpu_evidence_digest(bundle.gpus));
  ASSERT_EQ(back.sets.size(), 2u);
  EXPECT_EQ(back.sets[0].hash(), bundle.sets[0].hash());
  EXPECT_EQ(back.sets[1].hash(), bundle.sets[1].hash());
}

TEST(ShownEvidence, IsCutBehindTheCertificate) {
  const Bytes shown{0x30, 0x02, 7, 8, 9, 10};
  const ShownEvidence parts = split_shown(shown);
  EXPECT_EQ(to_bytes(parts.certificate), (Bytes{0x30, 0x02, 7, 8}));
  EXPECT_EQ(to_bytes(parts.gpu), (Bytes{9, 10}));
}

TEST(ShownEvidence, IsAllCertificateWhereItsSizeCannotBeRead) {
  for (const Bytes& shown : {Bytes{}, Bytes{0x30}, Bytes{0x30, 0x05, 1}, Bytes{0x30, 0x80, 0, 0}}) {
    const ShownEvidence parts = split_shown(shown);
    EXPECT_EQ(parts.certificate.size(), shown.size());
    EXPECT_TRUE(parts.gpu.empty());
  }
}

}  // namespace
}  // namespace cocoon::attest
