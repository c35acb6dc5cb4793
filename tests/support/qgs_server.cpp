#include "support/qgs_server.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>

namespace cocoon::test {
namespace {

/// All of `size` bytes; fewer where the client has gone.
Bytes receive(int from, std::size_t size) {
  Bytes out(size);
  std::size_t received = 0;
  while (received < size) {
    const ssize_t n = ::recv(from, out.data() + received, size - received, 0);
    if (n <= 0) break;
    received += static_cast<std::size_t>(n);
  }
  out.resize(received);
  return out;
}

bool send_all(int to, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

QgsServer::QgsServer(std::string path, Answer answer, End end)
    : path_(std::move(path)),
      answer_(std::move(answer)),
      end_(end),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  path_.copy(at.sun_path, sizeof at.sun_path - 1);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
      ::listen(listener_, 8) != 0) {
    std::abort();  // the test chose a bad path
  }
  thread_ = std::thread([this] {
    for (;;) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      serve(connection);
      ::close(connection);
    }
  });
}

QgsServer::~QgsServer() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  ::unlink(path_.c_str());
}

void QgsServer::serve(int connection) const {
  const Bytes prefix = receive(connection, 4);
  const Bytes question = receive(connection, ByteReader(prefix).u32be());
  for (const Bytes& piece : answer_(question)) {
    if (!send_all(connection, piece)) return;
  }
  if (end_ == End::wait_for_client) (void)receive(connection, 1);
}

Bytes QgsServer::message(ByteView body, std::uint32_t error) {
  const auto size = static_cast<std::uint32_t>(16 + body.size());
  ByteWriter out;
  out.u32be(size);
  out.u16le(1).u16le(1).u32le(1).u32le(size).u32le(error).bytes(body);
  return out.take();
}

Bytes QgsServer::quote_answer(ByteView quote) {
  const Bytes id(16, 0x1D);
  ByteWriter body;
  body.u32le(static_cast<std::uint32_t>(id.size())).u32le(static_cast<std::uint32_t>(quote.size()));
  body.bytes(id).bytes(quote);
  return message(body.take());
}

ByteArray<64> QgsServer::report_data_of(const Bytes& question) {
  ByteReader in(question);
  in.take(16 + 8 + 128);
  return in.array<64>();
}

}  // namespace cocoon::test
