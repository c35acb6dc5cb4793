/// A gateway that embeds the proxy: its hooks admit tenants and meter them.
/// Usage: example_gateway_proxy PROXY.toml [ALLOWANCE]   ALLOWANCE: nanotons a tenant may spend

#include <uv.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "cocoon/config.h"
#include "cocoon/proxy.h"

using namespace cocoon;

/// Each tenant may spend the same; what it spent is kept here.
struct TenantHooks final : ProxyHooks {
  Status admit(const ClientIdentity& who, std::string_view) override {
    if (spent[who.account] < allowance) return ok();
    return Error(ErrorKind::payment, "tenant_allowance", "this tenant has used up its allowance");
  }
  void on_usage(const ClientIdentity& who, std::string_view model, const Usage& usage) override {
    spent[who.account] += usage.cost_nano;
    std::printf("%s used %s for %llu nanoton\n", who.account.c_str(), std::string(model).c_str(),
                (unsigned long long)usage.cost_nano);
  }
  std::uint64_t allowance = 100'000'000;
  std::map<std::string, std::uint64_t> spent;
};

int main(int argc, char** argv) {
  const auto fail = [](const std::string& why, int code) {
    return std::fprintf(stderr, "example_gateway_proxy: %s\n", why.c_str()), code;
  };
  if (argc < 2) return fail("usage: example_gateway_proxy PROXY.toml [ALLOWANCE]", 2);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  auto config = load_proxy_config(argv[1]);
  if (!config) return fail(config.error().detail(), 2);
  auto hooks = std::make_shared<TenantHooks>();
  if (argc > 2) hooks->allowance = std::strtoull(argv[2], nullptr, 10);
  config->proxy.hooks = hooks;
  int exit_code = 0;
  config->proxy.on_fatal = [&](const Error&) { exit_code = 1, std::raise(SIGTERM); };
  uv_loop_t* loop = uv_default_loop();
  auto proxy = Proxy::create(Loop::borrow(loop), config->proxy);
  if (!proxy) return uv_run(loop, UV_RUN_DEFAULT), fail(proxy.error().detail(), 1);
  if (auto started = proxy->start(); !started) return fail(started.error().detail(), 1);
  std::printf("listening %s\n", proxy->address().c_str());

  static uv_signal_t signals[2];  // the gateway's own signal handling
  static Proxy& running = *proxy;
  const auto stop = [](uv_signal_t*, int) {
    for (auto& s : signals) uv_close(reinterpret_cast<uv_handle_t*>(&s), nullptr);
    running.stop(std::chrono::seconds(5), [] {});
  };
  for (auto& s : signals) uv_signal_init(loop, &s);
  uv_signal_start(&signals[0], stop, SIGTERM);
  uv_signal_start(&signals[1], stop, SIGINT);
  return uv_run(loop, UV_RUN_DEFAULT), exit_code;
}
