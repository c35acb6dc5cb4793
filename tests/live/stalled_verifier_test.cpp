// While the verifier is busy, what an eager peer says stays where it is: unopened, unparsed, and
// most of it not even read.

#include <cstdio>
#include <fstream>
#include <future>

#include "base/limits.h"
#include "live/live_node.h"

namespace cocoon::live {
namespace {

/// Far more than a node may take in from a peer that nobody has judged.
constexpr std::size_t kManyWords = 4 * 1024 * 1024;
/// What TLS adds: 22 bytes to a record of at most 16 KiB (RFC 8446 section 5.2), less than this
/// part.
constexpr std::size_t kTlsShare = 512;
/// Turns of the loop without any progress after which nothing more is coming.
constexpr int kQuietTurns = 200;

/// Bytes that the kernel holds between the two sockets of the only connection that has `port` at
/// one end: sent and unread.
std::size_t held_by_kernel(std::uint16_t port) {
  std::ifstream table("/proc/net/tcp");
  std::string line;
  std::getline(table, line);
  std::size_t held = 0;
  while (std::getline(table, line)) {
    unsigned local = 0;
    unsigned remote = 0;
    unsigned state = 0;
    unsigned sending = 0;
    unsigned received = 0;
    const int fields = std::sscanf(line.c_str(), " %*u: %*8x:%x %*8x:%x %x %x:%x", &local, &remote,
                                   &state, &sending, &received);
    constexpr unsigned kEstablished = 1;
    if (fields == 5 && state == kEstablished && (local == port || remote == port)) {
      held += sending + received;
    }
  }
  return held;
}

class StalledVerifier : public LiveTest {
 protected:
  /// Threads of which the only one waits for open_gate().
  io::JobPool stalled_jobs() {
    io::JobPool jobs = make_jobs();
    EXPECT_TRUE(jobs.submit(
        io::JobClass::urgent, [gate = gate_.get_future().share()] { gate.wait(); }, [] {}));
    return jobs;
  }
  void open_gate() {
    gate_open_ = true;
    gate_.set_value();
  }
  void TearDown() override {
    if (!gate_open_) open_gate();
  }

  void wait_until_nothing_moves() {
    std::size_t last = 0;
    int quiet = 0;
    ASSERT_TRUE(run_until([&] {
      const std::size_t pending = peer().connection.pending_bytes();
      quiet = peer().ready && pending == last ? quiet + 1 : 0;
      last = pending;
      return quiet == kQuietTurns;
    }));
  }

  void expect_unread() {
    EXPECT_EQ(core().log, std::vector<std::string>{}) << "the core heard of an unjudged peer";
    EXPECT_EQ(peer().heard, "");
    const std::size_t outside = peer().connection.pending_bytes() + held_by_kernel(port());
    EXPECT_GE(outside + limits::kTlsInputHighWater + limits::kSocketReadBytes, kManyWords)
        << "the node took in more than it may hold";
    EXPECT_LE(outside, kManyWords + kManyWords / kTlsShare) << "the measurement is wrong";
  }

  void start(const test::SimDefect& defect, bool peer_is_client) {
    peer().words.assign(kManyWords, 'w');
    const auto role = peer_is_client ? wire::Role::worker : wire::Role::proxy;
    const auto own =
        with_evidence(sound(), peer_is_client ? wire::Role::proxy : wire::Role::worker);
    const auto theirs = with_evidence(defect, role);
    start_node(own, role, theirs.collateral, stalled_jobs());
    peer_is_client ? peer_comes(theirs, role) : node_goes(theirs, role);
  }

  void expect_all_after_the_verdict() {
    wait_until_nothing_moves();
    expect_unread();
    open_gate();
    ASSERT_TRUE(run_until([&] { return core().bytes.size() >= kManyWords; }));
    EXPECT_EQ(core().log, (std::vector<std::string>{"connected", "bytes"}));
    EXPECT_TRUE(core().bytes == std::string(kManyWords, 'w'));
  }

  void expect_nothing_after_the_refusal() {
    wait_until_nothing_moves();
    expect_unread();
    open_gate();
    ASSERT_TRUE(run_until([&] { return !core().losses.empty() && peer().closed; }));
    EXPECT_EQ(core().log, std::vector<std::string>{"disconnected"});
    EXPECT_EQ(core().bytes, "");
    EXPECT_EQ(peer().heard, "");
    EXPECT_EQ(core().losses.front().code(), "evidence_untrusted");
  }

  static const test::SimDefect& forged() {
    const auto& all = test::sim_defects();
    return *std::find_if(all.begin(), all.end(),
                         [](const auto& d) { return d.id == "s16-quote-bad-signature"; });
  }

 private:
  std::promise<void> gate_;
  bool gate_open_ = false;
};

TEST_F(StalledVerifier, AWorkersFramesWaitForTheProxysVerdict) {
  start(sound(), true);
  expect_all_after_the_verdict();
}

TEST_F(StalledVerifier, AProxysFramesWaitForTheWorkersVerdict) {
  start(sound(), false);
  expect_all_after_the_verdict();
}

TEST_F(StalledVerifier, ARefusedWorkersFramesAreNeverParsed) {
  start(forged(), true);
  expect_nothing_after_the_refusal();
}

TEST_F(StalledVerifier, ARefusedProxysFramesAreNeverParsed) {
  start(forged(), false);
  expect_nothing_after_the_refusal();
}

}  // namespace
}  // namespace cocoon::live
