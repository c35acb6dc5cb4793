#pragma once
/// @file The boot event log that a simulated guest's firmware would leave: the format of
/// attest/event_log.h, with one event per thing measured.

#include <span>
#include <string_view>

#include "base/bytes.h"

namespace cocoon::attest::sim {

/// Something that is measured into a register as the SHA-384 of its data.
struct SimEvent {
  std::uint32_t register_index = 0;  ///< as MeasuredEvent's
  std::uint32_t type = 0;
  std::string_view data;
};

/// A log of these events, in order.
Bytes sim_event_log(std::span<const SimEvent> events);

}  // namespace cocoon::attest::sim
