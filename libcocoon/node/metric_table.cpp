#include "node/metric_table.h"

#include <algorithm>

namespace cocoon::node {
namespace {

using enum MetricKind;

constexpr std::string_view kFetched[]{"done", "failed"};
constexpr std::string_view kEnded[]{"done", "failed", "cancelled", "refused"};
constexpr std::string_view kClientOutcomes[]{"ok",        "invalid_argument",
                                             "not_found", "unauthorized",
                                             "too_large", "payment",
                                             "busy",      "unavailable",
                                             "upstream",  "timeout",
                                             "cancelled", "attestation",
                                             "protocol",  "io",
                                             "internal"};
constexpr std::string_view kStatuses[]{"200", "400", "402", "404", "429",
                                       "500", "502", "503", "504"};

constexpr Metric kMetrics[]{
    {"cocoon_client_requests_total", counter, "Requests that have ended", "outcome",
     kClientOutcomes},
    {"cocoon_client_spent_nano_total", counter, "What requests have cost, in nanotons"},
    {"cocoon_gateway_requests_total", counter, "HTTP requests that were answered", "status",
     kStatuses},
    {"cocoon_gateway_request_seconds", histogram, "How long HTTP requests took, answer and all"},
    {"cocoon_gateway_connections", gauge, "HTTP connections that are open"},
    {"cocoon_proxy_clients", gauge, "Connections of clients"},
    {"cocoon_proxy_workers", gauge, "Connections of workers"},
    {"cocoon_proxy_requests_running", gauge, "Requests that run or wait"},
    {"cocoon_proxy_requests_waiting", gauge, "Requests that wait for a free worker"},
    {"cocoon_proxy_requests_total", counter, "Requests that have ended", "outcome", kEnded},
    {"cocoon_proxy_worker_pauses_total", counter,
     "Pauses of workers whose requests failed one after another"},
    {"cocoon_proxy_charged_nano_total", counter, "What clients were charged, in nanotons"},
    {"cocoon_worker_engine_ready", gauge, "1 where the engine answers, else 0"},
    {"cocoon_worker_proxies", gauge, "Proxies that are connected"},
    {"cocoon_worker_requests_running", gauge, "Requests that the engine has"},
    {"cocoon_worker_requests_total", counter, "Requests that have ended", "outcome", kEnded},
    {"cocoon_worker_earned_nano_total", counter, "What answers have earned, in nanotons"},
    {"cocoon_collateral_fetches_total", counter, "Fetches of a platform's collateral", "outcome",
     kFetched},
    {"cocoon_collateral_platforms", gauge, "Platforms whose collateral is held"},
    {"cocoon_collateral_issued_timestamp_seconds", gauge,
     "The oldest issue date of what is held; 0: nothing is"},
    {"cocoon_collateral_expires_timestamp_seconds", gauge,
     "When the first of what is held expires; 0: nothing is"},
};

void begin(Metrics& metrics, const Metric& metric) {
  if (metric.kind == gauge) return metrics.set(metric.name, 0);
  if (metric.kind != counter) return;
  if (metric.label.empty()) return metrics.add(metric.name, 0);
  for (const std::string_view value : metric.values) metrics.add(metric.name, 0, value);
}

}  // namespace

std::span<const Metric> metric_table() {
  return kMetrics;
}

const Metric* find_metric(std::string_view name) {
  const auto* at = std::find_if(std::begin(kMetrics), std::end(kMetrics),
                                [&](const Metric& metric) { return metric.name == name; });
  return at == std::end(kMetrics) ? nullptr : at;
}

void begin_metrics(Metrics& metrics, std::string_view prefix) {
  for (const Metric& metric : kMetrics) {
    if (metric.name.starts_with(prefix)) begin(metrics, metric);
  }
}

}  // namespace cocoon::node
