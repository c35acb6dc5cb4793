#include "common/crash_trace.h"

#include <execinfo.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string_view>

namespace cocoon::app {
namespace {

constexpr int kMostFrames = 64;

/// Read in a signal handler: set before the first one is installed, and never again.
std::string name_of_program;

void say(std::string_view text) {
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // nobody is left to tell
}

/// Calls only what may be called in a signal handler (signal-safety(7)); backtrace() may once its
/// library is loaded.
void leave_trace(int number) {
  std::array<void*, kMostFrames> frames;
  const char* name = sigabbrev_np(number);
  say(name_of_program);
  say(": a bug: died of SIG");
  say(name == nullptr ? "?" : name);
  say("; please report these lines\n");
  backtrace_symbols_fd(frames.data(), backtrace(frames.data(), kMostFrames), STDERR_FILENO);
  // SA_RESETHAND has put the default action back. abort() raises again by itself; what a fault
  // interrupted faults again; a signal that somebody sent has to be sent again.
  raise(number);
}

}  // namespace

void install_crash_trace(const std::string& program) {
  name_of_program = program;
  std::array<void*, 1> frame;
  (void)backtrace(frame.data(), 1);  // loads its library now
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    struct sigaction present = {};
    if (sigaction(number, nullptr, &present) != 0 || present.sa_handler != SIG_DFL) continue;
    struct sigaction action = {};
    action.sa_handler = leave_trace;
    action.sa_flags = SA_RESETHAND;
    sigaction(number, &action, nullptr);
  }
}

}  // namespace cocoon::app
