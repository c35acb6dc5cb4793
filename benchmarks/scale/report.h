#pragma once
// Figures in the order in which they were found, as JSON: an object of objects.

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "codec/json.h"

namespace cocoon::bench {

class Report {
 public:
  /// Figures of a phase follow.
  void begin(std::string phase) { phases_.push_back({std::move(phase), {}}); }
  void add(std::string name, double value) {
    phases_.back().second.emplace_back(std::move(name), value);
  }
  std::string json() const {
    json::Writer out;
    out.begin_object();
    for (const auto& [phase, figures] : phases_) {
      out.key(phase).begin_object();
      for (const auto& [name, value] : figures) out.key(name).raw(fmt::format("{:.6g}", value));
      out.end_object();
    }
    out.end_object();
    return out.take();
  }

 private:
  std::vector<std::pair<std::string, std::vector<std::pair<std::string, double>>>> phases_;
};

}  // namespace cocoon::bench
