#include "children.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

namespace cocoon::app {
namespace {

constexpr std::size_t kMaxLineBytes = 4096;
constexpr std::streamoff kTailBytes = 1500;

/// In the child: everything up to exec. Only async-signal-safe calls.
[[noreturn]] void become(char* const* argv, int output, int log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent died before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  setpgid(0, 0);  // a Ctrl-C reaches this program first, which then stops its children in order
  dup2(output, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv(argv[0], argv);
  _exit(127);
}

}  // namespace

Result<Child> start_child(const std::string& name, const std::vector<std::string>& arguments,
                          const std::string& log_path) {
  const auto failed = [&](const char* what) {
    return Error(ErrorKind::io, "cannot_start", name + ": " + what + ": " + std::strerror(errno));
  };
  if (access(arguments[0].c_str(), X_OK) != 0) return failed(arguments[0].c_str());
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return failed("pipe");
  const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) return failed(log_path.c_str());
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) become(argv.data(), ends[1], log, parent);
  close(ends[1]);
  close(log);
  if (pid < 0) {
    close(ends[0]);
    return failed("fork");
  }
  return Child{name, pid, ends[0], log_path};
}

std::string tail_of(const std::string& path) {
  std::ifstream in(path, std::ios::ate | std::ios::binary);
  const auto size = static_cast<std::streamoff>(in.tellg());
  in.seekg(size > kTailBytes ? size - kTailBytes : 0);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Result<std::string> run_command(const std::vector<std::string>& arguments,
                                const std::string& log_path) {
  COCOON_TRY(Child child, start_child(arguments[0], arguments, log_path));
  std::string printed;
  char buffer[4096];
  while (true) {
    const ssize_t got = read(child.output, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    printed.append(buffer, static_cast<std::size_t>(got));
  }
  close(child.output);
  int status = 0;
  while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) {
    std::string line;
    for (const std::string& argument : arguments) line += argument + " ";
    return Error(ErrorKind::internal, "command_failed", line + "failed:\n" + tail_of(log_path));
  }
  return printed;
}

Result<std::string> read_line(Child& child, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  std::string line;
  while (line.size() < kMaxLineBytes) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd wait{child.output, POLLIN, 0};
    const int ready = left.count() > 0 ? poll(&wait, 1, static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      return Error(ErrorKind::timeout, "child_silent",
                   child.name + " does not come up; its log " + child.log_path + " ends:\n" +
                       tail_of(child.log_path));
    }
    char c = 0;
    if (read(child.output, &c, 1) != 1) {
      return has_ended_error(child);
    }
    if (c == '\n') return line;
    line += c;
  }
  return Error(ErrorKind::internal, "child_talks", child.name + " prints a line without an end");
}

bool has_ended(Child& child) {
  if (child.pid < 0) return true;
  int status = 0;
  if (waitpid(child.pid, &status, WNOHANG) != child.pid) return false;
  child.pid = -1;
  return true;
}

Error has_ended_error(const Child& child) {
  return Error(
      ErrorKind::io, "child_ended",
      child.name + " ended; its log " + child.log_path + " ends:\n" + tail_of(child.log_path));
}

void stop_child(Child& child, std::chrono::milliseconds patience) {
  if (has_ended(child)) return;
  kill(child.pid, SIGTERM);
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!has_ended(child)) {
    if (std::chrono::steady_clock::now() > until) return kill_child(child);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void kill_child(Child& child) {
  if (has_ended(child)) return;
  kill(child.pid, SIGKILL);
  int status = 0;
  waitpid(child.pid, &status, 0);
  child.pid = -1;
}

}  // namespace cocoon::app
