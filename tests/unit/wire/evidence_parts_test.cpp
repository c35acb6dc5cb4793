#include "wire/evidence_parts.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "unit/wire/samples.h"
#include "wire/codec.h"

namespace cocoon {
namespace {

using namespace wire;

const EvidenceDigest kDigest{test::filled<32>(1)};

TEST(EvidenceAssembly, RefusesPartsThatDoNotContinueEachOther) {
  const Bytes certificate(limits::kMaxEvidencePartBytes + 100, 7);
  const std::vector<Evidence> parts = split_evidence(kDigest, certificate);
  ASSERT_EQ(parts.size(), 2u);
  const auto refuses = [&](Evidence second) {
    EvidenceAssembly assembly(kDigest);
    EXPECT_TRUE(assembly.add(parts[0]));
    const auto result = assembly.add(second);
    return !result && result.error().code() == "bad_evidence_part";
  };
  EXPECT_TRUE(refuses(parts[0])) << "repeated";
  Evidence other = parts[1];
  other.digest = {};
  EXPECT_TRUE(refuses(other)) << "of another certificate";
  other = parts[1];
  ++other.total;
  EXPECT_TRUE(refuses(other)) << "of another size";
  other = parts[1];
  other.part = certificate;
  EXPECT_TRUE(refuses(other)) << "too long";
  other = parts[1];
  other.part = {};
  EXPECT_TRUE(refuses(other)) << "empty";
  EvidenceAssembly assembly(kDigest);
  EXPECT_FALSE(assembly.add(parts[1])) << "out of order";
}

TEST(EvidenceAssembly, PutsTheLargestCertificateTogetherFromFrames) {
  Bytes certificate(limits::kMaxShownEvidenceBytes);
  for (std::size_t i = 0; i < certificate.size(); ++i) certificate[i] = std::uint8_t(i * 7);
  EvidenceAssembly assembly(kDigest);
  std::optional<Bytes> whole;
  for (const Evidence& part : split_evidence(kDigest, certificate)) {
    ASSERT_FALSE(whole);
    Bytes frame;
    encode(frame, part);
    ASSERT_LE(frame.size(), limits::kMaxFrameBytes);
    const auto message = decode(ByteView(frame).subspan(4));
    ASSERT_TRUE(message) << message.error().detail();
    auto added = assembly.add(std::get<Evidence>(*message));
    ASSERT_TRUE(added) << added.error().detail();
    whole = std::move(*added);
  }
  EXPECT_EQ(whole, certificate);
}

TEST(EvidenceAssembly, SaysThatThePeerDoesNotHaveIt) {
  EvidenceAssembly assembly(kDigest);
  const std::vector<Evidence> parts = split_evidence(kDigest, {});
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(*assembly.add(parts[0]), Bytes());
}

}  // namespace
}  // namespace cocoon
