#pragma once
/// @file What a run is judged by.

#include <cstdint>
#include <string>
#include <vector>

#include "world.h"

namespace cocoon::sim {

/// Times from 1 ms to 1,000 s in steps of 1 %.
class Histogram {
 public:
  void add(double seconds);
  /// 0 where nothing was added.
  double quantile(double q) const;
  std::uint64_t count() const { return count_; }

 private:
  std::vector<std::uint32_t> bins_;
  std::uint64_t count_ = 0;
};

/// How a request ended, as its caller sees it.
enum class End : std::uint8_t { answered, refused, failed };

/// Requests that arrive within the measured time.
class Tally {
 public:
  Tally(const Shape& shape, const World& world);

  void offered(std::uint32_t caller);
  /// @param first_token_s,total_s since the request arrived; the former is 0 where no token came
  void ended(std::uint32_t caller, End end, double first_token_s, double total_s);
  /// It got a slot after so long a wait at its proxy.
  void waited(double seconds) { waits_.add(seconds); }
  /// @param price of the worker that answered
  void paid(std::uint32_t coefficient_e3) {
    price_ += coefficient_e3;
    ++paid_;
  }
  /// A healthy machine's busy slots, as a part of all its slots.
  void utilisation(double share) { utilisations_.push_back(share); }

  /// Of all requests, counted or not.
  struct Traffic {
    std::uint64_t requests = 0;
    std::uint64_t asks = 0;             ///< for candidates
    std::uint64_t proxy_refusals = 0;   ///< no candidate could take it; up to three per request
    std::uint64_t worker_refusals = 0;  ///< by workers that were full
  } traffic;

  /// Figures by name, in a fixed order.
  struct Figure {
    std::string name;
    double value;
  };
  std::vector<Figure> figures() const;
  /// One of them; throws std::out_of_range for another name.
  double figure(const std::string& name) const;

 private:
  struct CallerCounts {
    bool heavy = false;
    std::uint64_t offered = 0;
    std::uint64_t good = 0;
  };
  void fairness(std::vector<Figure>& out) const;
  void imbalance(std::vector<Figure>& out) const;

  Shape shape_;
  double capacity_per_s_;
  Histogram first_token_, first_token_light_, first_token_heavy_, first_token_all_, total_, waits_;
  std::vector<CallerCounts> callers_;
  std::vector<double> utilisations_;
  std::uint64_t offered_ = 0, answered_ = 0, refused_ = 0, failed_ = 0, paid_ = 0;
  double price_ = 0;
};

}  // namespace cocoon::sim
