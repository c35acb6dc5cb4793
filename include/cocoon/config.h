#pragma once
/// @file TOML configuration files of the three programs, as options. packaging/*.toml are the
/// annotated examples. An unknown key, a wrong type or a value out of range is an error that names
/// file, line and column.

#include <chrono>
#include <string>
#include <vector>

#include "cocoon/client.h"
#include "cocoon/gateway.h"
#include "cocoon/log.h"
#include "cocoon/proxy.h"
#include "cocoon/worker.h"

COCOON_ABI_BEGIN

/// What every program's file has beside its role.
struct ProcessConfig {
  LogLevel log_level = LogLevel::info;
  /// How long SIGTERM lets running requests finish.
  std::chrono::milliseconds drain{30'000};
  /// Loopback "address:port" of /metrics and /healthz (proxy and worker); empty: none.
  std::string admin_listen;
};

struct ClientConfig {
  ProcessConfig process;
  ClientOptions client;
  GatewayOptions gateway;
};
struct ProxyConfig {
  ProcessConfig process;
  ProxyOptions proxy;
};
struct WorkerConfig {
  ProcessConfig process;
  WorkerOptions worker;
};

COCOON_API Result<ClientConfig> load_client_config(const std::string& path);
COCOON_API Result<ProxyConfig> load_proxy_config(const std::string& path);
COCOON_API Result<WorkerConfig> load_worker_config(const std::string& path);

COCOON_ABI_END
