#include "support/tdx_guest.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <future>
#include <map>
#include <mutex>

#include "attest/td_report_struct.h"

namespace cocoon::test {
namespace {

/// Descriptors of the files that do not exist: a range of their own, which the filter knows.
constexpr int kFirstFile = 900;
constexpr int kLastFile = 963;
/// TSM_REPORT_INBLOB_MAX.
constexpr std::size_t kMostInblob = 64;
/// struct tdx_report_req of linux/tdx-guest.h.
constexpr std::size_t kReportRequestBytes = 64 + attest::kTdReportStructBytes;
constexpr auto kGetReport0 =
    static_cast<std::uint32_t>(_IOC(_IOC_READ | _IOC_WRITE, 'T', 1, kReportRequestBytes));
constexpr std::size_t kReportDataInTdReport = 128;

/// Which system calls come to us: by path, and by our descriptors.
std::vector<sock_filter> filter() {
  constexpr auto load = [](std::size_t offset) {
    return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
  };
  constexpr auto jump = [](unsigned test, std::uint32_t value, std::uint8_t yes, std::uint8_t no) {
    return sock_filter BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), value, yes, no);
  };
  const sock_filter notify = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
  const sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  std::vector<sock_filter> out{load(offsetof(seccomp_data, nr))};
  for (const std::uint32_t by_path : {
#ifdef __NR_open
           __NR_open, __NR_mkdir,
#endif
           __NR_openat, __NR_mkdirat}) {
    out.insert(out.end(), {jump(BPF_JEQ, by_path, 0, 1), notify});
  }
  for (const std::uint32_t by_file : {__NR_read, __NR_write, __NR_close, __NR_ioctl}) {
    out.insert(out.end(),
               {jump(BPF_JEQ, by_file, 0, 5), load(offsetof(seccomp_data, args)),
                jump(BPF_JGE, kFirstFile, 0, 2), jump(BPF_JGT, kLastFile, 1, 0), notify, allow});
  }
  out.push_back(allow);
  return out;
}

/// Filters the calling thread. Calls nothing that would not be safe after fork().
/// @return the descriptor on which its system calls arrive; -1 and errno
int filter_this_thread(const std::vector<sock_filter>& program) {
  const sock_fprog description{static_cast<unsigned short>(program.size()),
                               const_cast<sock_filter*>(program.data())};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return static_cast<int>(::syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
                                    SECCOMP_FILTER_FLAG_NEW_LISTENER, &description));
}

void* pointer(std::uint64_t address) {
  return reinterpret_cast<void*>(address);
}

bool read_memory(pid_t pid, std::uint64_t from, void* to, std::size_t size) {
  const iovec local{to, size};
  const iovec remote{pointer(from), size};
  return ::process_vm_readv(pid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(size);
}

bool write_memory(pid_t pid, const void* from, std::uint64_t to, std::size_t size) {
  const iovec local{const_cast<void*>(from), size};
  const iovec remote{pointer(to), size};
  return ::process_vm_writev(pid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(size);
}

/// A path in another's memory. It may end at the end of a page: read byte by byte.
std::string read_path(pid_t pid, std::uint64_t from) {
  std::string out;
  for (char c = 0; out.size() < PATH_MAX && read_memory(pid, from + out.size(), &c, 1) && c != 0;) {
    out += c;
  }
  return out;
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

std::string link_target(const std::string& path) {
  std::array<char, PATH_MAX> out{};
  const ssize_t size = ::readlink(path.c_str(), out.data(), out.size());
  return size > 0 ? std::string(out.data(), static_cast<std::size_t>(size)) : std::string();
}

/// How a system call ends: with a value, or with an errno, or as the real kernel ends it.
struct Outcome {
  std::int64_t value = 0;
  int error = 0;
  bool real = false;
};
constexpr Outcome kReal{0, 0, true};
Outcome failed(int error) {
  return {0, error, false};
}

/// A file that does not exist.
struct OpenFile {
  std::string entry;  ///< path; empty: the device
  std::string attribute;
  Bytes written;
  std::optional<Bytes> content;  ///< what its first read found
  std::size_t position = 0;
};

}  // namespace

/// The answers to system calls. Several threads may be in the guest: one answer at a time.
class TdxGuest::Kernel {
 public:
  Kernel(const std::string& configfs, std::string device, Behaviour behaviour)
      : folder_(configfs + "/tsm/report"),
        device_(std::move(device)),
        behaviour_(std::move(behaviour)),
        null_(::open("/dev/null", O_RDWR | O_CLOEXEC)) {}
  ~Kernel() { ::close(null_); }

  Outcome answer(int listener, const seccomp_notif& call) {
    const std::lock_guard lock(mutex_);
    const auto& args = call.data.args;
    const auto pid = static_cast<pid_t>(call.pid);
    switch (call.data.nr) {
#ifdef __NR_open
      case __NR_open: return on_open(listener, call, path_of(pid, AT_FDCWD, args[0]));
      case __NR_mkdir: return on_mkdir(path_of(pid, AT_FDCWD, args[0]));
#endif
      case __NR_openat:
        return on_open(listener, call, path_of(pid, static_cast<int>(args[0]), args[1]));
      case __NR_mkdirat: return on_mkdir(path_of(pid, static_cast<int>(args[0]), args[1]));
      default: break;
    }
    const auto found = files_.find(static_cast<int>(args[0]));
    if (found == files_.end()) return kReal;
    switch (call.data.nr) {
      case __NR_read: return on_read(pid, found->second, args[1], args[2]);
      case __NR_write: return on_write(pid, found->second, args[1], args[2]);
      case __NR_ioctl: return on_ioctl(pid, found->second, args[1], args[2]);
      default:
        on_close(found->second);
        files_.erase(found);
        return kReal;
    }
  }

  int reports() {
    const std::lock_guard lock(mutex_);
    return reports_;
  }

 private:
  static std::string path_of(pid_t pid, int directory, std::uint64_t address) {
    const std::string path = read_path(pid, address);
    if (path.starts_with('/') || directory == AT_FDCWD) return path;
    const std::string folder =
        link_target("/proc/" + std::to_string(pid) + "/fd/" + std::to_string(directory));
    return folder + "/" + path;
  }

  /// What of `path` is below the folder of entries; empty where it is elsewhere.
  std::string_view below_folder(std::string_view path) const {
    if (!path.starts_with(folder_ + "/")) return {};
    return path.substr(folder_.size() + 1);
  }

  int fails(std::string_view what, std::string_view attribute, TsmState& entry) {
    GuestCall call{what, attribute, entry};
    return behaviour_.before ? behaviour_.before(call) : 0;
  }
  int fails(std::string_view what, const OpenFile& file) {
    return fails(what, file.attribute, state_of(file));
  }

  TsmState& state_of(const OpenFile& file) {
    return file.entry.empty() ? nobody_ : entries_[file.entry];
  }

  Outcome on_mkdir(const std::string& path) {
    const std::string_view name = below_folder(path);
    if (name.empty() || name.find('/') != name.npos || exists(path)) return kReal;
    TsmState fresh;
    fresh.name = name;
    if (const int error = fails("mkdir", "", fresh)) return failed(error);
    entries_[path] = fresh;
    return kReal;
  }

  Outcome on_open(int listener, const seccomp_notif& call, const std::string& path) {
    OpenFile file;
    const std::string_view rest = below_folder(path);
    const std::size_t slash = rest.find('/');
    if (!device_.empty() && path == device_) {
      file.attribute = "device";
    } else if (slash != rest.npos) {
      file.entry = path.substr(0, folder_.size() + 1 + slash);
      file.attribute = rest.substr(slash + 1);
      if (!exists(file.entry)) return failed(ENOENT);
      constexpr std::string_view kAttributes[] = {"inblob", "outblob", "generation", "provider"};
      if (std::find(std::begin(kAttributes), std::end(kAttributes), file.attribute) ==
          std::end(kAttributes)) {
        return failed(ENOENT);
      }
    } else {
      return kReal;
    }
    if (const int error = fails("open", file)) return failed(error);
    int number = kFirstFile;
    while (files_.contains(number)) ++number;
    if (number > kLastFile) return failed(EMFILE);
    seccomp_notif_addfd add{};
    add.id = call.id;
    add.flags = SECCOMP_ADDFD_FLAG_SETFD;
    add.srcfd = static_cast<std::uint32_t>(null_);
    add.newfd = static_cast<std::uint32_t>(number);
    add.newfd_flags = O_CLOEXEC;
    if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0) return failed(errno);
    files_.emplace(number, std::move(file));
    return {number, 0, false};
  }

  /// configfs reads an attribute once per open file.
  int fill(OpenFile& file) {
    TsmState& entry = state_of(file);
    if (const auto text = behaviour_.texts.find(file.attribute); text != behaviour_.texts.end()) {
      file.content = to_bytes(as_bytes(text->second + "\n"));
    } else if (file.attribute == "generation") {
      file.content = to_bytes(as_bytes(std::to_string(entry.generation) + "\n"));
    } else if (file.attribute == "outblob") {
      const auto report_data = to_array<64>(entry.inblob);
      if (!report_data) return EINVAL;
      if (!entry.outblob || entry.outblob_generation != entry.generation) {
        entry.outblob = behaviour_.quote(*report_data);
        entry.outblob_generation = entry.generation;
        ++reports_;
      }
      if (entry.outblob->size() > behaviour_.most_outblob) return EFBIG;
      file.content = entry.outblob;
    } else {
      return EACCES;
    }
    return 0;
  }

  Outcome on_read(pid_t pid, OpenFile& file, std::uint64_t to, std::uint64_t most) {
    if (const int error = fails("read", file)) return failed(error);
    if (!file.content) {
      if (const int error = fill(file)) return failed(error);
    }
    const std::size_t size = std::min<std::size_t>(most, file.content->size() - file.position);
    if (!write_memory(pid, file.content->data() + file.position, to, size)) return failed(EFAULT);
    file.position += size;
    return {static_cast<std::int64_t>(size), 0, false};
  }

  Outcome on_write(pid_t pid, OpenFile& file, std::uint64_t from, std::uint64_t size) {
    if (const int error = fails("write", file)) return failed(error);
    if (file.attribute != "inblob") return failed(EACCES);
    if (file.written.size() + size > kMostInblob) return failed(EFBIG);
    Bytes bytes(size);
    if (!read_memory(pid, from, bytes.data(), size)) return failed(EFAULT);
    append(file.written, bytes);
    return {static_cast<std::int64_t>(size), 0, false};
  }

  /// The real descriptor is closed by the real kernel, which reports no error of ours.
  void on_close(OpenFile& file) {
    if (fails("close", file) != 0 || file.written.empty()) return;
    TsmState& entry = state_of(file);
    ++entry.generation;
    entry.inblob = file.written;
  }

  Outcome on_ioctl(pid_t pid, OpenFile& file, std::uint64_t request, std::uint64_t argument) {
    if (const int error = fails("ioctl", file)) return failed(error);
    if (file.attribute != "device" || request != kGetReport0) return failed(ENOTTY);
    Bytes report(attest::kTdReportStructBytes);
    report[0] = attest::kTdReportType;
    if (!read_memory(pid, argument, report.data() + kReportDataInTdReport, 64) ||
        !write_memory(pid, report.data(), argument + 64, report.size())) {
      return failed(EFAULT);
    }
    return {};
  }

  const std::string folder_;
  const std::string device_;
  const Behaviour behaviour_;
  const int null_;

  std::mutex mutex_;
  std::map<std::string, TsmState> entries_;
  std::map<int, OpenFile> files_;
  TsmState nobody_;
  int reports_ = 0;
};

namespace {

/// Answers what arrives at `listener` until nobody is left in the guest, or `stop` can be read.
template <class Answer>
void supervise(int listener, int stop, const Answer& answer) {
  for (;;) {
    std::array<pollfd, 2> entries{{{listener, POLLIN, 0}, {stop, POLLIN, 0}}};
    if (::poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) break;
    if (entries[1].revents != 0 || (entries[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
      break;
    if ((entries[0].revents & POLLIN) == 0) continue;
    seccomp_notif call{};
    if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) continue;  // the caller is gone
    const Outcome outcome = answer(listener, call);
    seccomp_notif_resp response{};
    response.id = call.id;
    response.val = outcome.value;
    response.error = -outcome.error;
    if (outcome.real) response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    (void)::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
  }
  ::close(listener);
}

bool send_descriptor(int socket, int descriptor) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  return ::sendmsg(socket, &message, 0) == 1;
}

int receive_descriptor(int socket) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  int descriptor = -1;
  if (header != nullptr) std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  return descriptor;
}

}  // namespace

TdxGuest::TdxGuest(std::string configfs, std::string device, Behaviour behaviour)
    : kernel_(std::make_unique<Kernel>(configfs, std::move(device), std::move(behaviour))),
      stop_(::eventfd(0, EFD_CLOEXEC)) {}

TdxGuest::~TdxGuest() {
  const std::uint64_t one = 1;
  (void)!::write(stop_, &one, sizeof one);
  for (std::thread& thread : supervisors_) thread.join();
  ::close(stop_);
}

Status TdxGuest::enter() {
  auto listener = std::make_shared<std::promise<int>>();
  // Before the filter, which the new thread would inherit.
  std::thread supervisor([this, listener] {
    const int fd = listener->get_future().get();
    if (fd >= 0) {
      supervise(fd, stop_, [this](int at, const auto& call) { return kernel_->answer(at, call); });
    }
  });
  supervisors_.push_back(std::move(supervisor));
  const int fd = filter_this_thread(filter());
  const int error = errno;
  listener->set_value(fd);
  if (fd >= 0) return ok();
  return Error(ErrorKind::io, "no_stand_in",
               std::string("the stand-in for the kernel needs seccomp user notification (Linux "
                           "5.9), which this system or its container does not allow: ") +
                   std::strerror(error));
}

Status TdxGuest::run(const std::function<void()>& body) {
  Status entered = ok();
  std::thread([&] {
    entered = enter();
    if (entered) body();
  }).join();
  // The last answer was given under the kernel's lock: what the test's functions wrote is ours now.
  (void)kernel_->reports();
  return entered;
}

int TdxGuest::run_program(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const auto program = filter();
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return -1;
  const pid_t child = ::fork();
  if (child == 0) {
    // Without the stand-in the program would be in no guest any more.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    const int listener = filter_this_thread(program);
    if (listener >= 0 && send_descriptor(pair[1], listener)) {
      ::execv(arguments[0], arguments.data());
    }
    ::_exit(126);
  }
  ::close(pair[1]);
  const int listener = child > 0 ? receive_descriptor(pair[0]) : -1;
  ::close(pair[0]);
  if (listener >= 0) {
    supervise(listener, stop_,
              [this](int at, const auto& call) { return kernel_->answer(at, call); });
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

int TdxGuest::reports() const {
  return kernel_->reports();
}

}  // namespace cocoon::test
