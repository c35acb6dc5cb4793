#pragma once
/// @file What a network offers for one model, and what is asked for.

#include <cstdint>
#include <string>

#include "cocoon/export.h"

COCOON_ABI_BEGIN

/// As one proxy sees it now.
struct ModelInfo {
  std::string id;
  std::uint32_t workers = 0;
  std::uint32_t capacity = 0;
  std::uint32_t free_slots = 0;
  /// Price of a prompt token and of a completion token at the cheapest live worker, in nanoton.
  std::uint64_t prompt_price_nano = 0;
  std::uint64_t completion_price_nano = 0;
  /// The same at the dearest live worker.
  std::uint64_t highest_prompt_price_nano = 0;
  std::uint64_t highest_completion_price_nano = 0;
  /// Requests that wait at the proxy for a worker.
  std::uint32_t queued = 0;
  /// What the proxy has measured of all workers of the model; 0 where it has measured nothing.
  std::uint32_t first_token_ms = 0;
  std::uint32_t tokens_per_second = 0;  ///< of one answer
  /// Demand that the proxy saw over the last minutes: requests, and those of them that it turned
  /// away for want of a free worker.
  std::uint32_t asked_per_minute = 0;
  std::uint32_t refused_per_minute = 0;
};

COCOON_ABI_END
