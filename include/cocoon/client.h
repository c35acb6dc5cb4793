#pragma once
/// @file Client: asks a Cocoon network for answers, from inside a service's own process.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cocoon/attestation.h"
#include "cocoon/callback.h"
#include "cocoon/ledger.h"
#include "cocoon/log.h"
#include "cocoon/loop.h"
#include "cocoon/metrics.h"
#include "cocoon/model_info.h"
#include "cocoon/request.h"
#include "cocoon/result.h"

COCOON_ABI_BEGIN

struct ClientOptions {
  /// The local ledger file, shared by the roles of one machine. Empty: the ledger is on TON.
  std::string ledger_path;
  std::optional<TonNetwork> ton;
  /// "host:port" of each proxy, in order of preference. Empty: those that the registry lists.
  std::vector<std::string> proxies;
  /// Directory for the account key and the channel state; created with mode 0700.
  std::string state_dir;
  AttestationPolicy proxy_policy;
  AttestationPolicy worker_policy;
  CollateralSource collateral;
  /// The most that a rogue proxy could take beyond what was served.
  std::uint64_t max_exposure_nano = 500'000'000;
  /// Cost cap of a request that names none.
  std::uint64_t max_request_cost_nano = 100'000'000;
  /// The dearest worker that it pays, in 1/1000 of the registry's price of a token; 1 to 1,000,000,
  /// which is the most that any may ask. Whatever it is, no request costs more than its cap.
  std::uint32_t max_coefficient_e3 = 1'000'000;
  /// Largest accepted request body, in bytes.
  std::size_t max_request_bytes = 8 * 1024 * 1024;
  /// Requests that may share one HPKE key agreement with a worker; 1 turns reuse off (every
  /// request then costs a public-key operation, and a worker cannot link two of them by it).
  std::uint32_t requests_per_key_agreement = 1000;
  LogSink log;
  std::shared_ptr<Metrics> metrics;
  /// The node cannot start (a file that the options name is missing, or the stored state is
  /// unusable), or its state cannot be kept any more (its disk is full, say). That has been logged,
  /// and the node takes no new work; stop it. Called once, on the loop's thread; it must not
  /// destroy the node, which is for a later turn.
  std::function<void(const Error&)> on_fatal;
};

/// Thread: everything on the thread of `loop`. No call calls back from inside itself. Callbacks
/// must not throw.
class COCOON_API Client {
 public:
  /// Validates the options and opens the state; no network.
  static Result<Client> create(Loop loop, ClientOptions options);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  /// Never blocks; cancels what runs; calls nothing back, from inside a callback either.
  ~Client();

  /// Once. Errors: invalid_argument/already_started, already_stopped.
  Status start();

  /// Starts a request. Errors of the request itself (no model, body not JSON, body too large) are
  /// returned here; everything later comes by `on_done`. Between start() and ready() it waits, and
  /// as nothing is known yet, what is wrong with it may come by `on_done`, too. Where the client
  /// cannot start (its ledger is away) that is said at once.
  Result<RequestHandle> submit(InferenceRequest request, StreamCallbacks callbacks);

  /// Asks the network which models are served now. `done` is called once, on a later turn of the
  /// loop, unless the client has stopped by then; between start() and ready() the question waits.
  void models(Callback<void(Result<std::vector<ModelInfo>>)> done);

  /// The evidence and verdicts that the current directory rests on, as a JSON object: proxies and
  /// workers with quote, claims, verdict, measurements and expiry.
  std::string evidence_json() const;

  /// True when a proxy is connected, verified and has an open channel. What is left of its deposit
  /// may still be too little for a request, which then ends with 402 `deposit_exhausted`.
  bool ready() const;
  /// Why ready() is false, in words for the operator.
  std::string not_ready_reason() const;

  /// Refuses new requests, lets running ones finish within `grace`, ends those that are left with
  /// unavailable/draining, waits up to 3 s to hear what they cost, and closes everything.
  /// `on_stopped` is the last callback. Asked again, it changes nothing and calls back with the
  /// first, or on a later turn where that has happened.
  void stop(std::chrono::milliseconds grace, Callback<void()> on_stopped);

 private:
  friend class RequestHandle;
  struct COCOON_HIDDEN Impl;
  COCOON_HIDDEN explicit Client(std::shared_ptr<Impl>);
  std::shared_ptr<Impl> impl_;
};

COCOON_ABI_END
