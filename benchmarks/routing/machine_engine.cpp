#include "machine_engine.h"

#include <algorithm>
#include <limits>

namespace cocoon::sim {
namespace {

constexpr double kNotFlowing = std::numeric_limits<double>::infinity();
/// Part of a token that rounding may leave.
constexpr double kRounding = 1e-6;

}  // namespace

double MachineEngine::rate() const {
  return speed_ * machine_->tokens_per_s(std::max(running(), 1u));
}

void MachineEngine::advance(double now) {
  const double passed = now - at_;
  if (!streams_.empty()) tokens_ += passed * rate();
  busy_seconds_ += passed * running();
  at_ = now;
}

std::vector<std::uint32_t> MachineEngine::requests() const {
  std::vector<std::uint32_t> requests;
  for (const Stream& stream : streams_) requests.push_back(stream.request);
  return requests;
}

void MachineEngine::take(std::uint32_t request, double now) {
  advance(now);
  streams_.push_back({request, kNotFlowing});
}

void MachineEngine::begin(std::uint32_t request, double tokens, double now) {
  advance(now);
  for (Stream& stream : streams_) {
    if (stream.request == request) stream.ends = tokens_ + tokens;
  }
}

void MachineEngine::drop(std::uint32_t request, double now) {
  advance(now);
  std::erase_if(streams_, [&](const Stream& stream) { return stream.request == request; });
}

void MachineEngine::drop_all(double now) {
  advance(now);
  streams_.clear();
}

void MachineEngine::set_speed(double factor, double now) {
  advance(now);
  speed_ = factor;
}

double MachineEngine::next_end(double now) const {
  double ends = kNotFlowing;
  for (const Stream& stream : streams_) ends = std::min(ends, stream.ends);
  if (ends == kNotFlowing) return kNotFlowing;
  const double left = ends - tokens_ - (now - at_) * rate();
  return now + std::max(left, 0.0) / rate();
}

std::uint32_t MachineEngine::complete(double now) {
  advance(now);
  for (const Stream& stream : streams_) {
    if (stream.ends <= tokens_ + kRounding) return stream.request;
  }
  return kNobody;
}

double MachineEngine::busy_seconds(double now) {
  advance(now);
  return busy_seconds_;
}

}  // namespace cocoon::sim
