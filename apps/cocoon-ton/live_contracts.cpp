/// Contracts of the network that runs on the main net.

#include <fmt/format.h>

#include "codec/hex.h"
#include "contracts.h"
#include "ton/live_state.h"

namespace cocoon::app {
namespace {

namespace live = ton::live;

std::string phase_name(live::Phase phase) {
  return phase == live::Phase::normal    ? "normal"
         : phase == live::Phase::closing ? "closing"
                                         : "closed";
}

std::vector<std::string> hexes(const std::vector<Hash>& hashes) {
  std::vector<std::string> out;
  for (const Hash& hash : hashes) out.push_back(to_hex(hash));
  return out;
}

void add_params(Sheet& sheet, const live::Params& p) {
  sheet.number("params_version", p.params_version).number("unique_id", p.unique_id);
  sheet.flag("is_test", p.is_test);
  sheet.amount("price_per_token", p.price_per_token);
  sheet.amount("worker_fee_per_token", p.worker_fee_per_token);
  sheet.number("prompt_multiplier_e4", p.prompt_multiplier);
  sheet.number("cached_multiplier_e4", p.cached_multiplier);
  sheet.number("completion_multiplier_e4", p.completion_multiplier);
  sheet.number("reasoning_multiplier_e4", p.reasoning_multiplier);
  sheet.duration("proxy_delay", p.proxy_delay_seconds);
  sheet.duration("client_delay", p.client_delay_seconds);
  sheet.amount("min_proxy_stake", p.min_proxy_stake);
  sheet.amount("min_client_stake", p.min_client_stake);
}

bool describe_root(Sheet& sheet, const ton::CellRef& data) {
  const auto root = live::parse_root(data);
  if (!root) return false;
  sheet.text("contract", "live root").text("owner", to_raw(root->owner));
  sheet.number("version", root->version).list("proxy_hashes", hexes(root->proxy_hashes));
  std::vector<std::string> proxies;
  for (const auto& p : root->registered) {
    proxies.push_back(fmt::format("{} {}", p.seqno, p.endpoints));
  }
  sheet.list("registered_proxies", proxies).number("last_proxy_seqno", root->last_proxy_seqno);
  sheet.list("worker_hashes", hexes(root->worker_hashes));
  sheet.list("model_hashes", hexes(root->model_hashes));
  add_params(sheet, root->params);
  return true;
}

bool describe_client(Sheet& sheet, const ton::CellRef& data) {
  const auto c = live::parse_client(data);
  const auto params = c ? live::parse_params(c->params) : Result<live::Params>(c.error());
  if (!params) return false;
  sheet.text("contract", "live client").text("phase", phase_name(c->phase));
  sheet.amount("balance_in_contract", c->balance).amount("stake", c->stake);
  sheet.number("tokens_used", c->tokens_used).time("unlock_at", c->unlock_at);
  sheet.hash("secret_hash", c->secret_hash).text("owner", to_raw(c->owner));
  sheet.text("proxy", to_raw(c->proxy)).hash("proxy_public_key", c->proxy_public_key);
  add_params(sheet, *params);
  return true;
}

bool describe_proxy(Sheet& sheet, const ton::CellRef& data) {
  const auto p = live::parse_proxy(data);
  const auto params = p ? live::parse_params(p->params) : Result<live::Params>(p.error());
  if (!params) return false;
  sheet.text("contract", "live proxy").text("phase", phase_name(p->phase));
  sheet.text("owner", to_raw(p->owner)).hash("public_key", p->public_key);
  sheet.text("root", to_raw(p->root)).amount("balance_in_contract", p->balance);
  sheet.amount("stake", p->stake).time("unlock_at", p->unlock_at);
  add_params(sheet, *params);
  return true;
}

bool describe_worker(Sheet& sheet, const ton::CellRef& data) {
  const auto w = live::parse_worker(data);
  const auto params = w ? live::parse_params(w->params) : Result<live::Params>(w.error());
  if (!params) return false;
  sheet.text("contract", "live worker").text("phase", phase_name(w->phase));
  sheet.text("owner", to_raw(w->owner)).text("proxy", to_raw(w->proxy));
  sheet.hash("proxy_public_key", w->proxy_public_key).number("tokens", w->tokens);
  add_params(sheet, *params);
  return true;
}

}  // namespace

bool describe_live(Sheet& sheet, const ton::CellRef& data) {
  return describe_root(sheet, data) || describe_client(sheet, data) ||
         describe_proxy(sheet, data) || describe_worker(sheet, data);
}

}  // namespace cocoon::app
