#pragma once
/// @file Every metric that this library reports: its name, its label and what it says. The sink
/// renders from it, and docs/operations.md lists it.

#include <span>
#include <string_view>

#include "cocoon/metrics.h"

namespace cocoon::node {

enum class MetricKind { counter, gauge, histogram };

struct Metric {
  std::string_view name;
  MetricKind kind{};
  std::string_view help;
  std::string_view label = {};                    ///< its name; empty: it has none
  std::span<const std::string_view> values = {};  ///< of the label, as far as they are known before
};

std::span<const Metric> metric_table();

/// Null where this library has none of that name: an embedder reports it.
const Metric* find_metric(std::string_view name);

/// Reports a zero for every metric whose name begins so: a counter that does not exist before it is
/// first counted cannot be watched.
void begin_metrics(Metrics& metrics, std::string_view prefix);

}  // namespace cocoon::node
