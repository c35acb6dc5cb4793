#pragma once
/// @file The three roles' configurations, from the text of a file. The keys are explained in
/// packaging/*.toml; the defaults are those of the public option structs.

#include <string>
#include <string_view>

#include "cocoon/config.h"

namespace cocoon::config {

/// @param file the name to report errors with; relative paths in the text start at its folder
/// Errors: invalid_argument with a code of Reader::finish() or parse_document().
Result<ClientConfig> parse_client_config(std::string_view text, const std::string& file);
Result<ProxyConfig> parse_proxy_config(std::string_view text, const std::string& file);
Result<WorkerConfig> parse_worker_config(std::string_view text, const std::string& file);

}  // namespace cocoon::config
