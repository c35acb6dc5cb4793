#pragma once
/// @file Metrics hook. A role reports counters, gauges and histograms to the sink it was given.

#include <memory>
#include <string>
#include <string_view>

#include "cocoon/export.h"

COCOON_ABI_BEGIN

/// Receives measurements. Names are Prometheus names (`cocoon_client_requests_total`); `label` is
/// one optional label value whose name belongs to the metric (for example the outcome);
/// libcocoon/docs/operations.md lists them all. All calls come on the loop thread of the role and
/// must not block or throw.
class COCOON_API Metrics {
 public:
  virtual ~Metrics();
  /// Adds `delta` (≥ 0) to a counter. A role begins with zeros, so that each counter exists.
  virtual void add(std::string_view name, double delta, std::string_view label = {}) = 0;
  /// Sets a gauge.
  virtual void set(std::string_view name, double value, std::string_view label = {}) = 0;
  /// Adds one observation, in seconds or bytes as the name says, to a histogram.
  virtual void observe(std::string_view name, double value) = 0;
  /// All metrics in the Prometheus text format 0.0.4; empty where the sink keeps nothing.
  virtual std::string prometheus_text() const { return {}; }
};

/// A sink that keeps everything in memory and renders it for a Prometheus scrape; the label of a
/// metric that is not this library's is called "label". Thread-safe.
COCOON_API std::shared_ptr<Metrics> prometheus_metrics();

COCOON_ABI_END
