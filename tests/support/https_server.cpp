#include "support/https_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>
#include <utility>

#include "support/freed.h"

namespace cocoon::test {
namespace {

using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Freed<X509_free>>;
using Session = std::unique_ptr<SSL, Freed<SSL_free>>;

constexpr long kDay = 24 * 3600;

Cert certificate_for_loopback(EVP_PKEY* key) {
  Cert out(X509_new());
  X509_set_version(out.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(out.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(out.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(out.get()), kDay);
  X509_set_pubkey(out.get(), key);
  X509_NAME* name = X509_get_subject_name(out.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("server of a test"), -1, -1, 0);
  X509_set_issuer_name(out.get(), name);
  X509_EXTENSION* san = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(out.get(), san, -1);
  X509_EXTENSION_free(san);
  EXPECT_GT(X509_sign(out.get(), key, EVP_sha256()), 0);
  return out;
}

/// Nothing where the connection ends before the request.
std::optional<HttpsRequest> read_request(SSL* session) {
  std::string text;
  std::size_t needed = std::string::npos;  // until the head is there
  while (text.size() < needed) {
    char piece[4096];
    const int got = SSL_read(session, piece, sizeof piece);
    if (got <= 0) return std::nullopt;
    text.append(piece, static_cast<std::size_t>(got));
    const std::size_t head = text.find("\r\n\r\n");
    if (needed != std::string::npos || head == std::string::npos) continue;
    const std::size_t length = text.find("Content-Length: ");
    needed = head + 4 + (length < head ? std::stoul(text.substr(length + 16)) : 0);
  }
  const std::size_t method = text.find(' ');
  const std::size_t path = text.find(' ', method + 1);
  return HttpsRequest{text.substr(0, method), text.substr(method + 1, path - method - 1),
                      text.substr(text.find("\r\n\r\n") + 4)};
}

}  // namespace

struct HttpsServer::Tls {
  Tls() : key(EVP_EC_gen("P-256")), certificate(certificate_for_loopback(key.get())) {
    SSL_CTX_use_certificate(context.get(), certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), key.get());
  }
  Key key;
  Cert certificate;
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> context{SSL_CTX_new(TLS_server_method())};
};

HttpsServer::HttpsServer(const std::string& ca_file, Handler handler)
    : tls_(std::make_unique<Tls>()), handler_(std::move(handler)) {
  std::signal(SIGPIPE, SIG_IGN);  // a client may be gone when its answer comes
  FILE* out = std::fopen(ca_file.c_str(), "w");
  EXPECT_NE(out, nullptr);
  PEM_write_X509(out, tls_->certificate.get());
  std::fclose(out);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&at), size), 0);
  EXPECT_EQ(::listen(listener_, 64), 0);
  EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size), 0);
  port_ = ntohs(at.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpsServer::~HttpsServer() {
  stop();
}

std::string HttpsServer::url() const {
  return "https://127.0.0.1:" + std::to_string(port_);
}

std::string HttpsServer::reply(int status, const std::string& fields, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

void HttpsServer::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    ::shutdown(listener_, SHUT_RDWR);
    for (const int fd : connections_) ::shutdown(fd, SHUT_RDWR);
  }
  acceptor_.join();
  for (std::thread& talker : talkers_) talker.join();
  ::close(listener_);
}

void HttpsServer::accept_all() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (stopping_ || fd < 0) {
      if (fd >= 0) ::close(fd);
      return;
    }
    connections_.push_back(fd);
    talkers_.emplace_back([this, fd] { talk(fd); });
  }
}

/// One request, one answer.
void HttpsServer::talk(int fd) {
  Session session(SSL_new(tls_->context.get()));
  SSL_set_fd(session.get(), fd);
  if (SSL_accept(session.get()) == 1) {
    if (const auto request = read_request(session.get())) {
      const std::string out = handler_(*request);
      if (!out.empty()) SSL_write(session.get(), out.data(), static_cast<int>(out.size()));
    }
    SSL_shutdown(session.get());
  }
  ERR_clear_error();
  const std::lock_guard lock(mutex_);
  connections_.erase(std::find(connections_.begin(), connections_.end(), fd));
  ::close(fd);
}

}  // namespace cocoon::test
