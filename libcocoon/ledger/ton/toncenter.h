#pragma once
/// @file Speaks to a TON ledger through servers with toncenter's API (v2): several, in order of
/// preference, each at its own rate.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "cocoon/callback.h"
#include "cocoon/result.h"
#include "io/context.h"
#include "io/http_client.h"
#include "io/jobs.h"
#include "io/timer.h"
#include "io/turn.h"
#include "ledger/ton/endpoint_pool.h"
#include "ledger/ton/seen_chain.h"
#include "ledger/ton/toncenter_codec.h"

namespace cocoon::ledger {

struct ToncenterOptions {
  std::vector<TonEndpoint> endpoints;  ///< the first is preferred
  /// Certificates (PEM) that vouch for the endpoints in place of the system's; may be empty.
  std::string ca_file;
  /// By how much the ledger's time may differ from this machine's.
  Millis clock_tolerance = limits::kTonClockTolerance;
  /// How long a question may wait for an answer.
  Millis patience = limits::kTonPatience;
  Logger log;
};

/// Each question goes to one endpoint; where that fails, is out of reach, or tells what cannot be
/// (malformed, out of its time, behind what was seen before), it rests and the next is asked, each
/// once. A question fails when all have, or when its patience is at an end. Loop thread only.
///
/// A proxy's contract or a root can have a megabyte, so answers are read by a thread of its own,
/// one after the other: they are believed and delivered in the order in which they came.
class Toncenter {
 public:
  /// No network yet. @param random outlives the object
  /// Errors: those of check_endpoints(); io/ca_file_unreadable; io where the system gives no
  /// thread.
  static Result<std::unique_ptr<Toncenter>> create(const io::Context& context,
                                                   ToncenterOptions options, Random& random);
  /// Nobody who waits is called any more. What was handed in may still take effect.
  ~Toncenter();

  // `done` follows on the loop, never inside the call; it may destroy this.
  // Errors of all: unavailable/ledger_unavailable, which names each endpoint and what was wrong
  // with it; timeout/ledger_timeout; busy/ledger_queue_full.
  void head(Callback<void(Result<ChainHead>)> done);
  void block(std::uint32_t seqno, Callback<void(Result<BlockReading>)> done);
  void account(const ton::Address& address, Callback<void(Result<AccountReading>)> done) {
    account(address, nullptr, std::move(done));
  }
  /// What an account shows, in the words of `look`, which runs on the thread that reads answers:
  /// it is pure, and shares nothing with the loop. It may run again, for another endpoint's answer.
  /// Errors: also those of `look`.
  template <class T>
  void view(const ton::Address& address, Callback<Result<T>(const AccountReading&)> look,
            Callback<void(Result<T>)> done) {
    auto seen = std::make_shared<std::optional<Result<T>>>();
    account(
        address,
        [seen, look = std::move(look)](const AccountReading& account) mutable {
          seen->emplace(look(account));
        },
        [seen, done = std::move(done)](const Result<AccountReading>& account) mutable {
          done(account ? std::move(**seen) : Result<T>(account.error()));
        });
  }
  /// Success says that an endpoint took the message, not that it will be carried out. To be handed
  /// in twice does a signed message no harm.
  void hand_in(ByteView message, Callback<void(Status)> done);

 private:
  struct Question;
  struct Reading;

  Toncenter(const io::Context& context, ToncenterOptions options, io::JobPool jobs, Random& random);

  /// @param read pure: runs on the job thread. @param believe on the loop, with what it gave
  template <class T>
  void ask(ApiQuery query, Callback<Result<T>(int, std::string_view)> read,
           Callback<Status(const T&)> believe, Callback<void()> forget,
           Callback<void(Result<T>)> done);
  /// @param look see view(); may be empty
  void account(const ton::Address& address, Callback<void(const AccountReading&)> look,
               Callback<void(Result<AccountReading>)> done);
  void enqueue(std::unique_ptr<Question> question);
  void work();
  void send_waiting(MonoTime now);
  void send(std::unique_ptr<Question> question, std::size_t endpoint, MonoTime now);
  void answered(std::uint64_t id, Result<io::HttpAnswer> answer);
  void take(std::uint64_t id, Reading& reading);
  void try_elsewhere(std::unique_ptr<Question> question, const Error& why);
  void finish(std::unique_ptr<Question> question, Status how);
  /// A callback may destroy this.
  void deliver();

  ToncenterOptions options_;
  EndpointPool pool_;
  SeenChain seen_;
  io::HttpClient client_;
  io::JobPool jobs_;
  io::TurnHook hook_;
  io::Timer timer_;
  std::deque<std::unique_ptr<Question>> waiting_;
  std::map<std::uint64_t, std::unique_ptr<Question>> asked_;  ///< until their answers are read
  std::deque<std::pair<std::unique_ptr<Question>, Status>> finished_;
  std::uint64_t last_id_ = 0;
  std::shared_ptr<bool> alive_;
};

}  // namespace cocoon::ledger
