#include "config/sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "attest/text.h"
#include "base/limits.h"
#include "config/snp_policy.h"
#include "config/units.h"
#include "ton/address.h"

namespace cocoon::config {

namespace {

/// simulated_dir goes with the choice "simulated" and with nothing else.
void read_simulated_dir(Table& table, std::string_view choice_key, bool simulated,
                        std::string& out) {
  constexpr std::string_view kKey = "simulated_dir";
  table.path(kKey, out);
  if (simulated) {
    table.require(kKey, "the \"sim\" folder of the simulated network's state");
  } else if (table.has(kKey)) {
    table.fault(kKey, "config_value",
                "\"simulated_dir\" has a meaning only beside " + std::string(choice_key) +
                    " = \"simulated\"");
  }
}

std::optional<ImageHash> parse_image(std::string_view text) {
  auto hash = ImageHash::from_hex(text);
  return hash ? std::optional(*hash) : std::nullopt;
}

std::optional<PlatformId> parse_platform(std::string_view text) {
  auto id = PlatformId::from_hex(text);
  return id ? std::optional(*id) : std::nullopt;
}

std::optional<AdvisoryGrace> parse_grace(std::string_view text) {
  auto grace = AdvisoryGrace::from_text(text);
  return grace ? std::optional(std::move(*grace)) : std::nullopt;
}

std::optional<QgsAddress> parse_qgs(std::string_view text) {
  auto address = QgsAddress::from_text(text);
  return address ? std::optional(std::move(*address)) : std::nullopt;
}

std::optional<TdxMeasurement> parse_measurement(std::string_view text) {
  return attest::decode_hex_array<std::tuple_size_v<TdxMeasurement>>(text);
}

std::optional<GpuSetHash> parse_gpu_set(std::string_view text) {
  return attest::decode_hex_array<std::tuple_size_v<GpuSetHash>>(text);
}

template <class E>
std::pair<std::string_view, E> named(E value) {
  return {to_string(value), value};
}

/// How current a platform has to be, and how current the collateral that says so.
void read_tcb(Table& table, AttestationPolicy& policy) {
  table.choices<TcbStatus>(
      "tcb_statuses", policy.tcb_statuses,
      {named(TcbStatus::up_to_date), named(TcbStatus::sw_hardening_needed),
       named(TcbStatus::configuration_needed),
       named(TcbStatus::configuration_and_sw_hardening_needed), named(TcbStatus::out_of_date),
       named(TcbStatus::out_of_date_configuration_needed), named(TcbStatus::td_relaunch_advised),
       named(TcbStatus::td_relaunch_advised_configuration_needed)});
  table.parsed_list<AdvisoryGrace>("tcb_grace", policy.tcb_grace,
                                   "\"INTEL-SA-00615 until 2026-12-31T00:00:00Z\"", parse_grace);
  table.integer("min_tcb_evaluation_number", policy.min_tcb_evaluation_number,
                {0, std::numeric_limits<std::uint32_t>::max()});
  if (table.has("max_collateral_age")) {
    Millis age{};
    table.duration("max_collateral_age", age, {Seconds(1), limits::kMaxCollateralAge});
    policy.max_collateral_age = std::chrono::duration_cast<Seconds>(age);
  }
}

/// Everything that policies of roles and in files of their own have in common: all but the kinds of
/// environment, of which nodes take fewer.
void read_policy_keys(Table& table, AttestationPolicy& policy) {
  table.choice<TrustedRootKind>("root", policy.root,
                                {named(TrustedRootKind::intel), named(TrustedRootKind::simulated)});
  read_simulated_dir(table, "root", policy.root == TrustedRootKind::simulated,
                     policy.simulated_dir);
  if (table.has("images")) {
    table.parsed_list<ImageHash>("images", policy.images.emplace(),
                                 "an image hash of 64 hexadecimal digits", parse_image);
  }
  read_tcb(table, policy);
  if (table.has("platforms")) {
    table.parsed_list<PlatformId>("platforms", policy.platforms.emplace(),
                                  "a platform id of 32 hexadecimal digits", parse_platform);
  }
  constexpr std::string_view kMeasurement = "a measurement of 96 hexadecimal digits";
  if (table.has("tdx_modules")) {
    table.parsed_list<TdxMeasurement>("tdx_modules", policy.tdx_modules.emplace(), kMeasurement,
                                      parse_measurement);
  }
  table.parsed_list<TdxMeasurement>("service_tds", policy.service_tds, kMeasurement,
                                    parse_measurement);
  table.integer("allowed_xfam", policy.allowed_xfam,
                {0, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())});
}

void read_gpu_sets(Table& table, AttestationPolicy& policy) {
  constexpr std::string_view kKey = "gpu_measurement_sets";
  if (!table.has(kKey)) return;
  table.parsed_list<GpuSetHash>(kKey, policy.gpu_measurement_sets.emplace(),
                                "the hash of a measurement set, 64 hexadecimal digits",
                                parse_gpu_set);
}

/// The service is a host and no more: its paths are known, and so is what it must prove.
void read_service_url(Table& table, std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (url.empty()) return;
  if (!url.starts_with(kScheme)) {
    table.fault(
        "url", "config_value",
        "\"url\" of collateral must begin with \"https://\", found \"" + std::string(url) + "\"");
  } else if (url.find('/', kScheme.size()) != std::string_view::npos) {
    table.fault("url", "config_value",
                "\"url\" of collateral goes without a path, such as "
                "\"https://pccs.example:8081\": \"/sgx/certification/v4\" and the like are added");
  }
}

template <std::size_t kBytes>
std::optional<std::string> parse_hex(std::string_view text) {
  if (!attest::decode_hex_array<kBytes>(text)) return std::nullopt;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

std::optional<std::string> parse_ton_address(std::string_view text) {
  return ton::parse_address(text) ? std::optional<std::string>(text) : std::nullopt;
}

/// Plain HTTP would show the key to everybody on the way, and let them answer.
std::optional<std::string> parse_ton_endpoint(std::string_view text) {
  constexpr std::string_view kPlain = "http://";
  const std::string_view url = text.ends_with('/') ? text.substr(0, text.size() - 1) : text;
  if (!is_http_url(url) || text.size() > limits::kMaxTonUrlBytes) return std::nullopt;
  if (url.starts_with(kPlain)) {
    const std::string_view rest = url.substr(kPlain.size());
    const std::string_view host = rest.substr(0, rest.find('/'));
    const bool has_port = is_address(host, 1);
    if (!is_loopback_host(has_port ? host_of(host) : host)) return std::nullopt;
  }
  return std::string(text);
}

void read_keepers(Table& table, TonNetwork& ton) {
  table.integer("keepers_needed", ton.keepers_needed,
                {1, static_cast<std::uint32_t>(limits::kMaxRegistryKeepers)});
  if (!table.parsed_list<std::string>("keepers", ton.keepers, "a key of 64 hexadecimal digits",
                                      parse_hex<32>)) {
    return;
  }
  const std::size_t named = ton.keepers.size();
  if (named == 0 || named > limits::kMaxRegistryKeepers) {
    return table.fault("keepers", "config_value",
                       fmt::format("\"keepers\" of [ton] names {}: expected 1 to {}, as without "
                                   "them no registry counts",
                                   named, limits::kMaxRegistryKeepers));
  }
  std::vector<std::string> sorted = ton.keepers;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    table.fault("keepers", "config_value", "\"keepers\" of [ton] names one twice");
  }
  if (ton.keepers_needed > named) {
    table.fault("keepers_needed", "config_value",
                fmt::format("\"keepers_needed\" of [ton] is {}, but only {} of \"keepers\" are "
                            "named: expected at most so many",
                            ton.keepers_needed, named));
  }
}

void read_ton(Table& table, TonNetwork& ton) {
  table.require("network", "the network's id, 32 hexadecimal digits");
  table.parsed<std::string>("network", ton.network, "an id of 32 hexadecimal digits",
                            parse_hex<16>);
  table.require("root", "the address of the network's root contract");
  table.parsed<std::string>(
      "root", ton.root,
      "an address on TON: \"0:\" and 64 hexadecimal digits, or the 48 characters of wallets",
      parse_ton_address);
  table.boolean("testnet", ton.testnet);
  table.require("endpoints",
                "servers with toncenter's API, such as \"https://toncenter.com/api/v2\"");
  const bool read = table.parsed_list<std::string>(
      "endpoints", ton.endpoints,
      "a URL with https:// (http:// only to 127.0.0.1), such as \"https://toncenter.com/api/v2\"",
      parse_ton_endpoint);
  if (read && (ton.endpoints.empty() || ton.endpoints.size() > limits::kMaxTonEndpoints)) {
    table.fault("endpoints", "config_value",
                fmt::format("\"endpoints\" of [ton] has {}: expected 1 to {}", ton.endpoints.size(),
                            limits::kMaxTonEndpoints));
  }
  table.path("api_key_file", ton.api_key_file);
  table.path("ca_file", ton.ca_file);
  table.require("keepers", "the keys of those who sign registries");
  table.require("keepers_needed", "how many of the keepers have to sign");
  read_keepers(table, ton);
  table.require("registry_file", "the newest registry that the keepers have signed");
  table.path("registry_file", ton.registry_file);
  // Longer than a month would be no limit to how late a removal is noticed.
  constexpr Seconds kLongestAge{30 * 24 * 3600};
  Millis age = ton.registry_max_age;
  table.duration("registry_max_age", age, {Seconds(60), kLongestAge});
  ton.registry_max_age = std::chrono::duration_cast<Seconds>(age);
}

void read_ledger(Table& root, std::string& ledger_path, std::optional<TonNetwork>& ton) {
  root.path("ledger", ledger_path);
  if (!root.has("ton")) {
    root.require("ledger",
                 "the file of the local ledger, as made by cocoon-ledger init, unless there is a "
                 "table [ton]");
    return;
  }
  if (root.has("ledger")) {
    root.fault("ledger", "config_value",
               "\"ledger\" and [ton] exclude each other: a network has one ledger");
  }
  read_ton(root.table("ton"), ton.emplace());
}

}  // namespace

void read_common(Table& root, ProcessConfig& process, std::string& ledger_path,
                 std::optional<TonNetwork>& ton, std::string& state_dir, LogSink& log) {
  root.choice<LogLevel>("log_level", process.log_level,
                        {named(LogLevel::debug), named(LogLevel::info), named(LogLevel::warning),
                         named(LogLevel::error)});
  root.duration("drain", process.drain, {Millis(0), limits::kMaxDrain});
  read_ledger(root, ledger_path, ton);
  root.require("state_dir", "the folder for this node's keys and state");
  root.path("state_dir", state_dir);
  log = log_to_stderr(process.log_level);
}

void read_admin(Table& root, ProcessConfig& process) {
  root.listen_address("admin_listen", process.admin_listen);
  if (!process.admin_listen.empty() && is_local_host(host_of(process.admin_listen)) &&
      !is_loopback_host(host_of(process.admin_listen))) {
    root.fault("admin_listen", "config_value",
               "\"admin_listen\" has no authentication: expected a loopback address, such as "
               "\"127.0.0.1:10001\", found \"" +
                   process.admin_listen + "\"");
  }
}

Table& read_policy(Table& root, std::string_view key, AttestationPolicy& policy) {
  root.require(key, "a table that says which evidence is good enough");
  Table& table = root.table(key);
  read_policy_keys(table, policy);
  // A node's certificate cannot carry a SEV-SNP report yet.
  const bool read =
      table.choices<TeeKind>("tees", policy.tees, {named(TeeKind::sgx), named(TeeKind::tdx)});
  if (read && policy.tees.empty()) {
    table.fault("tees", "config_value",
                "\"tees\" is empty and admits nobody: expected \"tdx\", \"sgx\" or both");
  }
  return table;
}

void read_worker_policy(Table& root, AttestationPolicy& policy) {
  read_gpu_sets(read_policy(root, "worker_policy", policy), policy);
}

Result<PolicyFile> parse_policy_file(std::string_view text, const std::string& file) {
  COCOON_TRY(const Value document, parse_document(text, file));
  Reader reader(file, document);
  PolicyFile out;
  Table& root = reader.root();
  root.require("images", "the hashes of the images to admit");  // there is no registry beside it
  read_policy_keys(root, out.policy);
  read_gpu_sets(root, out.policy);
  root.choices<TeeKind>("tees", out.policy.tees,
                        {named(TeeKind::sgx), named(TeeKind::tdx), named(TeeKind::snp)});
  read_snp_policy(root.table("snp"), out.policy.snp);
  root.boolean("allow_debug", out.allowances.debug);
  root.boolean("allow_sept_ve", out.allowances.sept_ve);
  root.boolean("allow_migratable", out.allowances.migratable);
  COCOON_CHECK(reader.finish());
  return out;
}

void read_collateral(Table& root, CollateralSource& source) {
  Table& table = root.table("collateral");
  table.path("bundle_dir", source.bundle_dir);
  const bool fetches = source.bundle_dir.empty() || table.has("url");
  if (!fetches) source.url.clear();
  table.http_url("url", source.url);
  read_service_url(table, source.url);
  table.choice<CollateralSource::Update>("update", source.update,
                                         {{"early", CollateralSource::Update::early},
                                          {"standard", CollateralSource::Update::standard}});
  table.path("ca_file", source.ca_file);
  for (const std::string_view key : {"update", "ca_file"}) {
    if (fetches || !table.has(key)) continue;
    table.fault(key, "config_value",
                "\"" + std::string(key) +
                    "\" has a meaning only beside \"url\": with a bundle alone nothing is fetched");
  }
}

Table& read_evidence(Table& root, EvidenceSource& evidence) {
  Table& table = root.table("evidence");
  table.choice<EvidenceSource::Kind>(
      "kind", evidence.kind,
      {{"tdx", EvidenceSource::Kind::tdx}, {"simulated", EvidenceSource::Kind::simulated}});
  const bool simulated = evidence.kind == EvidenceSource::Kind::simulated;
  read_simulated_dir(table, "kind", simulated, evidence.simulated_dir);
  table.path("configfs", evidence.configfs);
  table.parsed<QgsAddress>("qgs", evidence.qgs, "\"vsock:2:4050\" or \"unix:/run/qgs.socket\"",
                           parse_qgs);
  table.path("event_log", evidence.event_log);
  for (const std::string_view key : {"configfs", "qgs", "event_log"}) {
    if (simulated && table.has(key)) {
      table.fault(key, "config_value",
                  "\"" + std::string(key) + "\" has a meaning only beside kind = \"tdx\"");
    }
  }
  return table;
}

void read_gpu_evidence(Table& table, EvidenceSource& evidence) {
  table.choice<EvidenceSource::Gpu>(
      "gpu", evidence.gpu,
      {{"none", EvidenceSource::Gpu::none}, {"nvidia", EvidenceSource::Gpu::nvidia}});
  table.paths("gpu_set_files", evidence.gpu_set_files);
  table.text("nvml", evidence.nvml);
  const bool has_gpus = evidence.gpu == EvidenceSource::Gpu::nvidia;
  for (const std::string_view key : {"gpu_set_files", "nvml"}) {
    if (has_gpus || !table.has(key)) continue;
    table.fault(key, "config_value",
                "\"" + std::string(key) + "\" has a meaning only beside gpu = \"nvidia\"");
  }
  if (has_gpus && evidence.gpu_set_files.empty()) {
    table.fault("gpu_set_files", "config_value",
                "gpu = \"nvidia\" needs \"gpu_set_files\": the files of the GPUs' driver and "
                "VBIOS, as cocoon-attest rim writes them");
  }
}

}  // namespace cocoon::config
