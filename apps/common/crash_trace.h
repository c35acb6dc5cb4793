#pragma once
/// @file Where a role process died: the trace that it leaves on standard error.

#include <string>

namespace cocoon::app {

/// From now on a signal by which a program dies of a bug of its own (SIGABRT, SIGSEGV, SIGBUS,
/// SIGFPE, SIGILL) first writes the signal and the return addresses of its thread's stack to
/// standard error, as FILE(+OFFSET) lines for `addr2line -Cfe FILE OFFSET`. Then the process dies
/// of it as ever. No contents of memory are written. Leaves alone what somebody else (a sanitizer)
/// has taken over.
void install_crash_trace(const std::string& program);

}  // namespace cocoon::app
