#include "support/pccs_server.h"

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

#include "codec/hex.h"

namespace cocoon::test {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
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
                             reinterpret_cast<const unsigned char*>("pccs of a test"), -1, -1, 0);
  X509_set_issuer_name(out.get(), name);
  X509_EXTENSION* san = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(out.get(), san, -1);
  X509_EXTENSION_free(san);
  EXPECT_GT(X509_sign(out.get(), key, EVP_sha256()), 0);
  return out;
}

std::string percent_encoded(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    out += '%' + to_hex(ByteView(&byte, 1));
  }
  return out;
}

std::string reply(int status, const std::string& fields, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

std::string document(const std::string& header, const std::string& name,
                     const attest::CollateralText::Document& content) {
  return reply(200, header + ": " + percent_encoded(content.chain.value()) + "\r\n",
               "{\"" + name + "\":" + content.text.value() + ",\"signature\":\"" +
                   content.signature.value() + "\"}");
}

}  // namespace

struct PccsServer::Tls {
  Tls() : key(EVP_EC_gen("P-256")), certificate(certificate_for_loopback(key.get())) {
    SSL_CTX_use_certificate(context.get(), certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), key.get());
  }
  Key key;
  Cert certificate;
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> context{SSL_CTX_new(TLS_server_method())};
};

PccsServer::PccsServer(const std::string& ca_file) : tls_(std::make_unique<Tls>()) {
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

PccsServer::~PccsServer() {
  stop();
}

std::string PccsServer::url() const {
  return "https://127.0.0.1:" + std::to_string(port_);
}

void PccsServer::serve(const std::string& fmspc, const attest::CollateralText& collateral) {
  const std::lock_guard lock(mutex_);
  platforms_[fmspc] = lists_ = collateral;
}

void PccsServer::set_status(int status) {
  const std::lock_guard lock(mutex_);
  status_ = status;
}

void PccsServer::hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
}

void PccsServer::release() {
  const std::lock_guard lock(mutex_);
  held_ = false;
  changed_.notify_all();
}

void PccsServer::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    ::shutdown(listener_, SHUT_RDWR);
    for (const int fd : connections_) ::shutdown(fd, SHUT_RDWR);
    changed_.notify_all();
  }
  acceptor_.join();
  for (std::thread& talker : talkers_) talker.join();
  ::close(listener_);
}

std::vector<std::string> PccsServer::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

void PccsServer::accept_all() {
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
void PccsServer::talk(int fd) {
  Session session(SSL_new(tls_->context.get()));
  SSL_set_fd(session.get(), fd);
  std::string request;
  if (SSL_accept(session.get()) == 1) {
    char piece[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const int got = SSL_read(session.get(), piece, sizeof piece);
      if (got <= 0) break;
      request.append(piece, static_cast<std::size_t>(got));
    }
  }
  if (request.starts_with("GET ")) {
    const std::string out = answer_to(request.substr(4, request.find(' ', 4) - 4));
    if (!out.empty()) SSL_write(session.get(), out.data(), static_cast<int>(out.size()));
    SSL_shutdown(session.get());
  }
  ERR_clear_error();
  const std::lock_guard lock(mutex_);
  connections_.erase(std::find(connections_.begin(), connections_.end(), fd));
  ::close(fd);
}

/// Empty: the server has been stopped.
std::string PccsServer::answer_to(const std::string& path) {
  std::unique_lock lock(mutex_);
  asked_.push_back(path);
  changed_.wait(lock, [this] { return !held_ || stopping_; });
  if (stopping_) return {};
  if (status_ != 200) return reply(status_, "", "");
  if (path.find("/pckcrl?") != std::string::npos) return reply(200, "", lists_.pck_crl.value());
  if (path.find("/rootcacrl") != std::string::npos) return reply(200, "", lists_.root_crl.value());
  if (path.find("/qe/identity") != std::string::npos) {
    return document("SGX-Enclave-Identity-Issuer-Chain", "enclaveIdentity", lists_.qe_identity);
  }
  const std::size_t fmspc = path.find("fmspc=");
  const auto at =
      fmspc == std::string::npos ? platforms_.end() : platforms_.find(path.substr(fmspc + 6, 12));
  if (at == platforms_.end()) return reply(404, "", "");
  return document("TCB-Info-Issuer-Chain", "tcbInfo", at->second.tcb_info);
}

}  // namespace cocoon::test
