#pragma once
/// @file What hostile proxies' tests do with frames.

#include "session/sealed_header.h"
#include "unit/core/network.h"

namespace cocoon::core::test {

/// The stream that a frame is about; 0: none.
inline wire::StreamId stream_of(const wire::Message& message) {
  return std::visit(
      [](const auto& m) -> wire::StreamId {
        if constexpr (requires { m.stream; }) {
          return m.stream;
        } else {
          return 0;
        }
      },
      message);
}

/// Collects the frames of requests that go from one role to another, to be sent again.
struct Recording {
  struct Request {
    Bytes header;
    std::vector<Bytes> wraps;
    std::vector<Bytes> chunks;
  };
  std::map<std::pair<const Node*, wire::StreamId>, Request> requests;  ///< by receiver

  void note(const Hop& hop) {
    if (const auto* open = std::get_if<wire::Open>(&hop.message)) {
      Request& r = requests[{&hop.to, open->stream}];
      r.header = to_bytes(open->header);
      for (const ByteView wrap : open->wraps) r.wraps.push_back(to_bytes(wrap));
    } else if (const auto* data = std::get_if<wire::Data>(&hop.message)) {
      const auto at = requests.find({&hop.to, data->stream});
      if (at != requests.end()) at->second.chunks.push_back(to_bytes(data->payload));
    }
  }
  const Request& first() const { return requests.begin()->second; }
};

/// Streams of forged requests: beyond those that the real proxy uses in a test.
inline constexpr wire::StreamId kForged = 1000;

/// What a worker says on them is not for the real proxy.
inline void drop_forged(Hop& hop) {
  if (hop.between(kWorker, kProxy) && stream_of(hop.message) >= kForged) hop.drop();
}

/// Gives a recorded request to `worker` as the proxy's own, for candidate `candidate`, sealed in
/// wrap `wrap` of it.
inline void send_again(Network& net, Node& proxy, Node& worker, const Recording::Request& request,
                       wire::StreamId stream, std::uint8_t candidate, std::size_t wrap) {
  wire::Open open;
  open.stream = stream;
  open.header = request.header;
  open.wraps = {request.wraps.at(wrap)};
  open.first_wrap = candidate;
  open.time_left_ms = 60'000;
  net.forge(proxy, worker, open);
  for (const Bytes& chunk : request.chunks) {
    net.forge(proxy, worker, wire::Data{stream, chunk, std::nullopt});
  }
  wire::End end;
  end.stream = stream;
  net.forge(proxy, worker, end);
  net.run(Millis(1000));
}

}  // namespace cocoon::core::test
