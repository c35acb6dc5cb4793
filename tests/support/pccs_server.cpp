#include "support/pccs_server.h"

#include "codec/hex.h"

namespace cocoon::test {
namespace {

std::string percent_encoded(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    out += '%' + to_hex(ByteView(&byte, 1));
  }
  return out;
}

std::string reply(int status, const std::string& body) {
  return HttpsServer::reply(status, "", body);
}

std::string document(const std::string& header, const std::string& name,
                     const attest::CollateralText::Document& content) {
  return HttpsServer::reply(200, header + ": " + percent_encoded(content.chain.value()) + "\r\n",
                            "{\"" + name + "\":" + content.text.value() + ",\"signature\":\"" +
                                content.signature.value() + "\"}");
}

}  // namespace

PccsServer::PccsServer(const std::string& ca_file)
    : server_(ca_file, [this](const HttpsRequest& request) { return answer_to(request.path); }) {}

PccsServer::~PccsServer() {
  stop();
}

std::string PccsServer::url() const {
  return server_.url();
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
    stopping_ = true;
    changed_.notify_all();
  }
  server_.stop();
}

std::vector<std::string> PccsServer::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

/// Empty: the server has been stopped.
std::string PccsServer::answer_to(const std::string& path) {
  std::unique_lock lock(mutex_);
  asked_.push_back(path);
  changed_.wait(lock, [this] { return !held_ || stopping_; });
  if (stopping_) return {};
  if (status_ != 200) return reply(status_, "");
  if (path.find("/pckcrl?") != std::string::npos) return reply(200, lists_.pck_crl.value());
  if (path.find("/rootcacrl") != std::string::npos) return reply(200, lists_.root_crl.value());
  if (path.find("/qe/identity") != std::string::npos) {
    return document("SGX-Enclave-Identity-Issuer-Chain", "enclaveIdentity", lists_.qe_identity);
  }
  const std::size_t fmspc = path.find("fmspc=");
  const auto at =
      fmspc == std::string::npos ? platforms_.end() : platforms_.find(path.substr(fmspc + 6, 12));
  if (at == platforms_.end()) return reply(404, "");
  return document("TCB-Info-Issuer-Chain", "tcbInfo", at->second.tcb_info);
}

}  // namespace cocoon::test
