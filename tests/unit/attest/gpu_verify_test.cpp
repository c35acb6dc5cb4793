#include "attest/gpu_verify.h"

#include <gtest/gtest.h>

#include <random>

#include "attest/sha384_certificate.h"
#include "unit/attest/forged_gpu.h"
#include "unit/attest/sim_platform.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

using test::ForgedGpu;

constexpr std::uint32_t kGpuSeed = 20261126;
using test::kNow;

std::string nvidia_text(const char* name) {
  return test::read_text(test::vector_dir() / "nvidia" / name);
}

GpuEvidence hopper() {
  GpuEvidence out;
  out.report = decode_hex(nvidia_text("hopper-report.hex")).value();
  out.certificates = nvidia_text("hopper-certchain.pem");
  return out;
}

GpuEvidence hopper_json() {
  return parse_gpu_evidence(nvidia_text("hopper_evidence.json")).value().front();
}

const Hash kHopperNonce =
    decode_hex_array<32>("931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb")
        .value();

/// Sets that a genuine report fits: of what it measured itself. (The vectors have no manifests of
/// its versions.)
std::vector<GpuMeasurementSet> own_sets(const GpuEvidence& evidence) {
  const GpuReport report = parse_gpu_report(evidence.report).value();
  GpuMeasurementSet::Digests driver, vbios;
  for (const auto& [index, digest] : report.measurements) {
    (index % 2 == 0 ? driver : vbios)[index] = {digest};
  }
  return {GpuMeasurementSet::create(GpuPart::driver, "GH100", report.opaque.driver_version, driver)
              .value(),
          GpuMeasurementSet::create(GpuPart::vbios, "GH100", report.opaque.vbios_version, vbios)
              .value()};
}

// --- the vectors ---

TEST(GpuVector, OfHopperIsGenuineUnderItsOwnMeasurements) {
  const GpuEvidence evidence = hopper();
  const GpuVerdict verdict =
      verify_gpu_evidence(evidence, kHopperNonce, own_sets(evidence), GpuRoot::nvidia(), kNow);
  EXPECT_EQ(verdict.text(), "Genuine");
  EXPECT_EQ(verdict.chip, "GH100");
  EXPECT_EQ(verdict.firmware.driver_version, "550.90.07");
  EXPECT_EQ(verdict.firmware.vbios_version, "96.00.9F.00.01");
  EXPECT_EQ(verdict.expires, parse_utc("9999-12-31T23:59:59Z"));
}

TEST(GpuVector, OfHopperHasNoSetOfItsVersionInTheManifests) {
  const auto none =
      GpuMeasurementSet::create(GpuPart::driver, "GH100", "550.144.03", {{2, {GpuDigest{}}}});
  const std::vector<GpuMeasurementSet> sets{*none};
  EXPECT_EQ(verify_gpu_evidence(hopper(), kHopperNonce, sets, GpuRoot::nvidia(), kNow).text(),
            "GPU_MEASUREMENTS_MISSING:driver GH100 550.90.07");
}

TEST(GpuVector, OfHopperWithProtectedPcieIsGenuine) {
  const GpuEvidence evidence = hopper_json();
  const GpuVerdict verdict = verify_gpu_evidence(evidence, *evidence.stated_nonce,
                                                 own_sets(evidence), GpuRoot::nvidia(), kNow);
  EXPECT_EQ(verdict.text(), "Genuine");
  EXPECT_EQ(verdict.firmware.mode, GpuMode::protected_pcie);
  EXPECT_EQ(verdict.firmware.driver_version, "590.12");
  EXPECT_EQ(verdict.firmware.vbios_version, "96.00.A5.00.01");
  GpuPolicy policy;
  policy.measurement_sets = {verdict.driver_set, verdict.vbios_set};
  const std::vector<GpuVerdict> gpus{verdict};
  const PolicyDecision decision = evaluate(gpus, policy, kNow);
  ASSERT_EQ(decision.refusals.size(), 1u);
  EXPECT_EQ(decision.refusals[0].code, "gpu_mode");
}

TEST(GpuVector, OfBadChainsIsRefused) {
  for (const auto& [file, text] : {std::pair("certchain-case2.pem", "GPU_CHAIN_UNTRUSTED:count"),
                                   std::pair("certchain-case3.pem", "GPU_CHAIN_UNTRUSTED:name"),
                                   std::pair("certchain-case4.pem", "GPU_CHAIN_UNTRUSTED:ca")}) {
    GpuEvidence evidence = hopper();
    evidence.certificates = nvidia_text(file);
    EXPECT_EQ(
        verify_gpu_evidence(evidence, kHopperNonce, own_sets(evidence), GpuRoot::nvidia(), kNow)
            .text(),
        text)
        << file;
  }
}

TEST(GpuVector, OfTheRootIsThePinnedOne) {
  EXPECT_EQ(self_signed_sha384_key(nvidia_text("device_root.pem")).value(),
            GpuRoot::nvidia().key());
  EXPECT_NE(self_signed_sha384_key(nvidia_text("rim_root.pem")).value(), GpuRoot::nvidia().key());
}

TEST(GpuVector, OfAnotherDevicesChainIsRefused) {
  GpuEvidence evidence = hopper();
  evidence.certificates = hopper_json().certificates;
  EXPECT_EQ(verify_gpu_evidence(evidence, kHopperNonce, own_sets(evidence), GpuRoot::nvidia(), kNow)
                .text(),
            "GPU_REPORT_SIGNATURE");
}

TEST(GpuVector, WithAnyBitFlippedIsRefused) {
  const GpuEvidence genuine = hopper();
  const auto sets = own_sets(genuine);
  std::mt19937 random(kGpuSeed);
  std::uniform_int_distribution<std::size_t> any(0, genuine.report.size() * 8 - 1);
  for (int i = 0; i < 60; ++i) {
    GpuEvidence evidence = genuine;
    const std::size_t bit = any(random);
    evidence.report[bit / 8] = static_cast<std::uint8_t>(evidence.report[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(
        verify_gpu_evidence(evidence, kHopperNonce, sets, GpuRoot::nvidia(), kNow).trusted())
        << "seed " << kGpuSeed << ", bit " << bit;
  }
}

TEST(GpuVector, WithAnyBitOfItsChainsDerFlippedIsRefused) {
  const GpuEvidence genuine = hopper();
  const auto sets = own_sets(genuine);
  const auto ders = decode_pem_certificates(genuine.certificates).value();
  std::mt19937 random(kGpuSeed);
  for (int i = 0; i < 60; ++i) {
    auto tampered = ders;
    Bytes& der = tampered[static_cast<std::size_t>(i) % ders.size()];
    const std::size_t bit =
        std::uniform_int_distribution<std::size_t>(0, der.size() * 8 - 1)(random);
    der[bit / 8] = static_cast<std::uint8_t>(der[bit / 8] ^ (1 << bit % 8));
    GpuEvidence evidence = genuine;
    evidence.certificates.clear();
    for (const Bytes& one : tampered) evidence.certificates += encode_pem_certificate(one);
    EXPECT_FALSE(
        verify_gpu_evidence(evidence, kHopperNonce, sets, GpuRoot::nvidia(), kNow).trusted())
        << "seed " << kGpuSeed << ", certificate " << i % 5 << ", bit " << bit;
  }
}

// --- each check by itself, under a root of our own ---

TEST(GpuVerify, AcceptsWhatIsInOrder) {
  ForgedGpu forged;
  const GpuVerdict verdict = forged.verify();
  EXPECT_EQ(verdict.text(), "Genuine");
  EXPECT_EQ(verdict.driver_set, forged.sets()[0].hash());
  EXPECT_EQ(verdict.vbios_set, forged.sets()[1].hash());
  EXPECT_EQ(verdict.expires, forged.to);
  EXPECT_EQ(verdict.firmware.mode, GpuMode::single);
}

TEST(GpuVerify, ReadsTheFirmwareIdAsBlackwellHasIt) {
  ForgedGpu forged;
  forged.blackwell = true;
  EXPECT_EQ(forged.verify().text(), "Genuine");
  (*forged.certified_fwid)[0] ^= 1;
  EXPECT_EQ(forged.verify().text(), "GPU_FWID_MISMATCH");
}

TEST(GpuVerify, RefusesARootThatIsNotTrusted) {
  ForgedGpu forged;
  EXPECT_EQ(verify_gpu_evidence(forged.evidence(), forged.nonce, forged.sets(), GpuRoot::nvidia(),
                                forged.now)
                .text(),
            "GPU_CHAIN_UNTRUSTED:root");
}

TEST(GpuVerify, RefusesMalformedParts) {
  ForgedGpu forged;
  GpuEvidence evidence = forged.evidence();
  evidence.report.pop_back();
  const auto text = [&] {
    return verify_gpu_evidence(evidence, forged.nonce, forged.sets(), forged.trusted(), forged.now)
        .text();
  };
  EXPECT_EQ(text(), "GPU_REPORT_FORMAT");
  evidence = forged.evidence();
  evidence.certificates = "x";
  EXPECT_EQ(text(), "GPU_CHAIN_UNTRUSTED:format");
  evidence.certificates.clear();
  EXPECT_EQ(text(), "GPU_CHAIN_UNTRUSTED:count");
}

TEST(GpuVerify, RefusesWrongNames) {
  ForgedGpu forged;
  forged.identity.subject = forged.device.issuer = "NVIDIA  Identity";
  EXPECT_EQ(forged.verify().text(), "GPU_CHAIN_UNTRUSTED:name");
  ForgedGpu other;
  other.leaf.subject = "GB100 A01 GSP FMC LF";
  EXPECT_EQ(other.verify().text(), "GPU_CHAIN_UNTRUSTED:name");
  ForgedGpu third;
  third.leaf.issuer = "GH100 A02 GSP BROM";
  EXPECT_EQ(third.verify().text(), "GPU_CHAIN_UNTRUSTED:name");
}

TEST(GpuVerify, RefusesWrongRoles) {
  ForgedGpu forged;
  forged.leaf.is_ca = true;
  EXPECT_EQ(forged.verify().text(), "GPU_CHAIN_UNTRUSTED:ca");
  ForgedGpu other;
  other.device.is_ca = false;
  EXPECT_EQ(other.verify().text(), "GPU_CHAIN_UNTRUSTED:ca");
  ForgedGpu third;
  third.identity.path_length = 0;
  EXPECT_EQ(third.verify().text(), "GPU_CHAIN_UNTRUSTED:ca");
  third.identity.path_length = 1;
  EXPECT_EQ(third.verify().text(), "Genuine");
}

TEST(GpuVerify, RefusesCertificatesThatTheIssuerDidNotSign) {
  ForgedGpu forged;
  const std::string genuine = forged.certificates();
  forged.device_key = test::ForgedKey();
  const std::string stranger = forged.certificates();
  // The stranger's leaf before the genuine rest.
  const std::string kEnd = "-----END CERTIFICATE-----\n";
  GpuEvidence evidence = forged.evidence();
  evidence.certificates = stranger.substr(0, stranger.find(kEnd) + kEnd.size()) +
                          genuine.substr(genuine.find(kEnd) + kEnd.size());
  EXPECT_EQ(verify_gpu_evidence(evidence, forged.nonce, forged.sets(), forged.trusted(), forged.now)
                .text(),
            "GPU_CHAIN_UNTRUSTED:signature");
}

TEST(GpuVerify, RefusesAReportThatTheLeafDidNotSign) {
  ForgedGpu forged;
  GpuEvidence evidence = forged.evidence();
  forged.leaf_key = test::ForgedKey();
  evidence.report = forged.report();
  EXPECT_EQ(verify_gpu_evidence(evidence, forged.nonce, forged.sets(), forged.trusted(), forged.now)
                .text(),
            "GPU_REPORT_SIGNATURE");
}

TEST(GpuVerify, RefusesCertificatesOutsideTheirDates) {
  ForgedGpu forged;
  forged.device.to = forged.now - Seconds(1);
  EXPECT_EQ(forged.verify().text(), "GPU_EXPIRED");
  ForgedGpu other;
  other.identity.from = other.now + Seconds(1);
  EXPECT_EQ(other.verify().text(), "GPU_NOT_YET_VALID");
}

TEST(GpuVerify, RefusesAnotherNonce) {
  ForgedGpu forged;
  Hash other = forged.nonce;
  other[31] ^= 1;
  EXPECT_EQ(
      verify_gpu_evidence(forged.evidence(), other, forged.sets(), forged.trusted(), forged.now)
          .text(),
      "GPU_NONCE_MISMATCH");
}

TEST(GpuVerify, RefusesFirmwareThatIsNotTheKeys) {
  ForgedGpu forged;
  (*forged.fwid)[47] ^= 1;
  EXPECT_EQ(forged.verify().text(), "GPU_FWID_MISMATCH");
  forged.fwid.reset();
  EXPECT_EQ(forged.verify().text(), "GPU_FWID_MISMATCH:missing");
  ForgedGpu other;
  other.certified_fwid.reset();
  EXPECT_EQ(other.verify().text(), "GPU_FWID_MISMATCH:missing");
}

TEST(GpuVerify, RefusesMeasurementsThatAreNotAllowed) {
  ForgedGpu forged;
  forged.measured[9][0] ^= 1;
  forged.measured[12][0] ^= 1;
  EXPECT_EQ(forged.verify().text(), "GPU_MEASUREMENTS_MISMATCH:9,12");
  forged.measured.erase(2);
  EXPECT_EQ(forged.verify().text(), "GPU_MEASUREMENTS_MISMATCH:2,9,12");
}

TEST(GpuVerify, AcceptsAnyOfAMeasurementsDigests) {
  ForgedGpu forged;
  forged.driver[9].push_back(GpuDigest{});
  EXPECT_EQ(forged.verify().text(), "Genuine");
  forged.measured[9] = {};
  EXPECT_EQ(forged.verify().text(), "Genuine");
}

TEST(GpuVerify, LooksAtTheVideoDecodersMeasurementOnlyWhereItIsOn) {
  ForgedGpu forged;
  forged.measured[35][0] ^= 1;
  EXPECT_EQ(forged.verify().text(), "GPU_MEASUREMENTS_MISMATCH:35");
  std::erase_if(forged.opaque, [](const auto& one) { return one.first == 11; });
  EXPECT_EQ(forged.verify().text(), "GPU_MEASUREMENTS_MISMATCH:35") << "unstated counts as on";
  forged.opaque.push_back({11, {0x55}});
  EXPECT_EQ(forged.verify().text(), "Genuine");
  forged.measured[9][0] ^= 1;
  EXPECT_EQ(forged.verify().text(), "GPU_MEASUREMENTS_MISMATCH:9");
}

TEST(GpuVerify, RefusesSetsThatShareAnIndex) {
  ForgedGpu forged;
  forged.vbios[9] = {forged.measured[9]};
  EXPECT_EQ(forged.verify().text(), "GPU_MEASUREMENTS_CONFLICT:9");
}

TEST(GpuVerify, NeedsASetForBothParts) {
  ForgedGpu forged;
  const auto text = [&](std::vector<GpuMeasurementSet> sets) {
    return verify_gpu_evidence(forged.evidence(), forged.nonce, sets, forged.trusted(), forged.now)
        .text();
  };
  const auto both = forged.sets();
  EXPECT_EQ(text({both[1]}), "GPU_MEASUREMENTS_MISSING:driver GH100 550.90.07");
  EXPECT_EQ(text({both[0]}), "GPU_MEASUREMENTS_MISSING:vbios GH100 96.00.9F.00.01");
  const auto chip =
      GpuMeasurementSet::create(GpuPart::vbios, "GB100", "96.00.9F.00.01", forged.vbios);
  EXPECT_EQ(text({both[0], *chip}), "GPU_MEASUREMENTS_MISSING:vbios GH100 96.00.9F.00.01");
}

TEST(GpuVerify, FindsTheSetThatFitsAmongSeveralOfAVersion) {
  ForgedGpu forged;
  auto sets = forged.sets();
  GpuMeasurementSet::Digests other = forged.vbios;
  other[1] = {GpuDigest{}};
  sets.insert(sets.begin(),
              GpuMeasurementSet::create(GpuPart::vbios, "GH100", "96.00.9F.00.01", other).value());
  const GpuVerdict verdict =
      verify_gpu_evidence(forged.evidence(), forged.nonce, sets, forged.trusted(), forged.now);
  EXPECT_EQ(verdict.text(), "Genuine");
  EXPECT_EQ(verdict.vbios_set, sets.back().hash());
}

// --- policy ---

class GpuPolicyTest : public testing::Test {
 protected:
  GpuPolicyTest() {
    gpus_ = {forged_.verify()};
    policy_.measurement_sets = {gpus_[0].driver_set, gpus_[0].vbios_set};
  }

  std::string refusals(UnixTime now = kNow) const {
    std::string out;
    for (const Refusal& refusal : evaluate(gpus_, policy_, now).refusals) {
      out += (out.empty() ? "" : ",") + std::string(refusal.code);
    }
    return out;
  }

  ForgedGpu forged_;
  std::vector<GpuVerdict> gpus_;
  GpuPolicy policy_;
};

TEST_F(GpuPolicyTest, AdmitsWhatItShould) {
  EXPECT_EQ(refusals(), "");
}

TEST_F(GpuPolicyTest, AdmitsNoneByDefault) {
  policy_ = {};
  EXPECT_EQ(refusals(), "gpu_measurement_set,gpu_measurement_set");
}

TEST_F(GpuPolicyTest, RefusesANodeWithoutGpus) {
  gpus_.clear();
  EXPECT_EQ(refusals(), "gpu_none");
}

TEST_F(GpuPolicyTest, RefusesAnyFault) {
  gpus_[0].faults.push_back({GpuFault::nonce_mismatch, ""});
  EXPECT_EQ(refusals(), "gpu_untrusted");
}

TEST_F(GpuPolicyTest, NeedsBothSetsOnItsList) {
  policy_.measurement_sets = {gpus_[0].driver_set};
  EXPECT_EQ(refusals(), "gpu_measurement_set");
  policy_.measurement_sets = {gpus_[0].vbios_set};
  EXPECT_EQ(refusals(), "gpu_measurement_set");
}

TEST_F(GpuPolicyTest, RefusesAVerdictThatHasExpired) {
  EXPECT_EQ(refusals(gpus_[0].expires), "");
  EXPECT_EQ(refusals(gpus_[0].expires + Millis(1)), "gpu_expired");
}

TEST_F(GpuPolicyTest, AdmitsEncryptedModesOnly) {
  for (const auto& [mode, code] :
       {std::pair(GpuMode::single, ""), std::pair(GpuMode::multi, ""),
        std::pair(GpuMode::protected_pcie, "gpu_mode"), std::pair(GpuMode::unstated, "gpu_mode")}) {
    gpus_[0].firmware.mode = mode;
    EXPECT_EQ(refusals(), code) << to_string(mode);
  }
  policy_.modes = {GpuMode::unstated};
  EXPECT_EQ(refusals(), "");
}

TEST_F(GpuPolicyTest, CountsADeviceOnce) {
  gpus_.push_back(gpus_[0]);
  EXPECT_EQ(refusals(), "gpu_twice");
  gpus_[1].device[0] ^= 1;
  EXPECT_EQ(refusals(), "");
}

TEST_F(GpuPolicyTest, MayNeedADeviceOfAList) {
  policy_.devices.emplace();
  EXPECT_EQ(refusals(), "gpu_device");
  policy_.devices = {gpus_[0].device};
  EXPECT_EQ(refusals(), "");
}

}  // namespace
}  // namespace cocoon::attest
