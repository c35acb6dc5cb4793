#include "config/roles.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/limits.h"
#include "config/document.h"
#include "config/sections.h"
#include "config/table.h"
#include "config/units.h"

namespace cocoon::config {

namespace {

/// What a browser sends as `Origin`, or it would never match: no path, not even a slash.
std::optional<std::string> read_origin(std::string_view text) {
  const std::size_t scheme = text.find("://");
  const bool whole = scheme != 0 && scheme != std::string_view::npos && scheme + 3 < text.size();
  const bool plain = whole && text.find_first_of("/?# @*", scheme + 3) == std::string_view::npos;
  const bool lower =
      std::none_of(text.begin(), text.end(), [](const char c) { return c >= 'A' && c <= 'Z'; });
  if (text != "null" && !(plain && lower)) return std::nullopt;
  return std::string(text);
}

/// What stands in a Host header, with or without a port.
std::optional<std::string> read_host(std::string_view text) {
  if (text.empty() || text.find_first_of("/?# @*") != std::string_view::npos) return std::nullopt;
  return std::string(text);
}

void read_gateway(Table& table, GatewayOptions& gateway) {
  table.listen_address("listen", gateway.listen);
  table.secrets("api_keys", gateway.api_keys);
  table.parsed_list("allowed_hosts", gateway.allowed_hosts,
                    "a host name without scheme and path, such as \"api.example\"", read_host);
  table.parsed_list("allowed_origins", gateway.allowed_origins,
                    "an origin as browsers send it, in lower case and without a path, such as "
                    "\"https://app.example\"",
                    read_origin);
  table.integer("max_connections", gateway.max_connections, {1, limits::kMaxConnectionsSetting});
}

/// The engine's paths all begin with /v1, which the worker adds.
void read_engine(Table& root, std::string& engine_url) {
  root.require("engine_url", "the inference engine, such as \"http://127.0.0.1:8000\"");
  root.parsed<std::string>(
      "engine_url", engine_url,
      "a URL such as \"http://127.0.0.1:8000\", without a slash at the end, or a socket such as "
      "\"unix:/run/engine.sock\"",
      [](std::string_view text) {
        const bool taken = is_http_url(text) || is_unix_socket(text);
        return taken ? std::optional<std::string>(text) : std::nullopt;
      });
  if (engine_url.ends_with("/v1")) {
    root.fault("engine_url", "config_value",
               "\"engine_url\" goes without the \"/v1\" at its end: it is added to every path");
  }
}

}  // namespace

Result<ClientConfig> parse_client_config(std::string_view text, const std::string& file) {
  COCOON_TRY(const Value document, parse_document(text, file));
  Reader reader(file, document);
  Table& root = reader.root();
  ClientConfig config;
  ClientOptions& client = config.client;
  read_common(root, config.process, client.ledger_path, client.ton, client.state_dir, client.log);
  root.addresses("proxies", client.proxies);
  root.amount("max_exposure", client.max_exposure_nano);
  root.amount("max_request_cost", client.max_request_cost_nano);
  if (client.max_request_cost_nano > client.max_exposure_nano) {
    root.fault(
        root.has("max_request_cost") ? "max_request_cost" : "max_exposure", "config_value",
        fmt::format("\"max_request_cost\" ({} nanotons) is above \"max_exposure\" ({}), which "
                    "has to cover it",
                    client.max_request_cost_nano, client.max_exposure_nano));
  }
  root.integer("max_coefficient_e3", client.max_coefficient_e3, {1, limits::kMaxCoefficientE3});
  root.size("max_request_size", client.max_request_bytes,
            {limits::kLowestMaxRequestBytes, limits::kHighestMaxRequestBytes});
  root.integer("requests_per_key_agreement", client.requests_per_key_agreement,
               {1, limits::kMaxExporterUses});
  read_policy(root, "proxy_policy", client.proxy_policy);
  read_worker_policy(root, client.worker_policy);
  read_collateral(root, client.collateral);
  read_gateway(root.table("gateway"), config.gateway);
  config.gateway.max_request_bytes = client.max_request_bytes;
  config.gateway.log = client.log;
  COCOON_CHECK(reader.finish());
  return config;
}

Result<ProxyConfig> parse_proxy_config(std::string_view text, const std::string& file) {
  COCOON_TRY(const Value document, parse_document(text, file));
  Reader reader(file, document);
  Table& root = reader.root();
  ProxyConfig config;
  ProxyOptions& proxy = config.proxy;
  read_common(root, config.process, proxy.ledger_path, proxy.ton, proxy.state_dir, proxy.log);
  read_admin(root, config.process);
  root.listen_address("listen", proxy.listen);
  root.amount("max_unacknowledged", proxy.max_unacknowledged_nano);
  root.integer("max_clients", proxy.max_clients, {1, limits::kMaxConnectionsSetting});
  root.integer("max_workers", proxy.max_workers, {1, limits::kMaxConnectionsSetting});
  root.integer("max_requests_per_client", proxy.max_requests_per_client,
               {1, limits::kMaxRequestsSetting});
  root.integer("max_request_rate_per_client", proxy.max_request_rate_per_client,
               {0, limits::kMaxRateSetting});
  read_worker_policy(root, proxy.worker_policy);
  read_collateral(root, proxy.collateral);
  read_evidence(root, proxy.evidence);
  COCOON_CHECK(reader.finish());
  return config;
}

Result<WorkerConfig> parse_worker_config(std::string_view text, const std::string& file) {
  COCOON_TRY(const Value document, parse_document(text, file));
  Reader reader(file, document);
  Table& root = reader.root();
  WorkerConfig config;
  WorkerOptions& worker = config.worker;
  read_common(root, config.process, worker.ledger_path, worker.ton, worker.state_dir, worker.log);
  read_admin(root, config.process);
  root.addresses("proxies", worker.proxies);
  read_engine(root, worker.engine_url);
  root.require("models", "the registry's ids of the models that the engine serves");
  root.texts("models", worker.models);
  if (root.has("models")) {
    if (const std::string why = models_fault(worker.models); !why.empty()) {
      root.fault("models", "config_value", "\"models\" " + why);
    }
  }
  root.integer("coefficient_e3", worker.coefficient_e3, {1, limits::kMaxCoefficientE3});
  root.integer("capacity", worker.capacity, {1, limits::kMaxRequestsSetting});
  root.amount("max_unpaid", worker.max_unpaid_nano);
  read_policy(root, "proxy_policy", worker.proxy_policy);
  read_collateral(root, worker.collateral);
  read_gpu_evidence(read_evidence(root, worker.evidence), worker.evidence);
  COCOON_CHECK(reader.finish());
  return config;
}

}  // namespace cocoon::config
