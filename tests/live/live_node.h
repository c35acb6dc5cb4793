#pragma once
/// @file One node and one peer, each with a real socket, for tests of who gets in.

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "attest/evidence.h"
#include "attest/gpu_bundle.h"
#include "attest/sim/platform.h"
#include "crypto/ed25519.h"
#include "io/secure_connection.h"
#include "io/tcp.h"
#include "live/recording_core.h"
#include "node/driver.h"
#include "support/sim_defects.h"
#include "unit/io/test_loop.h"
#include "unit/store/temporary_folder.h"
#include "verify/verifier.h"

namespace cocoon::live {

/// A key, the certificate over it with evidence (or none), and the collateral by which it is
/// judged.
struct Credentials {
  crypto::SigningKey key;
  Bytes certificate;
  attest::CollateralText collateral;
  attest::GpuBundle gpus{};  ///< of with_gpus()

  node::OwnCertificate tls() const;
  /// The certificate, and behind it the evidence of the GPUs.
  Bytes shown() const;
};

/// The platform of all tests: making its keys costs milliseconds.
const attest::sim::SimPlatform& platform();
const NetworkId& network();

/// The guest whose image the node under test admits.
attest::sim::SimTdReport guest();

/// When a certificate begins and ends, from now; and how old the beacon in it is.
struct Dates {
  Seconds begins{-60};
  Seconds ends{3600};
  Seconds beacon_age{0};
};
/// Evidence of a node of that role, sound but for `defect`.
Credentials with_evidence(const test::SimDefect& defect, wire::Role role, Dates dates = {});
Credentials without_evidence();
/// A worker that claims this log of its boot, with the quote of guest(), which has zeros in its
/// registers.
Credentials with_event_log(Bytes log);
/// A worker with the stand-in's GPU (support/stand_in_gpu.h), sound in every way.
Credentials with_gpus();
/// The evidence of another under a key of one's own.
Credentials with_stolen_evidence(const Credentials& honest);
/// The vector without a defect.
const test::SimDefect& sound();

/// The peer: it admits everybody, and says `words` as soon as the handshake lets it.
struct Peer {
  Bytes words;
  std::optional<io::Listener> listener;
  std::unique_ptr<io::Connector> connector;
  io::SecureConnection connection;
  bool ready = false;  ///< its side of the handshake is done, and the words are out
  std::string heard;
  std::optional<Error> closed;

  void start(const io::Context& context, io::Connection socket, const tls::Context& tls);
};

/// The node under test: driver, verifier and listener are the product's, the core records.
class LiveTest : public io::test::LoopTest {
 protected:
  ~LiveTest() override;

  /// Makes the node, which judges peers of `expect` under the simulated root by `collateral`.
  /// @param jobs the verifier's threads; unset: one thread
  void start_node(const Credentials& own, wire::Role expect,
                  const attest::CollateralText& collateral, std::optional<io::JobPool> jobs = {});
  /// Makes the node, which judges peers of `expect` as hardware under a stand-in for Intel's root,
  /// by collateral from `source`.
  void start_node_on_hardware(const Credentials& own, wire::Role expect,
                              const CollateralSource& source, Millis patience);
  /// The node listens for peers of `expect`.
  void listen(wire::Role expect);
  /// The node listens, the peer comes to it.
  void peer_comes(const Credentials& credentials, wire::Role expect);
  /// The peer listens, the node goes to it.
  void node_goes(const Credentials& credentials, wire::Role expect);

  /// Rules of the node's policy that go beyond root and image; to be set before it starts.
  AttestationPolicy rules;

  /// Which measurement sets the node admits, from start_node() or, where it runs, from now on.
  void admit_gpus(std::optional<std::vector<GpuSetHash>> sets);
  /// @param queued of each class at most
  io::JobPool make_jobs(std::size_t queued = 64);
  RecordingCore& core() { return core_; }
  Peer& peer() { return peer_; }
  /// Another peer takes the first one's place, which has gone.
  void next_peer();
  verify::Verifier& verifier() { return *verifier_; }
  collateral::Supply& supply() { return *supply_; }
  /// A folder that goes with the test.
  const test::TemporaryFolder& folder() const { return folder_; }
  /// What the supply had to say.
  const std::string& supply_log() const { return supply_log_; }
  node::Driver& driver() { return *driver_; }
  /// Where the listening side of the two listens.
  std::uint16_t port() const { return (listener_ ? listener_ : peer_.listener)->address().port; }

 private:
  test::TemporaryFolder folder_;
  RecordingCore core_;
  AttestationPolicy policy_;
  wire::Role expect_{};
  std::string supply_log_;
  std::unique_ptr<collateral::Supply> supply_;
  std::unique_ptr<verify::Verifier> verifier_;
  std::unique_ptr<node::Driver> driver_;
  std::optional<io::Listener> listener_;
  Peer peer_;

  void make_node(const Credentials& own, wire::Role expect, AttestationPolicy policy,
                 io::JobPool jobs);
};

}  // namespace cocoon::live
