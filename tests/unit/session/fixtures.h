#pragma once
/// @file Seeded randomness, a client, a worker and a sealed request between them, for the tests of
/// sealed requests.

#include <random>
#include <string>
#include <vector>

#include "base/random.h"
#include "crypto/system_random.h"
#include "session/sealed_request.h"
#include "session/size_classes.h"

namespace cocoon::test {

/// The same bytes for the same seed.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(engine_());
  }

 private:
  std::mt19937_64 engine_;
};

inline RequestHash numbered_hash(std::uint8_t n) {
  return {Hash{n}};
}

inline Now at_second(std::uint64_t s) {
  return {.mono = MonoTime(Seconds(static_cast<std::int64_t>(s))),
          .unix = unix_seconds(1'700'000'000 + s)};
}

/// What a proxy holds of a request, to be tampered with.
struct Carried {
  Bytes header;
  std::vector<Bytes> wraps;
  std::vector<Bytes> chunks;
};

inline Carried carry(const session::SealedRequest& request) {
  Carried out{.header = to_bytes(request.header())};
  for (const ByteView wrap : request.wraps()) out.wraps.push_back(to_bytes(wrap));
  for (std::size_t i = 0; i < request.chunk_count(); ++i) {
    out.chunks.push_back(to_bytes(request.chunk(i)));
  }
  return out;
}

struct Worker {
  Worker(const NetworkId& network, Random& random, Now now) : keys(network, random, now) {}
  session::Recipient recipient() const { return {keys.public_key(), keys.not_after()}; }

  session::SealingKeys keys;
  session::ReplayTable replays;
};

/// One client, one proxy account, three workers; what is sealed and opened happens at `now`.
struct Network {
  explicit Network(std::uint64_t seed = 1)
      : random(seed), id{random.array<16>()}, proxy{random.array<32>()}, exporters(id), workers{} {
    for (int i = 0; i < 3; ++i) workers.emplace_back(id, random, now);
  }

  session::RequestHeader header() const {
    return {.network = id,
            .proxy = proxy,
            .endpoint = session::Endpoint::chat_completions,
            .model = "demo@1",
            .max_output_tokens = 4096,
            .prompt_bound_tokens = 1500,
            .choices = 1,
            .cost_cap = Nano{1'000'000},
            .registry_version = 3,
            .max_coefficient_e3 = 1000,
            .not_after = now.unix + Seconds(300)};
  }

  /// A request to the first `candidates` workers.
  Result<session::SealedRequest> try_seal(std::string_view body, std::size_t candidates = 2) {
    std::vector<session::Recipient> recipients;
    for (std::size_t i = 0; i < candidates; ++i) recipients.push_back(workers[i].recipient());
    return session::seal_request(header(), recipients, as_bytes(body), exporters, random, now);
  }
  session::SealedRequest seal(std::string_view body, std::size_t candidates = 2) {
    return try_seal(body, candidates).value();
  }

  session::OpenPolicy policy() const { return {.network = id, .proxy = proxy}; }
  Result<session::RequestOpener> open(const Carried& carried, std::size_t worker,
                                      std::size_t candidate) {
    return session::open_request(carried.header, carried.wraps[candidate],
                                 static_cast<std::uint8_t>(candidate), policy(),
                                 workers[worker].keys, workers[worker].replays, now.unix);
  }
  /// Everything up to the body, or the first error.
  Result<session::RequestOpener> receive(const Carried& carried, std::size_t worker = 0,
                                         std::size_t candidate = 0) {
    COCOON_TRY(session::RequestOpener opener, open(carried, worker, candidate));
    for (const Bytes& chunk : carried.chunks) COCOON_CHECK(opener.add_chunk(chunk));
    return opener;
  }

  Now now = at_second(100);
  SeededRandom random;
  NetworkId id;
  AccountId proxy;
  session::ExporterCache exporters;
  std::vector<Worker> workers;
};

}  // namespace cocoon::test
