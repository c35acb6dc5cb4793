#pragma once
/// @file The key that every chain must end in, and whose kind every verdict carries.

#include <string_view>

#include "attest/p256.h"
#include "attest/pck.h"
#include "cocoon/attestation.h"
#include "cocoon/result.h"

namespace cocoon::attest {

/// The FMSPC of simulated platforms: "COSIM" and a zero. Intel's name processor families and begin
/// with their CPUID signature, which this is not. Under the simulated root no other FMSPC is
/// accepted, and under any other root this one is refused.
inline constexpr Fmspc kSimulatedFmspc{0x43, 0x4F, 0x53, 0x49, 0x4D, 0x00};

/// A root that is trusted by its key; its certificate's other contents are checked, not trusted.
class TrustedRoot {
 public:
  /// Intel SGX Root CA.
  static TrustedRoot intel();
  /// The root of a simulated platform, from its `root.pem`.
  /// Errors: those of decode_pem_certificates and Certificate, attestation/root_not_self_signed,
  /// attestation/root_is_intel.
  static Result<TrustedRoot> simulated(std::string_view root_pem);
  /// A stand-in for Intel's root, for test vectors made under a throw-away PKI. Errors as above.
  static Result<TrustedRoot> stand_in_for_intel(std::string_view root_pem);

  TrustedRootKind kind() const { return kind_; }
  const P256PublicKey& key() const { return key_; }

 private:
  TrustedRoot(TrustedRootKind kind, P256PublicKey key) : kind_(kind), key_(std::move(key)) {}

  TrustedRootKind kind_;
  P256PublicKey key_;
};

}  // namespace cocoon::attest
