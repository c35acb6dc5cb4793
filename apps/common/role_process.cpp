#include "common/role_process.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <future>

#include "cocoon/version.h"
#include "common/crash_trace.h"
#include "common/heap_holes.h"
#include "common/same_signal.h"

namespace cocoon::app {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitMisuse = 2;
constexpr int kExitSecondSignal = 130;

std::atomic<bool> role_failed = false;

/// Whoever started us with SIGHUP ignored, as nohup does, wants us to outlive the terminal.
bool outlives_terminal() {
  struct sigaction found {};
  return sigaction(SIGHUP, nullptr, &found) == 0 && found.sa_handler == SIG_IGN;
}

sigset_t termination_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (!outlives_terminal()) sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGUSR1);  // our own: the role has stopped
  return set;
}

/// Waits for a signal of the set. All threads have them blocked. This thread has nothing else to
/// do, so it looks after the heap meanwhile.
int next_signal(const sigset_t& set) {
  static HeapHoles holes;
  constexpr timespec kHeapLook{30, 0};
  for (;;) {
    const int number = sigtimedwait(&set, nullptr, &kHeapLook);
    if (number > 0) return number;
    if (errno == EAGAIN) holes.give_back();
  }
}

}  // namespace

ParsedCommandLine parse_command_line(int argc, char** argv, const std::string& program,
                                     const std::string& purpose) {
  ParsedCommandLine parsed;
  CLI::App cli(purpose, program);
  cli.set_version_flag("--version", program + " " + version());
  cli.add_option("--config", parsed.line.config_path,
                 "Configuration file (TOML); packaging/" + program.substr(sizeof "cocoon-" - 1) +
                     ".toml explains every key")
      ->required()
      ->type_name("FILE");
  cli.add_flag("--check", parsed.line.check_only,
               "Check the configuration, print all that is wrong with it, and exit. Opens no other "
               "file: whether those that it names are there and good shows at the start");
  cli.footer(
      "Exit codes: 0 stopped as asked, 1 could not run or go on, 2 bad usage or configuration,\n"
      "130 stopped at once by a second signal.\n"
      "SIGTERM, SIGINT and SIGHUP drain running requests; a second one exits now.");
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = cli.exit(e);
    parsed.exit_code = code == 0 ? 0 : kExitMisuse;
  }
  return parsed;
}

void stop_failed_role() {
  role_failed = true;
  kill(getpid(), SIGTERM);
}

int run_role(const std::string& program, std::chrono::milliseconds drain, const RunningRole& role) {
  install_crash_trace(program);
  const sigset_t signals = termination_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  auto thread = LoopThread::start();
  if (!thread) {
    print_error(program, thread.error());
    return kExitFailed;
  }
  std::promise<Status> started;
  thread->post([&] { started.set_value(role.start(thread->loop())); });
  const Status status = started.get_future().get();

  if (!status) {
    print_error(program, status.error());
  } else {
    (void)next_signal(signals);
  }
  thread->post([&] { role.stop(drain, [] { kill(getpid(), SIGUSR1); }); });
  const auto asked = std::chrono::steady_clock::now();
  while (next_signal(signals) != SIGUSR1) {
    if (std::chrono::steady_clock::now() - asked < kSameSignal) continue;
    std::fprintf(stderr, "%s: second signal, leaving at once\n", program.c_str());
    std::_Exit(kExitSecondSignal);
  }
  std::promise<void> destroyed;
  thread->post([&] {
    role.destroy();
    destroyed.set_value();
  });
  destroyed.get_future().get();
  return status && !role_failed ? 0 : kExitFailed;
}

}  // namespace cocoon::app
