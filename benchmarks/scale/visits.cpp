#include "visits.h"

#include "base/limits.h"
#include "need.h"

namespace cocoon::bench {

Visits::Visits(World& world, const std::vector<Papers>& papers, std::size_t window)
    : world_(world), papers_(papers), window_(window), visits_(papers.size()) {}

void Visits::begin(std::size_t number) {
  Visit& visit = visits_[number];
  const auto address = need(io::Address::parse(world_.proxy()), "the proxy's address");
  visit.connector = std::make_unique<io::Connector>(
      world_.context(), address, limits::kConnectDeadline,
      [this, &visit, number](Result<io::Connection> made) {
        io::SecureEvents events;
        events.on_unverified = [&visit](const io::UnverifiedPeer&) {
          visit.connection.admit();
          visit.connection.write(Bytes{0, 0, 0, 0});  // a frame of no bytes
        };
        events.on_bytes = [&visit](ByteView) { visit.answered = true; };
        events.on_closed = [this, &visit](const Error&) {
          ++done_;
          if (!visit.answered) ++unanswered_;
        };
        visit.connection = need(
            io::SecureConnection::start(world_.context(), need(std::move(made), "a connection"),
                                        papers_[number].tls->client, std::move(events)),
            "TLS");
      });
}

bool Visits::run(Seconds patience) {
  const bool all = world_.run_until(
      [this] {
        while (begun_ < visits_.size() && begun_ < done_ + window_) begin(begun_++);
        return done_ == visits_.size();
      },
      patience);
  return all && unanswered_ == 0;
}

}  // namespace cocoon::bench
