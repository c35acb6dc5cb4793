#pragma once
/// @file What was measured of a worker, as JSON.

#include <fmt/format.h>

#include "codec/json.h"
#include "core/market.h"

namespace cocoon::inline v0 {

/// Into the object that is being written.
inline void write_figures(json::Writer& w, const wire::ServiceFigures& figures) {
  w.key("requests").u64(figures.requests);
  w.key("success_rate").raw(fmt::format("{:.4f}", figures.success_e4 / 1e4));
  w.key("first_token_ms").u64(figures.first_token_ms);
  w.key("tokens_per_second").u64(figures.tokens_per_second);
}

}  // namespace cocoon::inline v0
