#pragma once
/// @file One inference request and its answer, as a host sees them.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cocoon/callback.h"
#include "cocoon/export.h"
#include "cocoon/result.h"

COCOON_ABI_BEGIN

/// The OpenAI-compatible path that the body belongs to.
enum class Endpoint : std::uint8_t {
  chat_completions = 1,  ///< /v1/chat/completions
  completions = 2,       ///< /v1/completions
  embeddings = 3,        ///< /v1/embeddings
  responses = 4          ///< /v1/responses
};

/// Tokens by class; the classes are disjoint.
struct Usage {
  std::uint64_t prompt_tokens = 0;      ///< without cached
  std::uint64_t cached_tokens = 0;      ///< prompt tokens that the engine had cached
  std::uint64_t completion_tokens = 0;  ///< without reasoning
  std::uint64_t reasoning_tokens = 0;
  std::uint64_t cost_nano = 0;  ///< what was charged, in 1e-9 TON
};

/// What counts when a worker is chosen.
enum class Preference : std::uint8_t {
  balanced = 0,  ///< expected time multiplied by price
  cheapest = 1,  ///< the lowest price; time decides among equals
  fastest = 2    ///< the shortest expected time, at any price within `max_cost_nano`
};

struct InferenceRequest {
  Endpoint endpoint = Endpoint::chat_completions;
  std::string model;  ///< exact id as published by the registry
  std::string body;   ///< OpenAI-compatible JSON, UTF-8; forwarded untouched but for accounting
  std::chrono::milliseconds deadline{600'000};  ///< from submit(); > 0
  std::uint64_t max_cost_nano = 0;  ///< hard ceiling; 0: the client's `max_request_cost_nano`
  Preference preference = Preference::balanced;
};

/// First thing that is known of an answer.
struct AnswerHead {
  int status = 200;               ///< the engine's HTTP status
  std::string_view content_type;  ///< "text/event-stream" or "application/json"
};

/// How a request ended. Also given for failures, whose `usage.cost_nano` may be above zero (a
/// cancelled request pays for what it used). Of a request that was cut (cancelled, out of time,
/// stopped) `usage` says what had come by then; what was on its way at that moment may be charged,
/// too, and its prompt where nothing had come.
struct RequestOutcome {
  Status status = Unit{};
  Usage usage;
  /// True where anything was charged, or may have been, as the connection was lost before anybody
  /// said what it cost: resubmitting pays again.
  bool charged = false;
  /// Seconds after which a busy network suggests another try; 0: it said nothing.
  std::uint32_t retry_after_s = 0;
  std::string worker;  ///< the account (hex) that answered; empty where none did
};

struct StreamCallbacks {
  Callback<void(const AnswerHead&)> on_head;    ///< once, before the first chunk
  Callback<void(std::string_view)> on_chunk;    ///< body bytes; valid only during the call
  Callback<void(const RequestOutcome&)> on_done;  ///< exactly once, last; never inside submit()
};

/// A running request. Destroying the handle cancels it and silences its callbacks.
class COCOON_API RequestHandle {
 public:
  RequestHandle() = default;
  RequestHandle(RequestHandle&&) noexcept;
  RequestHandle& operator=(RequestHandle&&) noexcept;
  ~RequestHandle();

  /// on_done follows on a later loop turn: with ErrorKind::cancelled, or as the request has ended
  /// where its end had arrived already.
  void cancel();
  /// Stops taking bytes: the worker is back-pressured once the stream's credit is used up.
  void pause();
  void resume();

 private:
  friend class Client;
  struct COCOON_HIDDEN Impl;
  COCOON_HIDDEN explicit RequestHandle(std::shared_ptr<Impl>);
  std::shared_ptr<Impl> impl_;
};

COCOON_ABI_END
