// modules: config
// covers: libcocoon/config/document.cpp libcocoon/config/table.cpp libcocoon/config/roles.cpp
// covers: libcocoon/config/sections.cpp libcocoon/config/snp_policy.cpp libcocoon/config/units.cpp

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/roles.h"
#include "config/sections.h"

/// A configuration file is an operator's, but it may be written by a program from what strangers
/// sent: no text may crash the reader.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)cocoon::config::parse_client_config(text, "client.toml");
  (void)cocoon::config::parse_proxy_config(text, "proxy.toml");
  (void)cocoon::config::parse_worker_config(text, "worker.toml");
  (void)cocoon::config::parse_policy_file(text, "policy.toml");
  return 0;
}
