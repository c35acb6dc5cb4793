#include "ton_server.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "codec/json.h"
#include "http_probe.h"

namespace cocoon::app {
namespace {

/// Empty where PATH has no such program.
std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string file = folder + "/" + name;
    if (!folder.empty() && access(file.c_str(), X_OK) == 0) return file;
  }
  return {};
}

std::string with_key(const TonServer& server, const std::string& path) {
  return "/devnet/" + path + "?api_key=" + server.api_key;
}

}  // namespace

std::string default_ton_server(const std::string& programs) {
  const std::filesystem::path beside = std::filesystem::path(programs) / "../apps/ton-devnet";
  return (beside / "server.mjs").lexically_normal().string();
}

Result<std::vector<std::string>> ton_server_command(const std::string& script) {
  std::string node = find_program("node");
  if (node.empty()) {
    return Error(ErrorKind::not_found, "no_node",
                 "--ledger ton needs Node.js 18 or newer, and there is no node in PATH; "
                 "packaging/install-dependencies node installs it");
  }
  if (!std::filesystem::exists(script)) {
    return Error(ErrorKind::not_found, "no_ton_devnet",
                 "there is no " + script +
                     ": name the server.mjs of apps/ton-devnet with --ton-devnet, after `npm ci "
                     "--ignore-scripts` in its folder; or `ctest -R ton_devnet_install` in the "
                     "build folder puts it there");
  }
  const std::filesystem::path folder = std::filesystem::absolute(script).parent_path();
  if (!std::filesystem::exists(folder / "node_modules")) {
    return Error(ErrorKind::not_found, "no_ton_devnet",
                 "the packages of " + script + " are missing: run `npm ci --ignore-scripts` in " +
                     folder.string());
  }
  return std::vector<std::string>{std::move(node), script};
}

Result<std::string> tell(const TonServer& server, const std::string& path,
                         const std::string& json) {
  const std::string answer = http_post(server.address, with_key(server, path), json);
  const auto document = json::Document::parse(answer);
  const json::Value root = document ? document->root() : json::Value();
  if (!root.find("ok").as_bool().value_or(false)) {
    return Error(
        ErrorKind::io, "ton_devnet_failed",
        "the development chain answers to /devnet/" + path + ": " +
            std::string(root.find("error").as_string().value_or(answer.empty() ? "nothing" : "?")));
  }
  return std::string(root.find("result").raw());
}

bool is_at_rest(const TonServer& server) {
  return http_get(server.address, with_key(server, "status")).find("\"pool\":0,\"queue\":0") !=
         std::string::npos;
}

}  // namespace cocoon::app
