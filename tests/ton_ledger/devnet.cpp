#include "ton_ledger/devnet.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace cocoon::test {
namespace {

constexpr std::string_view kReady = "ready ";

[[noreturn]] void become(const char* server, int output, int block_ms) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(output, STDOUT_FILENO);
  const std::string interval = std::to_string(block_ms);
  execlp("node", "node", server, "--listen", "127.0.0.1:0", "--block-ms", interval.c_str(),
         static_cast<char*>(nullptr));
  _exit(127);
}

}  // namespace

Devnet::Devnet(int block_ms) {
  const char* server = std::getenv("COCOON_TON_DEVNET");
  EXPECT_NE(server, nullptr) << "set COCOON_TON_DEVNET to apps/ton-devnet/server.mjs";
  int ends[2];
  if (server == nullptr || pipe2(ends, O_CLOEXEC) != 0) return;
  child_ = fork();
  if (child_ == 0) become(server, ends[1], block_ms);
  close(ends[1]);
  output_ = ends[0];
  std::string line;
  char c = 0;
  while (read(output_, &c, 1) == 1 && c != '\n') line += c;
  EXPECT_TRUE(line.starts_with(kReady)) << "the devnet did not start: " << line;
  if (line.starts_with(kReady)) url_ = line.substr(kReady.size());
}

Devnet::~Devnet() {
  if (child_ > 0) {
    kill(child_, SIGTERM);
    waitpid(child_, nullptr, 0);
  }
  if (output_ >= 0) close(output_);
}

}  // namespace cocoon::test
