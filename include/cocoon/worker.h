#pragma once
/// @file Worker: unseals requests inside a TEE, has its engine answer them, seals, earns.

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
#include "cocoon/result.h"

COCOON_ABI_BEGIN

struct WorkerOptions {
  std::string ledger_path;  ///< as ClientOptions::ledger_path
  std::optional<TonNetwork> ton;
  /// "host:port" of each proxy to serve; all are connected at once. Empty: the registry's.
  std::vector<std::string> proxies;
  std::string state_dir;
  AttestationPolicy proxy_policy;
  CollateralSource collateral;
  EvidenceSource evidence;
  /// Base URL of the OpenAI-compatible engine, without /v1: "http://127.0.0.1:8000".
  std::string engine_url;
  /// Registry model ids that this worker serves.
  std::vector<std::string> models;
  /// Asked price in 1/1000 of the registry's.
  std::uint32_t coefficient_e3 = 1000;
  /// Requests given to the engine at once.
  std::uint32_t capacity = 32;
  /// Owed and not yet covered by a payout voucher, above which a proxy is no longer served.
  std::uint64_t max_unpaid_nano = 1'000'000'000;
  LogSink log;
  std::shared_ptr<Metrics> metrics;
  /// The node cannot start (a file that the options name is missing, or the stored state is
  /// unusable), or its state cannot be kept any more (its disk is full, say). That has been logged,
  /// and the node takes no new work; stop it. Called once, on the loop's thread; it must not
  /// destroy the node, which is for a later turn.
  std::function<void(const Error&)> on_fatal;
};

/// Why a worker earns or does not, in words an owner understands.
struct WorkerState {
  bool engine_ready = false;
  std::string engine_reason;
  std::uint32_t proxies_connected = 0;
  std::string proxy_reason;  ///< why the last connection failed; empty where all is well
  std::uint64_t requests_done = 0;
  std::uint64_t earned_nano = 0;
};

class COCOON_API Worker {
 public:
  static Result<Worker> create(Loop loop, WorkerOptions options);
  Worker(Worker&&) noexcept;
  Worker& operator=(Worker&&) noexcept;
  ~Worker();

  /// Once it has succeeded, another is an error: invalid_argument/already_started,
  /// already_stopped.
  Status start();
  std::string account() const;
  WorkerState state() const;
  /// True when it can earn: it is known to a proxy, and its engine answers.
  bool ready() const;
  /// Why ready() is false, in words for the operator, with what to look at first: "engine: …",
  /// "evidence: …", "ledger: …", "proxy: …". Empty where it is true.
  std::string not_ready_reason() const;
  /// What its proxies say is served and asked for, per model, as a JSON object; a minute old at
  /// most where they are connected.
  std::string market_json() const;
  /// How its proxies rate this worker, as a JSON object.
  std::string reputation_json() const;
  /// Accepts nothing new, finishes what runs within `grace`, then closes. Asked again: as
  /// Client::stop().
  void stop(std::chrono::milliseconds grace, Callback<void()> on_stopped);

 private:
  struct COCOON_HIDDEN Impl;
  COCOON_HIDDEN explicit Worker(std::shared_ptr<Impl>);
  std::shared_ptr<Impl> impl_;
};

COCOON_ABI_END
