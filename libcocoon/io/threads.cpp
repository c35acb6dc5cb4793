#include "io/threads.h"

#include <pthread.h>

#include <csignal>
#include <system_error>

namespace cocoon::io {

Result<std::thread> start_thread(const std::string& name, Callback<void()> body) {
  // A thread inherits the mask of the one that starts it.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  std::string refused;
  try {
    thread = std::thread(std::move(body));
  } catch (const std::system_error& e) {
    refused = e.what();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!thread.joinable()) {
    return Error(ErrorKind::io, "no_thread", "the system gives no further thread: " + refused);
  }
  pthread_setname_np(thread.native_handle(), name.substr(0, 15).c_str());
  return thread;
}

}  // namespace cocoon::io
