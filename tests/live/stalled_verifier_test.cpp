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
  io::JobPool stalled_jobs(std::size_t queued = 64) {
    io::JobPool jobs = make_jobs(queued);
    EXPECT_TRUE(jobs.submit(
        io::JobClass::urgent, [gate = gate_.get_future().share()] { gate.wait(); }, [] {}));
    EXPECT_TRUE(run_until([&] { return jobs.waiting(io::JobClass::urgent) == 0; }));
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

  /// A node with those credentials; a proxy is come to by a worker, any other goes to a proxy.
  void start(const Credentials& own, wire::Role role, const test::SimDefect& defect) {
    peer().words.assign(kManyWords, 'w');
    const auto expect = role == wire::Role::proxy ? wire::Role::worker : wire::Role::proxy;
    const auto theirs = with_evidence(defect, expect);
    start_node(own, expect, theirs.collateral, stalled_jobs());
    role == wire::Role::proxy ? peer_comes(theirs, expect) : node_goes(theirs, expect);
  }
  void start_proxy(const test::SimDefect& defect) {
    start(with_evidence(sound(), wire::Role::proxy), wire::Role::proxy, defect);
  }
  void start_worker(const test::SimDefect& defect) {
    start(with_evidence(sound(), wire::Role::worker), wire::Role::worker, defect);
  }
  void start_client(const test::SimDefect& defect) {
    start(without_evidence(), wire::Role::client, defect);
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
  start_proxy(sound());
  expect_all_after_the_verdict();
}

TEST_F(StalledVerifier, AProxysFramesWaitForTheWorkersVerdict) {
  start_worker(sound());
  expect_all_after_the_verdict();
}

TEST_F(StalledVerifier, AProxysFramesWaitForTheClientsVerdict) {
  start_client(sound());
  expect_all_after_the_verdict();
}

TEST_F(StalledVerifier, ARefusedWorkersFramesAreNeverParsed) {
  start_proxy(forged());
  expect_nothing_after_the_refusal();
}

TEST_F(StalledVerifier, AProxysFramesAreNeverParsedByAWorkerThatRefusesIt) {
  start_worker(forged());
  expect_nothing_after_the_refusal();
}

TEST_F(StalledVerifier, AProxysFramesAreNeverParsedByAClientThatRefusesIt) {
  start_client(forged());
  expect_nothing_after_the_refusal();
}

TEST_F(StalledVerifier, WhoFindsItsQueueFullIsTurnedAway) {
  const auto first = with_evidence(sound(), wire::Role::worker);
  start_node(with_evidence(sound(), wire::Role::proxy), wire::Role::worker, first.collateral,
             stalled_jobs(1));
  core().ask_verdict(first.certificate, wire::Role::worker);
  driver().arm();
  peer_comes(with_evidence(sound(), wire::Role::worker), wire::Role::worker);
  ASSERT_TRUE(run_until([&] { return !core().losses.empty() && peer().closed; }));
  EXPECT_EQ(core().log, std::vector<std::string>{"disconnected"});
  EXPECT_EQ(core().losses.front().code(), "verification_queue_full");
  open_gate();
  ASSERT_TRUE(run_until([&] { return !core().verdicts.empty(); }));
  EXPECT_TRUE(core().verdicts.front()) << "who waits before it is served";
}

}  // namespace
}  // namespace cocoon::live
