/// Workers whose evidence is not whole without that of their GPUs: the proxy lists nobody, and the
/// client seals for nobody, before it has seen all of it. (What is good evidence, the verifier
/// says; here it is the bytes that the world expects.)

#include "base/limits.h"
#include "unit/core/rogue_client.h"
#include "unit/core/rogue_worker.h"
#include "wire/evidence_parts.h"

namespace cocoon::core::test {
namespace {

const Bytes kGpus{0x82, 0x81, 0x01, 0x80};

class GpuWorkers : public ::testing::Test {
 protected:
  GpuWorkers() : net({.workers = 1}) {}

  /// The only worker, by hand. It owes `gpus`; `before` comes right ahead of its record.
  RogueWorker& boot_rogue(const std::optional<Bytes>& gpus,
                          const std::function<void(RogueWorker&)>& before) {
    net.proxy().boot();
    if (gpus) net.worker().owe_gpus(*gpus);
    RogueWorker& rogue = boot_rogue_worker(net, net.worker(), [&](RogueWorker& r) {
      r.edit_record = [&r, before](wire::WorkerRecord&) { before(r); };
    });
    net.boot();
    net.run(Millis(1000));
    return rogue;
  }
  /// Shows `shown` under the digest of the worker's certificate.
  void show(RogueWorker& rogue, ByteView shown) {
    const EvidenceDigest digest = net.worker().evidence()->digest;
    for (const auto& part : wire::split_evidence(digest, shown)) rogue.send_raw(part);
  }
  void expect_thrown_out(const RogueWorker& rogue, std::string_view code) {
    ASSERT_TRUE(rogue.ended);
    EXPECT_TRUE(net.said(net.proxy(), code)) << rogue.ended->detail();
    EXPECT_EQ(net.proxy().proxy().counts().workers, 0u);
  }

  Network net;
};

TEST_F(GpuWorkers, WithoutTheEvidenceThatTheyOweAreRefused) {
  const RogueWorker& rogue = boot_rogue(Bytes{}, [](RogueWorker&) {});
  expect_thrown_out(rogue, "gpu_missing");
  EXPECT_NE(rogue.ended->detail().find("gpu = \"nvidia\""), std::string::npos)
      << rogue.ended->detail();
}

TEST_F(GpuWorkers, WithOtherEvidenceAreRefused) {
  const RogueWorker& rogue = boot_rogue(kGpus, [&](RogueWorker& r) {
    Bytes shown = net.worker().shown();
    shown.back() ^= 1;
    show(r, shown);
  });
  expect_thrown_out(rogue, "unknown");
}

TEST_F(GpuWorkers, WithTheCertificateAloneAreRefused) {
  const RogueWorker& rogue =
      boot_rogue(kGpus, [&](RogueWorker& r) { show(r, net.worker().evidence()->certificate); });
  expect_thrown_out(rogue, "unknown");
}

TEST_F(GpuWorkers, WithHalfOfTheEvidenceAreRefused) {
  const RogueWorker& rogue = boot_rogue(kGpus, [&](RogueWorker& r) {
    const Bytes shown = net.worker().shown();
    r.send_raw(wire::Evidence{.digest = net.worker().evidence()->digest,
                              .total = static_cast<std::uint32_t>(shown.size()),
                              .offset = 0,
                              .part = ByteView(shown).first(10)});
  });
  expect_thrown_out(rogue, "gpu_missing");
}

TEST_F(GpuWorkers, WithEvidenceUnderAnotherDigestAreRefused) {
  const RogueWorker& rogue = boot_rogue(kGpus, [&](RogueWorker& r) {
    const Bytes shown = net.worker().shown();
    for (const auto& part : wire::split_evidence(EvidenceDigest{}, shown)) r.send_raw(part);
  });
  expect_thrown_out(rogue, "bad_evidence_part");
}

TEST_F(GpuWorkers, ThatShowTheirEvidenceTwiceAreRefused) {
  const RogueWorker& rogue = boot_rogue(kGpus, [&](RogueWorker& r) {
    show(r, net.worker().shown());
    show(r, net.worker().shown());
  });
  expect_thrown_out(rogue, "unexpected_message");
}

TEST_F(GpuWorkers, ThatShowEvidenceWhichNobodyWantsAreRefused) {
  const RogueWorker& rogue =
      boot_rogue(std::nullopt, [&](RogueWorker& r) { show(r, net.worker().shown()); });
  expect_thrown_out(rogue, "unexpected_message");
}

TEST_F(GpuWorkers, ThatShowTheEvidenceOfAnotherAreRefused) {
  Network two({.workers = 2});
  two.proxy().boot();
  two.worker(0).owe_gpus(kGpus);
  two.worker(1).owe_gpus({0x07});
  two.worker(1).boot();
  const RogueWorker& rogue = boot_rogue_worker(two, two.worker(0), [&](RogueWorker& r) {
    r.edit_record = [&](wire::WorkerRecord&) {
      // Sound, but of the other worker's certificate.
      const EvidenceDigest own = two.worker(0).evidence()->digest;
      const Bytes shown = two.worker(1).shown();
      for (const auto& part : wire::split_evidence(own, shown)) r.send_raw(part);
    };
  });
  two.boot();
  two.run(Millis(1000));
  ASSERT_TRUE(rogue.ended);
  EXPECT_TRUE(two.said(two.proxy(), "evidence_mismatch")) << rogue.ended->detail();
}

TEST_F(GpuWorkers, WaitForTheVerdictAndThenServe) {
  net.worker().owe_gpus(kGpus);
  net.boot();
  net.expect_served(net.ask());
}

TEST_F(GpuWorkers, ServeOnAfterTheirCertificateWasRenewed) {
  net.worker().owe_gpus(kGpus);
  net.boot();
  net.expect_served(net.ask());
  net.worker().renew();
  net.run(Millis(5000));
  net.expect_served(net.ask());
  EXPECT_EQ(net.proxy().proxy().counts().workers, 1u);
}

TEST_F(GpuWorkers, AreSealedForByNobodyWhoDidNotSeeTheirGpus) {
  net.worker().owe_gpus(kGpus);
  // The proxy passes on the certificate alone.
  net.meddle = [&](Hop& hop) {
    auto* part = hop.as<wire::Evidence>();
    if (part == nullptr || !hop.between(wire::Role::proxy, wire::Role::client)) return;
    const std::size_t size = net.worker().evidence()->certificate.size();
    part->total = static_cast<std::uint32_t>(size);
    part->part = part->part.first(size);
  };
  net.boot();
  const Asked asked = net.ask();
  EXPECT_FALSE(net.outcome(asked).status);
  EXPECT_EQ(net.executions(asked), 0u);
}

}  // namespace
}  // namespace cocoon::core::test
