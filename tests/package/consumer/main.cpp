/// @file Uses something of each public object that needs no network, and says what it runs with.

#include <cocoon/log.h>
#include <cocoon/result.h>
#include <cocoon/version.h>

#include <cstdio>
#include <cstring>

int main() {
  if (std::strcmp(cocoon::version(), COCOON_VERSION_STRING) != 0) return 1;
  if (cocoon::to_string(cocoon::ErrorKind::payment) != "payment") return 2;
  const cocoon::LogSink log = cocoon::log_to_stderr(cocoon::LogLevel::error);
  log({cocoon::LogLevel::info, "consumer", "not to be seen", {}});
  std::printf("cocoon %s\n", cocoon::version());
  return 0;
}
