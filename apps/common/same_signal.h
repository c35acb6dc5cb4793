#pragma once
/// @file When two signals are one wish.

#include <chrono>

namespace cocoon::app {

/// `timeout` and a terminal signal the process and its group: what follows so soon after the first
/// is no second signal.
inline constexpr std::chrono::milliseconds kSameSignal{200};

}  // namespace cocoon::app
