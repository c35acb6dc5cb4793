#pragma once
/// @file Proxy: admits clients and workers by attestation, routes sealed requests, settles.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cocoon/attestation.h"
#include "cocoon/callback.h"
#include "cocoon/ledger.h"
#include "cocoon/log.h"
#include "cocoon/loop.h"
#include "cocoon/metrics.h"
#include "cocoon/request.h"
#include "cocoon/result.h"

COCOON_ABI_BEGIN

/// A connected client as an embedding gateway sees it.
struct ClientIdentity {
  std::string account;  ///< hex
  std::string channel;  ///< hex
};

/// What an embedding gateway may decide and learn. Called on the loop thread; must not block or
/// throw, and must not stop or destroy the Proxy: that is for a later turn.
class COCOON_API ProxyHooks {
 public:
  virtual ~ProxyHooks();
  /// Before a request of `model` is queued. An error refuses it: the caller gets its
  /// kind and detail, and its code where libcocoon knows that; else the code is `peer_error`, and
  /// its own stands in the message.
  virtual Status admit(const ClientIdentity& who, std::string_view model);
  /// The client's share where requests wait: 2 is served twice as often as 1. From 1 to 1000; asked
  /// when a request has to wait.
  virtual std::uint32_t weight(const ClientIdentity& who);
  /// After a request was charged.
  virtual void on_usage(const ClientIdentity& who, std::string_view model, const Usage& usage);
};

struct ProxyOptions {
  std::string ledger_path;  ///< as ClientOptions::ledger_path
  std::optional<TonNetwork> ton;
  std::string listen = "0.0.0.0:7443";  ///< for clients and workers
  std::string state_dir;
  AttestationPolicy worker_policy;
  CollateralSource collateral;
  EvidenceSource evidence;  ///< where this node's own quotes come from
  /// Cumulative charge that a client may leave unacknowledged before it is no longer served.
  std::uint64_t max_unacknowledged_nano = 1'000'000'000;
  std::uint32_t max_clients = 9000;
  std::uint32_t max_workers = 9000;
  /// Requests of one client running or queued at once.
  std::uint32_t max_requests_per_client = 1024;
  /// Requests that one client may begin in a second, after one second's worth at once. 0: no bound.
  std::uint32_t max_request_rate_per_client = 0;
  std::shared_ptr<ProxyHooks> hooks;
  LogSink log;
  std::shared_ptr<Metrics> metrics;
  /// The node cannot start (a file that the options name is missing, or the stored state is
  /// unusable), or its state cannot be kept any more (its disk is full, say). That has been logged,
  /// and the node takes no new work; stop it. Called once, on the loop's thread; it must not
  /// destroy the node, which is for a later turn.
  std::function<void(const Error&)> on_fatal;
};

class COCOON_API Proxy {
 public:
  static Result<Proxy> create(Loop loop, ProxyOptions options);
  Proxy(Proxy&&) noexcept;
  Proxy& operator=(Proxy&&) noexcept;
  ~Proxy();

  /// Attests itself, publishes its epoch, then listens. Once it has succeeded, another is an error:
  /// invalid_argument/already_started, already_stopped.
  Status start();
  /// The bound "address:port".
  std::string address() const;
  /// The account (hex) that the registry must list and that channels name.
  std::string account() const;
  /// True when it takes clients and workers in: it has shown evidence and published its epoch, its
  /// ledger can be read, the registry lists it, its contract does not close, and it is not
  /// shutting down.
  bool ready() const;
  /// Why ready() is false, in words for the operator, with what to look at first: "evidence: …",
  /// "ledger: …". Empty where it is true.
  std::string not_ready_reason() const;
  /// What is served here now and what is asked for, per model, as a JSON object.
  std::string market_json() const;
  /// What was measured of each worker, and what was published of that with this epoch, as a JSON
  /// object.
  std::string reputation_json() const;
  /// Sends goaway to all, lets running requests finish within `grace`, redeems what it holds.
  /// Asked again: as Client::stop().
  void stop(std::chrono::milliseconds grace, Callback<void()> on_stopped);

 private:
  struct COCOON_HIDDEN Impl;
  COCOON_HIDDEN explicit Proxy(std::shared_ptr<Impl>);
  std::shared_ptr<Impl> impl_;
};

COCOON_ABI_END
