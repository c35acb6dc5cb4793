/// @file Uses something of each public object that needs no network, and says what it runs with.

#include <cocoon/client.h>
#include <cocoon/log.h>
#include <cocoon/loop.h>
#include <cocoon/proxy.h>
#include <cocoon/result.h>
#include <cocoon/version.h>
#include <cocoon/worker.h>

#include <cstdio>
#include <cstring>
#include <future>

namespace {

/// Without options each says what it lacks. @return how many did
int refused(const cocoon::Loop& loop) {
  int count = 0;
  if (!cocoon::Client::create(loop, {})) ++count;
  if (!cocoon::Proxy::create(loop, {})) ++count;
  if (!cocoon::Worker::create(loop, {})) ++count;
  return count;
}

}  // namespace

int main() {
  if (std::strcmp(cocoon::version(), COCOON_VERSION_STRING) != 0) return 1;
  if (cocoon::to_string(cocoon::ErrorKind::payment) != "payment") return 2;
  const cocoon::LogSink log = cocoon::log_to_stderr(cocoon::LogLevel::error);
  log({cocoon::LogLevel::info, "consumer", "not to be seen", {}});
  auto thread = cocoon::LoopThread::start();
  if (!thread) return 3;
  std::promise<int> counted;
  thread->post([&] { counted.set_value(refused(thread->loop())); });
  if (counted.get_future().get() != 3) return 4;
  std::printf("cocoon %s\n", cocoon::version());
  return 0;
}
