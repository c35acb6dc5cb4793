#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "attest/text.h"
#include "base/limits.h"
#include "codec/hex.h"
#include "collateral/fetch.h"
#include "collateral/files.h"
#include "commands.h"
#include "common/read_file.h"
#include "common/write_file.h"
#include "on_loop.h"

namespace cocoon::app {
namespace {

Result<attest::CollateralText> fetch(const collateral::Service& service,
                                     const collateral::Platform& platform,
                                     const io::HttpClientOptions& options) {
  return run_on_loop<attest::CollateralText>(
      options, [&](io::HttpClient& client, auto done) -> Result<std::shared_ptr<void>> {
        COCOON_TRY(std::shared_ptr<collateral::Fetch> running,
                   collateral::Fetch::start(client, service, platform, std::move(done)));
        return std::shared_ptr<void>(std::move(running));
      });
}

Result<collateral::Platform> platform_of(const FetchCollateralCommand& command) {
  if (!command.quote.empty()) {
    COCOON_TRY(const std::string quote, read_file(command.quote, limits::kMaxQuoteBytes));
    auto platform = collateral::platform_of(as_bytes(quote));
    return platform ? std::move(platform) : std::move(platform).error().within(command.quote);
  }
  collateral::Platform platform;
  auto fmspc = array_from_hex<6>(command.fmspc);
  if (!fmspc) {
    return Error(ErrorKind::invalid_argument, "fmspc_invalid",
                 fmt::format("--fmspc {}: expected 12 hexadecimal digits, as `cocoon-attest "
                             "inspect QUOTE` shows them",
                             command.fmspc));
  }
  platform.fmspc = *fmspc;
  platform.ca =
      command.ca == "processor" ? collateral::PckCa::processor : collateral::PckCa::platform;
  platform.tee = command.tee == "sgx" ? TeeKind::sgx : TeeKind::tdx;
  return platform;
}

template <class T>
std::string described(const attest::SignedDocument<T>& document) {
  if (!document.content) return "unreadable: " + document.content.problem;
  return fmt::format("issued {}, next update {}, evaluation number {}",
                     attest::format_utc(document.content->head.issue_date),
                     attest::format_utc(document.content->head.next_update),
                     document.content->head.tcb_evaluation_number);
}

}  // namespace

Result<Exit> fetch_collateral(const FetchCollateralCommand& command) {
  COCOON_TRY(const collateral::Platform platform, platform_of(command));
  collateral::Service service;
  service.url = command.url;
  service.update =
      command.update == "standard" ? collateral::Update::standard : collateral::Update::early;
  io::HttpClientOptions client;
  client.ca_file = command.ca_file;
  COCOON_TRY(const attest::CollateralText text, fetch(service, platform, client));
  if (command.out.empty()) {
    std::printf("%s\n", text.to_json().c_str());
    return Exit::accepted;
  }
  // A folder is a node's bundle_dir: there the platform has a name of its own.
  std::error_code none;
  const std::string out = std::filesystem::is_directory(command.out, none)
                              ? collateral::file_of(command.out, platform)
                              : command.out;
  COCOON_CHECK(write_file(out, text.to_json() + '\n'));
  const attest::CollateralPtr parsed = attest::Collateral::parse(text);
  std::printf("%s", fmt::format("{}: {} platform {}\n  TCB info    {}\n  QE identity {}\n", out,
                                to_string(platform.tee), to_hex(platform.fmspc),
                                described(parsed->tcb_info), described(parsed->qe_identity))
                        .c_str());
  return Exit::accepted;
}

}  // namespace cocoon::app
