// Simulated evidence proves nothing: only development networks may accept it.

#include <gtest/gtest.h>

#include <fstream>

#include "attest/sim/platform.h"
#include "support/seeded_random.h"
#include "unit/io/test_loop.h"
#include "unit/store/temporary_folder.h"
#include "verify/verifier.h"

namespace cocoon::verify {
namespace {

using billing::NetworkKind;

/// A verifier of a network of some kind, for peers of some role.
class PolicyOnNetwork : public io::test::LoopTest,
                        public ::testing::WithParamInterface<std::tuple<NetworkKind, wire::Role>> {
 protected:
  PolicyOnNetwork() {
    test::SplitMix random{1};
    const auto platform =
        attest::sim::SimPlatform::create(random, unix_seconds(1'800'000'000)).value();
    const auto state = platform.serialize().value();
    std::ofstream(folder_.file(std::string(attest::sim::kRootFile))) << state.root_pem;
    std::ofstream(folder_.file(std::string(attest::sim::kCollateralFile))) << state.collateral_json;
  }

  static NetworkKind kind() { return std::get<0>(GetParam()); }
  static wire::Role role() { return std::get<1>(GetParam()); }

  /// What the verifier says to peers being judged under `root`.
  Status set_policy(TrustedRootKind root) {
    auto verifier = Verifier::create(context(), NetworkId{}, kind()).value();
    AttestationPolicy policy;
    policy.root = root;
    if (root == TrustedRootKind::simulated) policy.simulated_dir = folder_.file("");
    return verifier->set_policy(role(), std::move(policy));
  }

 private:
  test::TemporaryFolder folder_;
};

std::string name_of(const ::testing::TestParamInfo<PolicyOnNetwork::ParamType>& info) {
  const auto [kind, role] = info.param;
  return std::string(billing::to_string(kind)) + "_" + std::string(wire::to_string(role));
}

constexpr auto kRoles = {wire::Role::proxy, wire::Role::worker};

class RealNetwork : public PolicyOnNetwork {};

TEST_P(RealNetwork, AcceptsNoSimulatedEvidence) {
  const Status set = set_policy(TrustedRootKind::simulated);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(set.error().code(), "policy_not_for_network") << set.error().detail();
}

TEST_P(RealNetwork, AcceptsHardware) {
  const Status set = set_policy(TrustedRootKind::intel);
  EXPECT_TRUE(set) << set.error().detail();
}

INSTANTIATE_TEST_SUITE_P(All, RealNetwork,
                         ::testing::Combine(::testing::Values(NetworkKind::main, NetworkKind::test),
                                            ::testing::ValuesIn(kRoles)),
                         name_of);

class DevelopmentNetwork : public PolicyOnNetwork {};

TEST_P(DevelopmentNetwork, AcceptsSimulatedEvidence) {
  const Status set = set_policy(TrustedRootKind::simulated);
  EXPECT_TRUE(set) << set.error().detail();
}

INSTANTIATE_TEST_SUITE_P(All, DevelopmentNetwork,
                         ::testing::Combine(::testing::Values(NetworkKind::dev),
                                            ::testing::ValuesIn(kRoles)),
                         name_of);

}  // namespace
}  // namespace cocoon::verify
