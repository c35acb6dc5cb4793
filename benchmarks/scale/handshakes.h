#pragma once
// What a TLS handshake costs its server at the least: OpenSSL alone, with the product's settings
// and certificates, in memory.

#include <cstddef>

#include "world.h"

namespace cocoon::bench {

struct HandshakeCost {
  double openssl_us = 0;   ///< SSL_do_handshake() and SSL_free()
  double endpoint_us = 0;  ///< tls::Endpoint, to the facts about the peer
};

/// Processor time of the server's side; means over `rounds` handshakes each, in turn.
/// @param server whose certificate the server shows, and `client` the client
HandshakeCost measure_handshakes(const Papers& server, const Papers& client, std::size_t rounds);

/// Heap of one open endpoint of a server that has forgotten the peer's certificate, its buffers
/// empty: what TLS takes of each idle connection. A mean over `count`.
double endpoint_heap(const Papers& server, const Papers& client, std::size_t count);

}  // namespace cocoon::bench
