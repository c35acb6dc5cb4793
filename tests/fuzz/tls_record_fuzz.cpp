// modules: tls
// covers: libcocoon/tls/certificate.cpp libcocoon/tls/endpoint.cpp

#include <algorithm>
#include <cstdint>
#include <string>

#include "crypto/system_random.h"
#include "fuzz/require.h"
#include "tls/certificate.h"
#include "tls/endpoint.h"

namespace {

using namespace cocoon;
using fuzz::require;
using State = tls::Endpoint::State;

tls::Context make_context(tls::Side side) {
  ByteArray<32> seed{};
  seed[0] = side == tls::Side::server ? 1 : 2;
  const auto key = crypto::SigningKey::from_seed(seed);
  const tls::CertificateFields fields{.common_name = "fuzz",
                                      .not_before = unix_seconds(1'750'000'000),
                                      .not_after = unix_seconds(1'750'086'400),
                                      .extensions = {{"2.23.133.5.4.9", false, Bytes(100, 1)}}};
  return tls::Context::create(side, key, tls::make_certificate(key, fields).value()).value();
}

const tls::Context& context(tls::Side side) {
  static const tls::Context client = make_context(tls::Side::client);
  static const tls::Context server = make_context(tls::Side::server);
  return side == tls::Side::client ? client : server;
}

void deliver(tls::Endpoint& from, tls::Endpoint& to, std::size_t n = SIZE_MAX) {
  const Bytes part = to_bytes(from.output().first(std::min(n, from.output().size())));
  from.consume(part.size());
  (void)to.receive(part);
}

// A stranger's certificate: what parses can be made again from what was read.
void certificate(ByteView data) {
  auto parsed = tls::parse_certificate(data);
  if (!parsed) return;
  const tls::CertificateFields fields{.common_name = "again",
                                      .not_before = parsed->not_before,
                                      .not_after = parsed->not_after,
                                      .extensions = parsed->extensions};
  auto made = tls::make_certificate(crypto::SigningKey::from_seed(ByteArray<32>{}), fields);
  if (!made) return;
  auto again = tls::parse_certificate(*made);
  require(again && again->extensions.size() == parsed->extensions.size());
}

// A stranger's bytes instead of a handshake, in two pieces: they never end one.
void handshake(tls::Side side, ByteView data) {
  tls::Endpoint endpoint = tls::Endpoint::create(context(side)).value();
  const std::size_t half = data.size() / 2;
  (void)endpoint.receive(data.first(half));
  (void)endpoint.receive(data.subspan(half));
  (void)endpoint.receive_end();
  Bytes out;
  (void)endpoint.read(out);
  require(out.empty() && endpoint.state() == State::failed && endpoint.error().has_value());
}

// A connection between two of us, with a script of writes, fragments, forgeries and ends. What the
// server reads is always a prefix of what the client wrote, and nothing before admission.
class Script {
 public:
  void run(ByteReader in) {
    while (!client_.output().empty() || !server_.output().empty()) {
      deliver(client_, server_);
      deliver(server_, client_);
    }
    require(client_.admit().has_value() && server_.state() == State::unverified);
    while (in.remaining() >= 2) {
      const std::uint8_t operation = in.u8();
      step(operation, in.u8(), in);
    }
  }

 private:
  void step(std::uint8_t operation, std::uint8_t n, ByteReader& in) {
    switch (operation % 10) {
      case 0: {
        const Bytes text(n * 80u, operation);
        if (client_.write(text)) append(sent_, text);
        return;
      }
      case 1: return deliver(client_, server_, n * 16u);
      case 2: return read_server();
      case 3: (void)server_.receive(in.take(std::min<std::size_t>(n, in.remaining()))); return;
      case 4: admitted_ = server_.admit().has_value() || admitted_; return;
      case 5: return client_.shutdown();
      case 6: (void)server_.receive_end(); return;
      case 7: {
        (void)server_.write(Bytes(n, operation));
        deliver(server_, client_);
        Bytes out;
        (void)client_.read(out);
        require(admitted_ || out.empty());
        return;
      }
      case 8: {
        // A caller that pauses when asked is never punished for what its peer sends.
        const bool wanted = server_.wants_read();
        const Status received = server_.receive(Bytes(n * 512u, operation));
        require(!wanted || received.has_value());
        return;
      }
      default: {
        tls::Endpoint moved = std::move(server_);
        server_ = std::move(moved);
        return;
      }
    }
  }

  void read_server() {
    Bytes out;
    (void)server_.read(out);
    require(admitted_ || out.empty());
    append(got_, out);
    require(got_.size() <= sent_.size() && std::equal(got_.begin(), got_.end(), sent_.begin()));
  }

  tls::Endpoint client_ = tls::Endpoint::create(context(tls::Side::client)).value();
  tls::Endpoint server_ = tls::Endpoint::create(context(tls::Side::server)).value();
  Bytes sent_;
  Bytes got_;
  bool admitted_ = false;
};

}  // namespace

/// The first byte chooses what the rest is: a certificate, a handshake's first bytes to either
/// side, or a script for a connection.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  require(crypto::initialise().has_value());
  const ByteView rest(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0: certificate(rest); break;
    case 1: handshake(tls::Side::server, rest); break;
    case 2: handshake(tls::Side::client, rest); break;
    default: Script().run(ByteReader(rest)); break;
  }
  return 0;
}
