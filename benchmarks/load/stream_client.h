#pragma once
/// @file One keep-alive HTTP connection that sends streamed chat requests, one after another, and
/// notes when what arrived.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace cocoon::bench {

using Clock = std::chrono::steady_clock;

/// Everything that all connections measured, in microseconds.
struct Samples {
  std::vector<double> latency;      ///< request sent to last byte
  std::vector<double> first_chunk;  ///< request sent to first event
  std::vector<double> gaps;         ///< between one event and the next
  std::vector<double> way;  ///< from the engine's stamp to an event's arrival, where stamped
  std::uint64_t chunks = 0;
  std::uint64_t failed = 0;
};

class StreamClient {
 public:
  /// Connects (blocking). `fd() < 0`: it could not.
  StreamClient(const std::string& host, std::uint16_t port, const std::string& request);
  ~StreamClient();
  StreamClient(const StreamClient&) = delete;
  StreamClient& operator=(const StreamClient&) = delete;

  int fd() const { return fd_; }
  /// Sends the next request.
  void send();
  /// Takes what has arrived. True: the answer is complete (or failed, and counted as that).
  bool on_readable(Samples& samples);
  bool broken() const { return fd_ < 0; }

 private:
  void take_events(Samples& samples);
  bool fail(Samples& samples);

  int fd_ = -1;
  std::string request_;
  std::string buffer_;
  std::size_t scanned_ = 0;
  bool head_done_ = false;
  Clock::time_point sent_at_;
  Clock::time_point last_event_;
  bool seen_event_ = false;
};

}  // namespace cocoon::bench
