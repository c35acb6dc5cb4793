/// cocoon-bench-load: sends a number of streamed chat requests over N connections, as fast as they
/// are answered or at a given rate, and prints what it measured as one JSON object.

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

/// When the next request may go out: at once, or evenly spread where a rate is asked for.
class Pace {
 public:
  explicit Pace(double per_second)
      : gap_(per_second > 0 ? std::chrono::duration_cast<Clock::duration>(
                                  std::chrono::duration<double>(1 / per_second))
                            : Clock::duration::zero()) {}

  bool due() const { return Clock::now() >= next_; }
  void take() { next_ += gap_; }
  /// For poll(): rounded up, so that it does not return just before a request is due.
  int ms_left() const {
    return static_cast<int>(
        std::chrono::ceil<std::chrono::milliseconds>(next_ - Clock::now()).count());
  }

 private:
  Clock::duration gap_;
  Clock::time_point next_ = Clock::now();
};

/// Sends `total` requests over `clients`, each of which has one on its way at most. False: nothing
/// arrives any more.
bool run(std::vector<std::unique_ptr<StreamClient>>& clients, std::size_t total, Pace pace,
         Samples& samples) {
  std::vector<pollfd> polls;
  std::vector<std::size_t> idle;
  for (const auto& client : clients) {
    idle.push_back(polls.size());
    polls.push_back({client->fd(), POLLIN, 0});
  }
  std::size_t sent = 0;
  for (std::size_t done = 0; done < total;) {
    while (sent < total && !idle.empty() && pace.due()) {
      clients[idle.back()]->send();
      idle.pop_back();
      pace.take();
      ++sent;
    }
    if (sent == done && idle.empty()) return false;  // every connection is broken
    const bool paced = sent < total && !idle.empty();
    const int patience = paced ? std::max(0, pace.ms_left()) : 30'000;
    if (poll(polls.data(), polls.size(), patience) <= 0 && !paced) return false;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if ((polls[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
      if (!clients[i]->on_readable(samples)) continue;
      ++done;
      if (clients[i]->broken()) {
        polls[i].fd = -1;
      } else {
        idle.push_back(i);
      }
    }
  }
  return true;
}

void print(Samples& samples, std::size_t requests, double seconds) {
  std::printf(
      "{\"requests\":%zu,\"failed\":%llu,\"seconds\":%.4f,\"per_second\":%.1f,"
      "\"latency_p50_us\":%.1f,\"latency_p99_us\":%.1f,\"first_chunk_p50_us\":%.1f,"
      "\"way_p50_us\":%.1f,\"way_p99_us\":%.1f,\"gap_p50_us\":%.2f,\"gap_p99_us\":%.1f,\"chunks\":%"
      "llu}\n",
      requests, static_cast<unsigned long long>(samples.failed), seconds,
      static_cast<double>(requests) / seconds, at_quantile(samples.latency, 0.5),
      at_quantile(samples.latency, 0.99), at_quantile(samples.first_chunk, 0.5),
      at_quantile(samples.way, 0.5), at_quantile(samples.way, 0.99), at_quantile(samples.gaps, 0.5),
      at_quantile(samples.gaps, 0.99), static_cast<unsigned long long>(samples.chunks));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6 && argc != 7) {
    std::fprintf(stderr,
                 "usage: cocoon-bench-load HOST PORT CONNECTIONS REQUESTS JSON-BODY "
                 "[REQUESTS-PER-SECOND]\n");
    return 2;
  }
  const std::string host = argv[1];
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  const auto connections = static_cast<std::size_t>(std::atoi(argv[3]));
  const auto total = static_cast<std::size_t>(std::atoi(argv[4]));
  const std::string request = request_for(host + ":" + argv[2], argv[5]);

  std::vector<std::unique_ptr<StreamClient>> clients;
  for (std::size_t i = 0; i < connections; ++i) {
    clients.push_back(std::make_unique<StreamClient>(host, port, request));
    if (clients.back()->broken()) {
      std::fprintf(stderr, "cocoon-bench-load: cannot connect to %s:%u\n", host.c_str(), port);
      return 1;
    }
  }
  Samples samples;
  const auto start = Clock::now();
  if (!run(clients, total, Pace(argc == 7 ? std::atof(argv[6]) : 0), samples)) {
    std::fprintf(stderr, "cocoon-bench-load: nothing arrives any more\n");
    return 1;
  }
  print(samples, total, std::chrono::duration<double>(Clock::now() - start).count());
  return samples.failed == 0 ? 0 : 1;
}
