#include "proxy_process.h"

#include <filesystem>
#include <fstream>

#include "need.h"

namespace cocoon::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

}  // namespace

double CpuTime::total() const {
  double sum = 0;
  for (const auto& [name, seconds] : threads) sum += seconds;
  return sum;
}

CpuTime operator-(const CpuTime& later, const CpuTime& earlier) {
  CpuTime out = later;
  for (const auto& [name, seconds] : earlier.threads) out.threads[name] -= seconds;
  return out;
}

ProxyProcess::ProxyProcess(const std::string& program, const std::string& folder)
    : child_(need(app::start_child("cocoon-proxy", {program, "--config", folder + "/proxy.toml"},
                                   folder + "/proxy.log"),
                  "cocoon-proxy")) {
  const std::string line = need(app::read_line(child_, 60s), "cocoon-proxy");
  const std::string prefix = "listening ";
  if (!line.starts_with(prefix)) fail("cocoon-proxy printed: " + line);
  address_ = line.substr(prefix.size(), line.find(' ', prefix.size()) - prefix.size());
}

ProxyProcess::~ProxyProcess() {
  app::stop_child(child_, 40s);
}

CpuTime ProxyProcess::cpu() const {
  CpuTime out;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(child_.pid) + "/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    double nanoseconds = 0;
    std::ifstream(task.path() / "schedstat") >> nanoseconds;
    out.threads[name] += nanoseconds * 1e-9;
  }
  return out;
}

Memory ProxyProcess::memory() const {
  Memory out;
  std::ifstream file("/proc/" + std::to_string(child_.pid) + "/smaps_rollup");
  std::string line;
  while (std::getline(file, line)) {
    const auto kilobytes = [&] {
      return std::stoull(line.substr(line.find_first_of("0123456789"))) * 1024;
    };
    if (line.starts_with("Private_")) out.private_bytes += kilobytes();
    if (line.starts_with("Rss:")) out.resident_bytes = kilobytes();
  }
  return out;
}

std::size_t ProxyProcess::descriptors() const {
  const fs::directory_iterator files("/proc/" + std::to_string(child_.pid) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

}  // namespace cocoon::bench
