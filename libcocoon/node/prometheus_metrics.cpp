/// The in-memory Metrics sink, on prometheus-cpp's core.

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "cocoon/metrics.h"
#include "node/metric_table.h"

namespace cocoon::inline v0 {

namespace {

/// Seconds; from a fast chunk to the longest request.
const prometheus::Histogram::BucketBoundaries kSecondsBuckets{
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};

class PrometheusMetrics final : public Metrics {
 public:
  void add(std::string_view name, double delta, std::string_view label) override {
    if (delta < 0) return;
    const std::lock_guard lock(mutex_);
    auto& counter = entry(counters_, name, label);
    if (counter == nullptr) {
      counter = &family(prometheus::BuildCounter(), name).Add(labels(name, label));
    }
    counter->Increment(delta);
  }

  void set(std::string_view name, double value, std::string_view label) override {
    const std::lock_guard lock(mutex_);
    auto& gauge = entry(gauges_, name, label);
    if (gauge == nullptr) {
      gauge = &family(prometheus::BuildGauge(), name).Add(labels(name, label));
    }
    gauge->Set(value);
  }

  void observe(std::string_view name, double value) override {
    const std::lock_guard lock(mutex_);
    auto& histogram = entry(histograms_, name, "");
    if (histogram == nullptr) {
      histogram = &family(prometheus::BuildHistogram(), name).Add({}, kSecondsBuckets);
    }
    histogram->Observe(value);
  }

  std::string prometheus_text() const override {
    return prometheus::TextSerializer().Serialize(registry_.Collect());
  }

 private:
  using Key = std::pair<std::string, std::string>;  // name and label
  using KeyView = std::pair<std::string_view, std::string_view>;
  struct KeyLess {
    using is_transparent = void;
    bool operator()(const KeyView& a, const KeyView& b) const { return a < b; }
  };
  template <class T>
  using Map = std::map<Key, T*, KeyLess>;

  /// Figures are set in every turn of a loop: looking one up allocates nothing.
  template <class T>
  static T*& entry(Map<T>& map, std::string_view name, std::string_view label) {
    const auto at = map.find(KeyView{name, label});
    return at != map.end() ? at->second : map[Key{name, label}];
  }
  /// All series of a name; making it a second time gives the same.
  template <template <class> class Builder, class T>
  prometheus::Family<T>& family(Builder<T> builder, std::string_view name) {
    const node::Metric* known = node::find_metric(name);
    return builder.Name(std::string(name))
        .Help(known == nullptr ? std::string() : std::string(known->help))
        .Register(registry_);
  }
  static prometheus::Labels labels(std::string_view name, std::string_view label) {
    if (label.empty()) return {};
    const node::Metric* known = node::find_metric(name);
    return {{known == nullptr ? "label" : std::string(known->label), std::string(label)}};
  }

  std::mutex mutex_;
  prometheus::Registry registry_;
  Map<prometheus::Counter> counters_;
  Map<prometheus::Gauge> gauges_;
  Map<prometheus::Histogram> histograms_;
};

}  // namespace

std::shared_ptr<Metrics> prometheus_metrics() {
  return std::make_shared<PrometheusMetrics>();
}

}  // namespace cocoon::inline v0
