#include "registry/registry_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "billing/amount.h"
#include "codec/hex.h"
#include "registry/formats.h"

namespace cocoon::app {
namespace {

using billing::format_amount;
using billing::Registry;

std::string line(std::string_view name, const std::string& text) {
  return fmt::format("{:<17}{}", name, text);
}

void add_hashes(std::vector<std::string>& out, std::string_view name, const std::vector<Hash>& list,
                std::string_view none) {
  if (list.empty()) out.push_back(line(name, std::string(none)));
  for (const Hash& hash : list) out.push_back(line(name, to_hex(hash)));
}

/// Those of `a` that `b` lacks, marked.
void add_missing(std::vector<std::string>& out, std::string_view mark,
                 const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (const std::string& text : a) {
    if (std::find(b.begin(), b.end(), text) == b.end()) out.push_back(std::string(mark) + text);
  }
}

void write_hashes(json::Writer& out, std::string_view key, const std::vector<Hash>& list) {
  out.key(key).begin_array();
  for (const Hash& h : list) out.string(to_hex(h));
  out.end_array();
}

void write_numbers(json::Writer& out, const Registry& r) {
  out.key("price_per_token_nano").u64(r.prices.per_token.value);
  out.key("multipliers_e4").begin_array();
  for (std::uint32_t m : r.prices.multiplier_e4) out.u64(m);
  out.end_array();
  out.key("worker_share_e4").u64(r.prices.worker_share_e4);
  out.key("price_grace_seconds").i64(r.price_grace.count());
  out.key("client_close_delay_seconds").i64(r.client_close_delay.count());
  out.key("proxy_close_delay_seconds").i64(r.proxy_close_delay.count());
  out.key("min_deposit_nano").u64(r.min_deposit.value);
  out.key("min_payout_nano").u64(r.min_payout.value);
  out.key("min_stake_nano").u64(r.min_stake.value);
  out.key("message_fee_nano").u64(r.message_fee.value);
  out.key("tombstone_rent_nano").u64(r.tombstone_rent.value);
  out.key("tcb_evaluation_floor").u64(r.tcb_evaluation_floor);
}

}  // namespace

std::vector<std::string> registry_lines(const Registry& r) {
  const auto& m = r.prices.multiplier_e4;
  std::vector<std::string> out{
      line("network", fmt::format("{} ({})", to_hex(r.network.view()), to_string(r.kind))),
      line("registry",
           fmt::format("version {}, in force since {}", r.version, format_time(r.effective))),
      line("price", fmt::format("{} nano a token; prompt x{}, cached x{}, completion x{}, "
                                "reasoning x{}",
                                r.prices.per_token.value, format_e4(m[0]), format_e4(m[1]),
                                format_e4(m[2]), format_e4(m[3]))),
      line("worker's share",
           fmt::format("{}; a former price is honoured for {}", format_e4(r.prices.worker_share_e4),
                       format_duration(r.price_grace))),
      line("closing", fmt::format("channels {}, proxies {}", format_duration(r.client_close_delay),
                                  format_duration(r.proxy_close_delay))),
      line("minima", fmt::format("deposit {}, payout {}, stake {}", format_amount(r.min_deposit),
                                 format_amount(r.min_payout), format_amount(r.min_stake))),
      line("fees", fmt::format("message {}, rent of a channel {}", format_amount(r.message_fee),
                               format_amount(r.tombstone_rent))),
      line("TCB floor", fmt::format("{}", r.tcb_evaluation_floor))};
  add_hashes(out, "proxy image", r.proxy_images, "none: no proxy is admitted");
  add_hashes(out, "worker image", r.worker_images, "none: no worker is admitted");
  add_hashes(out, "GPU measurements", r.gpu_measurements, "none: no worker may show GPUs");
  if (r.models.empty()) out.push_back(line("model", "none"));
  for (const auto& e : r.models) {
    out.push_back(
        line("model", fmt::format("{} (at most {} output tokens; {} for its template)", e.id,
                                  e.max_output_tokens, e.template_allowance_tokens)));
  }
  if (r.proxies.empty()) out.push_back(line("proxy", "none"));
  for (const auto& p : r.proxies) {
    out.push_back(line("proxy", fmt::format("{} at {}", to_hex(p.account.view()), p.endpoint)));
  }
  return out;
}

std::vector<std::string> changed_lines(const Registry& before, const Registry& after) {
  const auto old_lines = registry_lines(before);
  const auto new_lines = registry_lines(after);
  std::vector<std::string> out;
  add_missing(out, "- ", old_lines, new_lines);
  add_missing(out, "+ ", new_lines, old_lines);
  return out;
}

void write_registry(json::Writer& out, const Registry& r) {
  out.begin_object();
  out.key("network").string(to_hex(r.network.view()));
  out.key("kind").string(to_string(r.kind));
  out.key("version").u64(r.version);
  out.key("effective").u64(to_unix_seconds(r.effective));
  write_numbers(out, r);
  write_hashes(out, "proxy_images", r.proxy_images);
  write_hashes(out, "worker_images", r.worker_images);
  write_hashes(out, "gpu_measurements", r.gpu_measurements);
  out.key("models").begin_array();
  for (const auto& m : r.models) {
    out.begin_object().key("id").string(m.id);
    out.key("max_output_tokens").u64(m.max_output_tokens);
    out.key("template_allowance_tokens").u64(m.template_allowance_tokens).end_object();
  }
  out.end_array().key("proxies").begin_array();
  for (const auto& p : r.proxies) {
    out.begin_object().key("account").string(to_hex(p.account.view()));
    out.key("endpoint").string(p.endpoint).end_object();
  }
  out.end_array().end_object();
}

}  // namespace cocoon::app
