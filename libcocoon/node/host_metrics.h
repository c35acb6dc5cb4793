#pragma once
/// @file A host's Metrics, as the library calls them: one that throws ends the process
/// (docs/embedding.md, "Errors").

#include <memory>
#include <utility>

#include "cocoon/metrics.h"

namespace cocoon::node {

class HostMetrics final : public Metrics {
 public:
  /// Null where there are none.
  static std::shared_ptr<Metrics> wrap(std::shared_ptr<Metrics> host) {
    return host ? std::make_shared<HostMetrics>(std::move(host)) : nullptr;
  }

  explicit HostMetrics(std::shared_ptr<Metrics> host) : host_(std::move(host)) {}
  void add(std::string_view name, double delta, std::string_view label) noexcept override {
    host_->add(name, delta, label);
  }
  void set(std::string_view name, double value, std::string_view label) noexcept override {
    host_->set(name, value, label);
  }
  void observe(std::string_view name, double value) noexcept override {
    host_->observe(name, value);
  }
  std::string prometheus_text() const noexcept override { return host_->prometheus_text(); }

 private:
  std::shared_ptr<Metrics> host_;
};

}  // namespace cocoon::node
