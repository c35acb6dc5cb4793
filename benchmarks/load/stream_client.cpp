#include "stream_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

namespace cocoon::bench {
namespace {

double micros(Clock::duration d) {
  return std::chrono::duration<double, std::micro>(d).count();
}

/// When the engine sent the event whose comments stand in `text`.
std::optional<Clock::time_point> stamp_of(std::string_view text) {
  constexpr std::string_view kStamp = ": sent ";
  const std::size_t at = text.find(kStamp);
  if (at == std::string_view::npos) return std::nullopt;
  std::int64_t nanoseconds = 0;
  const char* digits = text.data() + at + kStamp.size();
  std::from_chars(digits, text.data() + text.size(), nanoseconds);
  return Clock::time_point(std::chrono::nanoseconds(nanoseconds));
}

}  // namespace

StreamClient::StreamClient(const std::string& host, std::uint16_t port, const std::string& request)
    : request_(request) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &to.sin_addr) != 1) return;
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    close(fd_);
    fd_ = -1;
    return;
  }
  fcntl(fd_, F_SETFL, O_NONBLOCK);
}

StreamClient::~StreamClient() {
  if (fd_ >= 0) close(fd_);
}

void StreamClient::send() {
  buffer_.clear();
  scanned_ = 0;
  head_done_ = false;
  seen_event_ = false;
  sent_at_ = last_event_ = Clock::now();
  // A request fits the socket's buffer: it is small, and nothing else is on its way.
  if (::send(fd_, request_.data(), request_.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request_.size())) {
    close(fd_);
    fd_ = -1;
  }
}

bool StreamClient::fail(Samples& samples) {
  if (++samples.failed == 1) {
    constexpr std::size_t kShownBytes = 600;
    std::fprintf(stderr, "cocoon-bench-load: the first answer that failed:\n%s\n",
                 buffer_.substr(0, kShownBytes).c_str());
  }
  close(fd_);
  fd_ = -1;
  return true;
}

void StreamClient::take_events(Samples& samples) {
  const auto now = Clock::now();
  std::size_t at = 0;
  while ((at = buffer_.find("data: {", scanned_)) != std::string::npos) {
    if (const auto sent = stamp_of(std::string_view(buffer_).substr(scanned_, at - scanned_))) {
      samples.way.push_back(micros(now - *sent));
    }
    scanned_ = at + 7;
    ++samples.chunks;
    if (!seen_event_) {
      samples.first_chunk.push_back(micros(now - sent_at_));
    } else {
      samples.gaps.push_back(micros(now - last_event_));
    }
    seen_event_ = true;
    last_event_ = now;
  }
}

bool StreamClient::on_readable(Samples& samples) {
  char bytes[65536];
  while (true) {
    const ssize_t got = recv(fd_, bytes, sizeof bytes, 0);
    if (got < 0) break;
    if (got == 0) return fail(samples);
    buffer_.append(bytes, static_cast<std::size_t>(got));
  }
  if (!head_done_) {
    if (buffer_.find("\r\n\r\n") == std::string::npos) return false;
    head_done_ = true;
    if (buffer_.compare(9, 3, "200") != 0) return fail(samples);
  }
  take_events(samples);
  if (!buffer_.ends_with("0\r\n\r\n")) return false;  // the last chunk of the chunked body
  if (buffer_.find("data: [DONE]") == std::string::npos) return fail(samples);
  samples.latency.push_back(micros(Clock::now() - sent_at_));
  return true;
}

}  // namespace cocoon::bench
