/// A gateway that embeds the proxy: its hooks admit tenants and meter them.
/// Usage: example_gateway_proxy PROXY.toml [ALLOWANCE]   ALLOWANCE: nanotons a tenant may spend

#include <uv.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "cocoon/config.h"
#include "cocoon/proxy.h"

using namespace std::chrono_literals;

namespace {

/// Each tenant may spend the same; what it spent is kept here.
class TenantHooks final : public cocoon::ProxyHooks {
 public:
  explicit TenantHooks(std::uint64_t allowance) : allowance_(allowance) {}

  cocoon::Status admit(const cocoon::ClientIdentity& who, std::string_view) override {
    if (spent_[who.account] < allowance_) return cocoon::ok();
    return cocoon::Error(cocoon::ErrorKind::payment, "tenant_allowance",
                         "this tenant has used up its allowance");
  }
  void on_usage(const cocoon::ClientIdentity& who, std::string_view model,
                const cocoon::Usage& usage) override {
    spent_[who.account] += usage.cost_nano;
    std::printf("%s used %s for %llu nanoton\n", who.account.c_str(), std::string(model).c_str(),
                (unsigned long long)usage.cost_nano);
  }

 private:
  std::uint64_t allowance_;
  std::map<std::string, std::uint64_t> spent_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::uint64_t allowance = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100'000'000;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  auto config = cocoon::load_proxy_config(argv[1]);
  if (!config) return std::fprintf(stderr, "%s\n", config.error().detail().c_str()), 2;
  config->proxy.hooks = std::make_shared<TenantHooks>(allowance);

  uv_loop_t* loop = uv_default_loop();
  auto proxy = cocoon::Proxy::create(cocoon::Loop::borrow(loop), config->proxy);
  if (!proxy || !proxy->start()) return 1;
  std::printf("listening %s\n", proxy->address().c_str());

  uv_signal_t terminate;  // the gateway's own signal handling
  uv_signal_init(loop, &terminate);
  terminate.data = &*proxy;
  uv_signal_start(
      &terminate,
      [](uv_signal_t* signal, int) {
        static_cast<cocoon::Proxy*>(signal->data)->stop(5s, [] {});
        uv_close(reinterpret_cast<uv_handle_t*>(signal), nullptr);
      },
      SIGTERM);
  return uv_run(loop, UV_RUN_DEFAULT);
}
