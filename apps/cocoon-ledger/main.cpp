/// cocoon-ledger: administers the local ledger of a development network.
///
/// Exit codes: 0 done, 1 refused (the ledger or the file says no), 2 misuse of the command line.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "cocoon/version.h"
#include "commands.h"
#include "common/print_error.h"

namespace {

using namespace cocoon;
using namespace cocoon::app;

constexpr const char* kExamples = R"(
Examples:
  cocoon-ledger --ledger dev.db init --price "20 nano"
  cocoon-ledger --ledger dev.db allow model demo/echo@1:0 --max-output 4096
  cocoon-ledger --ledger dev.db allow proxy PROXY --endpoint 127.0.0.1:7443 --stake "10 TON"
  cocoon-ledger --ledger dev.db open --client CLIENT --proxy PROXY --deposit "1.5 TON"
  cocoon-ledger --ledger dev.db close --channel CHANNEL
  cocoon-ledger --ledger dev.db show --json

PROXY, CLIENT and CHANNEL are 64 hexadecimal digits. Amounts have a unit, TON or nano; durations
one of ms, s, m, h and d. The money of a local ledger is made where it is needed: it is worth nothing.
Exit codes: 0 done, 1 refused, 2 misuse.)";

using Action = std::function<Status()>;

void add_settings(CLI::App& command, RegistrySettings& s) {
  command.add_option("--price", s.price, "Price of a token, like \"20 nano\"");
  command.add_option("--worker-share", s.worker_share, "The worker's part of a cost, like 0.95");
  command.add_option("--multipliers", s.multipliers,
                     "prompt,cached,completion,reasoning, like 1,0.1,8,8");
  command.add_option("--price-grace", s.price_grace, "How long a former price is honoured");
  command.add_option("--client-delay", s.client_delay, "How long a closing channel waits");
  command.add_option("--proxy-delay", s.proxy_delay,
                     "How long a closing proxy's stake waits; longer than --client-delay");
  command.add_option("--min-deposit", s.min_deposit, "Least deposit of a channel");
  command.add_option("--min-payout", s.min_payout, "Least sum that a worker cashes");
  command.add_option("--min-stake", s.min_stake, "Least stake of a proxy");
  command.add_option("--message-fee", s.message_fee,
                     "What a message to the ledger costs; 0 TON by default");
  command.add_option("--rent", s.rent, "What a closed channel keeps");
  command.add_option("--tcb-floor", s.tcb_floor, "Least TCB evaluation number");
}

struct Options {
  std::string file;
  InitCommand init;
  RegistrySettings set;
  bool json = false;
  AllowCommand allow;
  RemoveCommand remove;
  OpenCommand open;
  TopUpCommand top_up;
  std::string channel;
  std::string proxy;
};

void add_init(CLI::App& app, Options& o, Action& action) {
  CLI::App* c = app.add_subcommand("init", "Make the ledger of a new development network");
  add_settings(*c, o.init.settings);
  o.init.confirmation_delay = "0s";
  o.init.governance_delay = "0s";
  c->add_option("--confirmation-delay", o.init.confirmation_delay,
                "How long a message is under way")
      ->capture_default_str();
  c->add_option("--governance-delay", o.init.governance_delay,
                "How long a change that loosens the registry waits")
      ->capture_default_str();
  c->callback([&] { action = [&] { return init(o.file, o.init); }; });
}

void add_registry(CLI::App& app, Options& o, Action& action) {
  CLI::App* s = app.add_subcommand("set", "Change prices, delays and minima of the registry");
  add_settings(*s, o.set);
  s->require_option(1, 0);  // else it would make a version in which nothing is new
  s->callback([&] { action = [&] { return set(o.file, o.set); }; });

  CLI::App* w = app.add_subcommand("show", "Print registry, contracts, channels and accounts");
  w->add_flag("--json", o.json, "As JSON; amounts in nanoton");
  w->callback([&] { action = [&] { return show(o.file, o.json); }; });

  const CLI::IsMember kinds({"proxy-image", "worker-image", "gpu", "model", "proxy"});
  CLI::App* a = app.add_subcommand("allow", "Add to the registry");
  o.allow.max_output_tokens = 4096;
  o.allow.template_allowance = 256;
  a->add_option("kind", o.allow.kind, "proxy-image, worker-image, gpu, model or proxy")
      ->required()
      ->check(kinds);
  a->add_option("value", o.allow.value, "Measurement, account or model id")->required();
  a->add_option("--endpoint", o.allow.endpoint, "Of a proxy: HOST:PORT");
  a->add_option("--stake", o.allow.stake, "Of a proxy; the registry's least by default");
  a->add_option("--max-output", o.allow.max_output_tokens, "Of a model: tokens of one answer")
      ->capture_default_str();
  a->add_option("--template-allowance", o.allow.template_allowance,
                "Of a model: tokens that its chat template adds")
      ->capture_default_str();
  a->callback([&] { action = [&] { return allow(o.file, o.allow); }; });

  CLI::App* r = app.add_subcommand("remove", "Take from the registry, at once");
  r->add_option("kind", o.remove.kind, "proxy-image, worker-image, gpu, model or proxy")
      ->required()
      ->check(kinds);
  r->add_option("value", o.remove.value, "Measurement, account or model id")->required();
  r->callback([&] { action = [&] { return cocoon::app::remove(o.file, o.remove); }; });
}

void add_channels(CLI::App& app, Options& o, Action& action) {
  CLI::App* n = app.add_subcommand("open", "Open a payment channel and print its id");
  n->add_option("--client", o.open.client, "The paying account")->required();
  n->add_option("--proxy", o.open.proxy, "The paid proxy's account")->required();
  n->add_option("--deposit", o.open.deposit, "Like \"1.5 TON\"; the rent comes on top")->required();
  n->add_option("--signer", o.open.signer, "The key that signs vouchers, if not the client's");
  n->callback([&] { action = [&] { return cocoon::app::open(o.file, o.open); }; });

  CLI::App* t = app.add_subcommand("top-up", "Add to the deposit of a channel");
  t->add_option("--channel", o.top_up.channel, "Its id")->required();
  t->add_option("--amount", o.top_up.amount, "Like \"1.5 TON\"")->required();
  t->callback([&] { action = [&] { return top_up(o.file, o.top_up); }; });

  CLI::App* c = app.add_subcommand(
      "close", "Start closing a channel; later, with the same command, finalise it");
  c->add_option("--channel", o.channel, "Its id")->required();
  c->callback([&] { action = [&] { return cocoon::app::close(o.file, o.channel); }; });

  CLI::App* w = app.add_subcommand(
      "withdraw", "Start closing a proxy's contract; later, withdraw stake and remainder");
  w->add_option("--proxy", o.proxy, "Its account")->required();
  w->callback([&] { action = [&] { return withdraw(o.file, o.proxy); }; });
}

int run(int argc, char** argv) {
  CLI::App app("Administers the local ledger of a Cocoon development network.", "cocoon-ledger");
  app.footer(kExamples);
  app.set_version_flag("--version", std::string("cocoon-ledger " COCOON_VERSION_STRING));
  app.require_subcommand(1);
  Options options;
  Action action;
  app.add_option("--ledger", options.file, "The ledger's file")->required();
  add_init(app, options, action);
  add_registry(app, options, action);
  add_channels(app, options, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  const Status status = action();
  if (status) return 0;
  const Error& error = status.error();
  print_error("cocoon-ledger", error);
  const bool misuse = error.code() == "bad_value" || error.code() == "bad_amount";
  return misuse ? 2 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cocoon-ledger: %s\n", e.what());
    return 1;
  }
}
