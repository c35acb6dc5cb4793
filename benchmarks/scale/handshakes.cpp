#include "handshakes.h"

#include <malloc.h>
#include <openssl/ssl.h>
#include <time.h>

#include <optional>
#include <vector>

#include "need.h"
#include "tls/endpoint.h"

namespace cocoon::bench {
namespace {

/// Of this thread: what else runs on the machine is not counted.
double thread_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

struct Side {
  SSL* ssl = nullptr;
  bool done = false;
  double us = 0;

  Side(SSL_CTX* context, BIO* in, BIO* out, bool server) {
    const double from = thread_us();
    ssl = SSL_new(context);
    SSL_set_bio(ssl, in, out);
    server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
    us += thread_us() - from;
  }
  void step() {
    const double from = thread_us();
    done = SSL_do_handshake(ssl) == 1;
    us += thread_us() - from;
  }
};

double openssl_handshake(const tls::Context& server, const tls::Context& client) {
  BIO* to_server = BIO_new(BIO_s_mem());
  BIO* to_client = BIO_new(BIO_s_mem());
  BIO_up_ref(to_server);
  BIO_up_ref(to_client);
  Side caller(client.native(), to_client, to_server, false);
  Side taker(server.native(), to_server, to_client, true);
  for (int i = 0; i < 8 && !(caller.done && taker.done); ++i) {
    caller.step();
    taker.step();
  }
  if (!caller.done || !taker.done) fail("OpenSSL's handshake does not end");
  SSL_free(caller.ssl);
  const double from = thread_us();
  SSL_free(taker.ssl);
  return taker.us + thread_us() - from;
}

/// A server's endpoint after its handshake; what that took is added to `us`.
tls::Endpoint greeted(const tls::Context& server, const tls::Context& client, double& us) {
  auto caller = need(tls::Endpoint::create(client), "TLS");
  double from = thread_us();
  auto taker = need(tls::Endpoint::create(server), "TLS");
  us += thread_us() - from;
  using State = tls::Endpoint::State;
  for (int i = 0; i < 8 && taker.state() != State::unverified; ++i) {
    const Bytes up = caller.take_output();
    from = thread_us();
    (void)taker.receive(up);
    const Bytes down = taker.take_output();
    us += thread_us() - from;
    (void)caller.receive(down);
  }
  if (taker.state() != State::unverified) fail("the endpoint's handshake does not end");
  from = thread_us();
  (void)taker.take_peer_certificate();
  us += thread_us() - from;
  return taker;
}

double endpoint_handshake(const tls::Context& server, const tls::Context& client) {
  double us = 0;
  std::optional<tls::Endpoint> taker(greeted(server, client, us));
  const double from = thread_us();
  taker.reset();
  return us + thread_us() - from;
}

}  // namespace

HandshakeCost measure_handshakes(const Papers& server, const Papers& client, std::size_t rounds) {
  const auto taking =
      need(tls::Context::create(tls::Side::server, server.boot, server.certificate), "TLS");
  HandshakeCost cost;
  for (std::size_t i = 0; i < rounds; ++i) {
    cost.openssl_us += openssl_handshake(taking, client.tls->client);
    cost.endpoint_us += endpoint_handshake(taking, client.tls->client);
  }
  cost.openssl_us /= static_cast<double>(rounds);
  cost.endpoint_us /= static_cast<double>(rounds);
  return cost;
}

double endpoint_heap(const Papers& server, const Papers& client, std::size_t count) {
  const auto taking =
      need(tls::Context::create(tls::Side::server, server.boot, server.certificate), "TLS");
  std::vector<tls::Endpoint> endpoints;
  endpoints.reserve(count);
  const std::size_t before = mallinfo2().uordblks;
  double us = 0;
  for (std::size_t i = 0; i < count; ++i) {
    endpoints.push_back(greeted(taking, client.tls->client, us));
    (void)endpoints.back().admit();
  }
  return static_cast<double>(mallinfo2().uordblks - before) / static_cast<double>(count);
}

}  // namespace cocoon::bench
