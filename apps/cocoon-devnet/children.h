#pragma once
/// @file Child processes that never outlive this one, however it dies.

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "cocoon/result.h"

namespace cocoon::app {

/// A running program. Its standard error goes to a log file, its standard output comes here.
struct Child {
  std::string name;
  pid_t pid = -1;
  int output = -1;  ///< what it prints
  std::string log_path;
};

/// Starts `arguments[0]`. The kernel kills the child when this process dies.
/// Errors: io/cannot_start.
Result<Child> start_child(const std::string& name, const std::vector<std::string>& arguments,
                          const std::string& log_path);

/// Runs a program to its end. @return what it printed.
/// Errors: io/cannot_start, internal/command_failed with its messages.
Result<std::string> run_command(const std::vector<std::string>& arguments,
                                const std::string& log_path);

/// The next line that the child prints, without its end.
/// Errors: timeout/child_silent, io/child_ended with the end of its log.
Result<std::string> read_line(Child& child, std::chrono::milliseconds patience);

/// Whether the child has ended; reaps it.
bool has_ended(Child& child);
/// io/child_ended: which child it was, with the end of its log.
Error has_ended_error(const Child& child);
/// SIGTERM, then SIGKILL after `patience`.
void stop_child(Child& child, std::chrono::milliseconds patience);
void kill_child(Child& child);

/// The last lines of a log, for messages.
std::string tail_of(const std::string& path);

}  // namespace cocoon::app
