#include "network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <thread>
#include <utility>

#include "attest/sim/platform.h"
#include "billing/amount.h"
#include "codec/hex.h"
#include "crypto/system_random.h"
#include "http_probe.h"
#include "io/clock.h"
#include "ledger/local_ledger.h"
#include "node/account_key.h"
#include "tee/source.h"
#include "ton_contracts.h"

namespace cocoon::app {
namespace {

using namespace std::chrono_literals;

/// A role that starts writes to the ledger first; on TON that takes two blocks and some looks.
constexpr auto kStartPatience = 60s;
constexpr auto kStopPatience = 10s;
/// How often to look why nothing is served yet.
constexpr auto kLookInterval = 2s;
/// What the roles hand in while they stop goes through three contracts at most, a block each.
constexpr auto kRestPatience = 5s;

/// A port that is free now. The proxy binds it a moment later; should another process be quicker,
/// the proxy says so.
Result<std::uint16_t> free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (fd >= 0) close(fd);
  if (!bound) {
    return Error(ErrorKind::io, "no_port", std::string("no free port: ") + std::strerror(errno));
  }
  return ntohs(address.sin_port);
}

/// TOML's basic string.
std::string toml_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

Network::Network(NetworkOptions options)
    : options_(std::move(options)),
      programs_(std::filesystem::read_symlink("/proc/self/exe").parent_path().string()) {}

Network::~Network() {
  for (auto child = children_.rbegin(); child != children_.rend(); ++child) kill_child(*child);
}

Status Network::write_file(const std::string& file, const std::string& text) const {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written =
      fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const std::string why = std::strerror(errno);
  if (fd >= 0) close(fd);
  if (written) return ok();
  return Error(ErrorKind::io, "cannot_write", "cannot write " + file + ": " + why);
}

Result<std::string> Network::ledger(std::vector<std::string> arguments) {
  std::vector<std::string> line{program("cocoon-ledger"), "--ledger", path("ledger.sqlite")};
  line.insert(line.end(), arguments.begin(), arguments.end());
  return run_command(line, path("ledger.log"));
}

Status Network::make_platform() {
  if (std::filesystem::exists(path("sim/root.pem"))) return ok();
  std::error_code failed;
  std::filesystem::create_directories(path("sim"), failed);
  chmod(path("sim").c_str(), 0700);
  crypto::SystemRandom random;
  COCOON_TRY(const auto platform, attest::sim::SimPlatform::create(random, io::now().unix));
  COCOON_TRY(const auto state, platform.serialize());
  COCOON_CHECK(write_file(path("sim/collateral.json"), state.collateral_json));
  COCOON_CHECK(write_file(path("sim/keys.pem"), std::string(as_text(state.keys_pem.view()))));
  return write_file(path("sim/root.pem"), state.root_pem);
}

Status Network::make_local_ledger(const crypto::SigningKey& client_key,
                                  const crypto::SigningKey& proxy_key) {
  const std::string client = to_hex(client_key.public_key());
  const std::string proxy = to_hex(proxy_key.public_key());
  if (std::filesystem::exists(path("ledger.sqlite"))) {
    COCOON_CHECK(allow_model());
    return make_app_channel(proxy);
  }
  COCOON_CHECK(ledger({"init"}));
  const auto image = [](attest::EvidenceRole role) { return tee::simulated_image(role).to_hex(); };
  COCOON_CHECK(ledger({"allow", "proxy-image", image(attest::EvidenceRole::proxy)}));
  COCOON_CHECK(ledger({"allow", "worker-image", image(attest::EvidenceRole::worker)}));
  COCOON_CHECK(ledger({"allow", "model", options_.model}));
  COCOON_CHECK(ledger({"allow", "proxy", proxy, "--endpoint", proxy_address_}));
  COCOON_CHECK(
      ledger({"open", "--client", client, "--proxy", proxy, "--deposit", options_.deposit}));
  return make_app_channel(proxy);
}

/// A network that was made for another model serves this one, too.
Status Network::allow_model() {
  COCOON_TRY(auto local, ledger::LocalLedger::open(path("ledger.sqlite")));
  COCOON_TRY(const auto registry, local.registry(io::now().unix));
  if (registry.find_model(options_.model) != nullptr) return ok();
  COCOON_CHECK(ledger({"allow", "model", options_.model}));
  return ok();
}

/// An account for a program of the user's own: the gateway's is in use while this network runs.
Status Network::make_app_channel(const std::string& proxy) {
  if (std::filesystem::exists(path("app.toml"))) return ok();
  COCOON_TRY(const auto app, node::load_or_create_account_key(path("app")));
  COCOON_CHECK(ledger({"open", "--client", to_hex(app.public_key()), "--proxy", proxy, "--deposit",
                       options_.deposit}));
  return ok();
}

Status Network::start_chain() {
  const std::string script =
      options_.ton_devnet.empty() ? default_ton_server(programs_) : options_.ton_devnet;
  COCOON_TRY(std::vector<std::string> line, ton_server_command(script));
  crypto::SystemRandom random;
  TonServer chain;
  // Without a key, a role would ask once a second only (limits::kTonRateWithoutKey).
  chain.api_key = to_hex(random.array<16>());
  COCOON_CHECK(write_file(path("ton.key"), chain.api_key + "\n"));
  line.insert(line.end(), {"--listen", "127.0.0.1:0", "--state", path("chain"), "--block-ms", "200",
                           "--api-key", chain.api_key});
  COCOON_TRY(auto child, start_child("ton-devnet", line, path("chain.log")));
  children_.push_back(std::move(child));
  COCOON_TRY(const std::string ready, read_line(children_.back(), kStartPatience));
  const std::string prefix = "ready http://";
  if (!ready.starts_with(prefix)) {
    return Error(ErrorKind::internal, "unexpected_line", "ton-devnet printed: " + ready);
  }
  chain.address = ready.substr(prefix.size(), ready.find('/', prefix.size()) - prefix.size());
  chain_ = std::move(chain);
  return ok();
}

Status Network::make_ton_ledger(const crypto::SigningKey& client, const crypto::SigningKey& proxy) {
  COCOON_CHECK(start_chain());
  TonContracts wanted;
  wanted.server = *chain_;
  wanted.state = options_.state;
  wanted.model = options_.model;
  wanted.proxy_endpoint = proxy_address_;
  COCOON_TRY(wanted.deposit, billing::parse_amount(options_.deposit));
  wanted.client = &client;
  wanted.proxy = &proxy;
  for (unsigned i = 1; i <= options_.workers; ++i) {
    COCOON_TRY(const auto worker,
               node::load_or_create_account_key(path(fmt::format("worker-{}", i))));
    wanted.workers.push_back(worker.account_id());
  }
  COCOON_TRY(ton_, make_ton_contracts(wanted));
  return ok();
}

Status Network::prepare() {
  COCOON_CHECK(crypto::initialise());
  std::error_code failed;
  std::filesystem::create_directories(options_.state, failed);
  if (failed) {
    return Error(ErrorKind::io, "state_dir_unusable",
                 "cannot use " + options_.state + ": " + failed.message());
  }
  chmod(options_.state.c_str(), 0700);
  options_.state = std::filesystem::canonical(options_.state).string();
  COCOON_TRY(const auto client, node::load_or_create_account_key(path("client")));
  COCOON_TRY(const auto proxy, node::load_or_create_account_key(path("proxy")));
  COCOON_TRY(const std::uint16_t port, free_port());
  proxy_address_ = fmt::format("127.0.0.1:{}", port);
  COCOON_CHECK(make_platform());
  const std::string other =
      options_.on_ton ? path("ledger.sqlite") : ton_network_path(options_.state);
  if (std::filesystem::exists(other)) {
    return Error(ErrorKind::invalid_argument, "other_ledger",
                 options_.state + " has a network with the other kind of ledger in it (" + other +
                     "); use another --state, or the other --ledger");
  }
  return options_.on_ton ? make_ton_ledger(client, proxy) : make_local_ledger(client, proxy);
}

/// The first line of a role's configuration.
std::string Network::ledger_key() const {
  if (options_.on_ton) return {};
  return fmt::format("ledger = {}\n", toml_string(path("ledger.sqlite")));
}

/// Its last lines.
std::string Network::ledger_table() const {
  if (!options_.on_ton) return {};
  return fmt::format(
      "\n[ton]\nnetwork = {}\nroot = {}\nendpoints = [{}]\napi_key_file = {}\nkeepers = [{}]\n"
      "keepers_needed = {}\nregistry_file = {}\n",
      toml_string(ton_.network), toml_string(ton_.root), toml_string(ton_.endpoints.front()),
      toml_string(ton_.api_key_file), toml_string(ton_.keepers.front()), ton_.keepers_needed,
      toml_string(ton_.registry_file));
}

std::string Network::policy(const std::string& section) const {
  return fmt::format("[{}]\nroot = \"simulated\"\nsimulated_dir = {}\n\n", section,
                     toml_string(path("sim")));
}

std::string Network::evidence() const {
  return fmt::format("[evidence]\nkind = \"simulated\"\nsimulated_dir = {}\n",
                     toml_string(path("sim")));
}

Status Network::start_proxy() {
  COCOON_CHECK(write_file(path("proxy.toml"),
                          fmt::format("{}state_dir = {}\nlisten = {}\n\n", ledger_key(),
                                      toml_string(path("proxy")), toml_string(proxy_address_)) +
                              policy("worker_policy") + evidence() + ledger_table()));
  COCOON_TRY(auto child,
             start_child("cocoon-proxy", {program("cocoon-proxy"), "--config", path("proxy.toml")},
                         path("proxy.log")));
  children_.push_back(std::move(child));
  COCOON_CHECK(read_line(children_.back(), kStartPatience));
  return ok();
}

Status Network::start_worker(unsigned number) {
  const std::string name = fmt::format("worker-{}", number);
  COCOON_CHECK(write_file(
      path(name + ".toml"),
      fmt::format("{}state_dir = {}\nproxies = [{}]\nengine_url = {}\nmodels = [{}]\n"
                  "capacity = {}\n\n",
                  ledger_key(), toml_string(path(name)), toml_string(proxy_address_),
                  toml_string(options_.backend), toml_string(options_.model), options_.capacity) +
          policy("proxy_policy") + evidence() + ledger_table()));
  COCOON_TRY(auto child, start_child("cocoon-" + name,
                                     {program("cocoon-worker"), "--config", path(name + ".toml")},
                                     path(name + ".log")));
  children_.push_back(std::move(child));
  return ok();
}

/// The configuration of a client with its state in the folder `name`.
Status Network::write_client(const std::string& name, const std::string& listen) const {
  return write_file(path(name + ".toml"),
                    fmt::format("{}state_dir = {}\nproxies = [{}]\n"
                                "max_exposure = \"2 TON\"\n\n[gateway]\nlisten = {}\n\n",
                                ledger_key(), toml_string(path(name)), toml_string(proxy_address_),
                                toml_string(listen)) +
                        policy("proxy_policy") + policy("worker_policy") + ledger_table());
}

Status Network::start_client() {
  COCOON_CHECK(write_client("client", options_.listen));
  // On TON a channel costs a wallet with money in it: there an app opens its own.
  if (!options_.on_ton) COCOON_CHECK(write_client("app", "127.0.0.1:0"));
  COCOON_TRY(auto child, start_child("cocoon-client",
                                     {program("cocoon-client"), "--config", path("client.toml")},
                                     path("client.log")));
  children_.push_back(std::move(child));
  COCOON_TRY(const std::string line, read_line(children_.back(), kStartPatience));
  const std::string prefix = "listening ";
  if (!line.starts_with(prefix)) {
    return Error(ErrorKind::internal, "unexpected_line", "cocoon-client printed: " + line);
  }
  url_ = line.substr(prefix.size());
  return ok();
}

namespace {

/// What a worker's log says of its engine last; empty where that is ready, or not known yet.
std::string engine_problem(const std::string& log) {
  constexpr std::string_view kWarning = "Z warning ";
  std::string problem;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("the engine") == std::string::npos) continue;
    const std::size_t level = line.find(kWarning);
    const std::size_t text =
        level == std::string::npos ? level : line.find(": ", level + kWarning.size());
    problem = text == std::string::npos ? std::string() : line.substr(text + 2);
  }
  return problem;
}

}  // namespace

Status Network::wait_until_served(const std::function<bool()>& interrupted) {
  auto until = std::chrono::steady_clock::now() + kStartPatience;
  auto look = std::chrono::steady_clock::now() + kLookInterval;
  std::string told;
  const std::string address = url_.substr(7, url_.rfind("/v1") - 7);
  const std::string wanted = "\"id\":\"" + options_.model + "\"";
  while (std::chrono::steady_clock::now() < until) {
    if (interrupted()) return Error(ErrorKind::cancelled, "interrupted", "interrupted");
    if (const Child* child = ended_child()) return has_ended_error(*child);
    if (http_get(address, "/v1/models").find(wanted) != std::string::npos) return ok();
    if (const auto now = std::chrono::steady_clock::now(); now >= look) {
      look = now + kLookInterval;
      const std::string problem = engine_problem(tail_of(path("worker-1.log")));
      if (!problem.empty() && problem != std::exchange(told, problem)) {
        std::fprintf(stderr, "cocoon-devnet: waiting: %s\n", problem.c_str());
      }
      // A model takes minutes to load.
      if (problem.find("loading") != std::string::npos) until = now + kStartPatience;
    }
    std::this_thread::sleep_for(10ms);
  }
  return Error(ErrorKind::timeout, "not_served",
               "the network does not serve " + options_.model + "; the worker's log ends:\n" +
                   tail_of(path("worker-1.log")) + "the client's log ends:\n" +
                   tail_of(path("client.log")));
}

Status Network::start(const std::function<bool()>& interrupted) {
  COCOON_CHECK(prepare());
  COCOON_CHECK(start_proxy());
  for (unsigned i = 1; i <= options_.workers; ++i) COCOON_CHECK(start_worker(i));
  COCOON_CHECK(start_client());
  return wait_until_served(interrupted);
}

const Child* Network::ended_child() {
  for (Child& child : children_) {
    if (has_ended(child)) return &child;
  }
  return nullptr;
}

void Network::stop() {
  const std::size_t roles_from = chain_ ? 1 : 0;
  for (std::size_t i = children_.size(); i > roles_from; --i) {
    stop_child(children_[i - 1], kStopPatience);
  }
  if (!chain_) return;
  const auto until = std::chrono::steady_clock::now() + kRestPatience;
  while (!has_ended(children_.front()) && !is_at_rest(*chain_) &&
         std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(20ms);
  }
  stop_child(children_.front(), kStopPatience);
}

}  // namespace cocoon::app
