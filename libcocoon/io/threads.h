#pragma once
/// @file Starting threads inside a host's process.

#include <string>
#include <thread>

#include "cocoon/callback.h"
#include "cocoon/result.h"

namespace cocoon::io {

/// Starts a thread that runs `body`, with every signal blocked (signals belong to the host's own
/// threads) and `name` (at most 15 bytes) as ps and debuggers show it.
/// Errors: `io` where the system refuses another thread.
Result<std::thread> start_thread(const std::string& name, Callback<void()> body);

}  // namespace cocoon::io
