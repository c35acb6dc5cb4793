/// cocoon-bench-load: sends streamed chat requests over N connections for a number of requests, and
/// prints what it measured as one JSON object.

#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "stream_client.h"

namespace {

using namespace cocoon::bench;

double at_quantile(std::vector<double>& values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(q * static_cast<double>(values.size())))];
}

std::string request_for(const std::string& host, const std::string& body) {
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: " + host +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: cocoon-bench-load HOST PORT CONNECTIONS REQUESTS JSON-BODY\n");
    return 2;
  }
  const std::string host = argv[1];
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  const auto connections = static_cast<std::size_t>(std::atoi(argv[3]));
  const auto total = static_cast<std::size_t>(std::atoi(argv[4]));
  const std::string request = request_for(host + ":" + argv[2], argv[5]);

  std::vector<std::unique_ptr<StreamClient>> clients;
  std::vector<pollfd> polls;
  for (std::size_t i = 0; i < connections; ++i) {
    clients.push_back(std::make_unique<StreamClient>(host, port, request));
    if (clients.back()->broken()) {
      std::fprintf(stderr, "cocoon-bench-load: cannot connect to %s:%u\n", host.c_str(), port);
      return 1;
    }
    polls.push_back({clients.back()->fd(), POLLIN, 0});
  }
  Samples samples;
  std::size_t sent = 0;
  std::size_t done = 0;
  const auto start = Clock::now();
  for (auto& client : clients) {
    if (sent == total) break;
    client->send();
    ++sent;
  }
  while (done < sent) {
    if (poll(polls.data(), polls.size(), 30'000) <= 0) {
      std::fprintf(stderr, "cocoon-bench-load: nothing arrives any more\n");
      return 1;
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if ((polls[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
      if (!clients[i]->on_readable(samples)) continue;
      ++done;
      if (clients[i]->broken()) {
        polls[i].fd = -1;
      } else if (sent < total) {
        clients[i]->send();
        ++sent;
      }
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf(
      "{\"requests\":%zu,\"failed\":%llu,\"seconds\":%.4f,\"per_second\":%.1f,"
      "\"latency_p50_us\":%.1f,\"latency_p99_us\":%.1f,\"first_chunk_p50_us\":%.1f,"
      "\"way_p50_us\":%.1f,\"way_p99_us\":%.1f,\"gap_p50_us\":%.2f,\"gap_p99_us\":%.1f,\"chunks\":%"
      "llu}\n",
      done, static_cast<unsigned long long>(samples.failed), seconds,
      static_cast<double>(done) / seconds, at_quantile(samples.latency, 0.5),
      at_quantile(samples.latency, 0.99), at_quantile(samples.first_chunk, 0.5),
      at_quantile(samples.way, 0.5), at_quantile(samples.way, 0.99), at_quantile(samples.gaps, 0.5),
      at_quantile(samples.gaps, 0.99), static_cast<unsigned long long>(samples.chunks));
  return samples.failed == 0 ? 0 : 1;
}
