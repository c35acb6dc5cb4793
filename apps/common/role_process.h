#pragma once
/// @file What the three role programs share: command line, signals, drain, exit codes.
///
/// Exit codes: 0 stopped as asked (or --check found nothing wrong), 1 could not run, or go on, 2
/// misuse or a bad configuration, 130 stopped at once by a second signal.

#include <chrono>
#include <functional>
#include <string>

#include "cocoon/callback.h"
#include "cocoon/loop.h"
#include "cocoon/result.h"
#include "common/print_error.h"

namespace cocoon::app {

/// The options that every role program takes.
struct CommandLine {
  std::string config_path;
  bool check_only = false;
};

/// Parses --config, --check, --version and --help.
/// @return what to do, or the exit code of a call that is already answered.
struct ParsedCommandLine {
  CommandLine line;
  int exit_code = -1;  ///< ≥ 0: leave with it
};
ParsedCommandLine parse_command_line(int argc, char** argv, const std::string& program,
                                     const std::string& purpose);

/// The role as the process drives it. All calls are made on the loop thread.
struct RunningRole {
  /// Creates and starts the role.
  std::function<Status(Loop)> start;
  /// Stops it within the grace; calls back when the last of it is gone.
  std::function<void(std::chrono::milliseconds, Callback<void()>)> stop;
  /// Destroys it.
  std::function<void()> destroy;
};

/// For a role's on_fatal: stops the process as SIGTERM does, but its exit code is 1.
void stop_failed_role();

/// Blocks the signals, runs the role on a loop thread of its own until SIGTERM, SIGINT or SIGHUP,
/// drains; a second signal ends the process at once. SIGPIPE is ignored, and so is SIGHUP where it
/// was.
int run_role(const std::string& program, std::chrono::milliseconds drain, const RunningRole& role);

}  // namespace cocoon::app
