/// cocoon-wallet: an account's money, on either ledger.
///
/// Exit codes: 0 done, 1 refused, 2 misuse of the command line, 3 begun: give it again later.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "cocoon/version.h"
#include "commands.h"
#include "common/print_error.h"
#include "crypto/system_random.h"
#include "registry_commands.h"

namespace {

using namespace cocoon;
using namespace cocoon::app;

constexpr const char* kFooter = R"(
Examples:
  cocoon-wallet --client client.toml create
  cocoon-wallet --client client.toml show
  cocoon-wallet --client client.toml send --to UQ... --amount "1.5 TON" --memo "for Ann"
  cocoon-wallet --client client.toml open --proxy PROXY --deposit "20 TON"
  cocoon-wallet --client client.toml top-up --proxy PROXY --total "30 TON"
  cocoon-wallet --client client.toml leave --proxy PROXY
  cocoon-wallet --proxy proxy.toml stake --total "10 TON"
  cocoon-wallet --proxy proxy.toml fees
  cocoon-wallet --proxy proxy.toml redeem
  cocoon-wallet --proxy proxy.toml withdraw
  cocoon-wallet --worker worker.toml cash-out
  cocoon-wallet --worker worker.toml reputation page.json
  cocoon-wallet --client client.toml registry show
  cocoon-wallet registry keeper --key keeper.key
  cocoon-wallet --client client.toml registry sign --key keeper.key
  cocoon-wallet --client client.toml registry verify registry.signed

PROXY is an account, 64 hexadecimal digits. Amounts have a unit, TON or nano. Every command can be given
again: amounts are totals, and what is done is not done twice once it shows on the ledger; send takes the
number that it has printed. Stop the role first on TON: its wallet takes one sender at a time.
Exit codes: 0 done, 1 refused, 2 misuse, 3 begun: give the command again at the time that it names.)";

using Action = std::function<Result<Exit>()>;

struct Options {
  Common common;
  ChannelCommand channel;
  std::string stake;
  SendCommand send;
  bool json = false;
  SignCommand sign;
  std::string signed_file;
  std::string page;
  bool leave_unpaid = false;
};

void add_common(CLI::App& app, Options& o) {
  app.add_option("--client", o.common.files.client, "The client's configuration")
      ->type_name("FILE");
  app.add_option("--proxy", o.common.files.proxy, "The proxy's configuration")->type_name("FILE");
  app.add_option("--worker", o.common.files.worker, "The worker's configuration")
      ->type_name("FILE");
  app.add_flag("--yes", o.common.yes, "Move money without a question");
}

void add_wallet(CLI::App& app, Options& o, Action& action) {
  CLI::App* make = app.add_subcommand("create", "Make the account's key, unless it is there");
  make->callback([&] { action = [&] { return create(o.common); }; });

  CLI::App* s = app.add_subcommand("show", "Account, wallet, balance, channels and contracts");
  s->callback([&] { action = [&] { return show(o.common); }; });

  CLI::App* out = app.add_subcommand("send", "Send TON from the account's wallet (TON)");
  out->add_option("--to", o.send.to, "An address, in any of TON's forms")->required();
  out->add_option("--amount", o.send.amount, "Like \"1.5 TON\"; fees come on top")->required();
  out->add_option("--memo", o.send.memo, "A text that goes along; exchanges demand one");
  out->add_option("--number", o.send.number,
                  "The number that an interrupted transfer has printed: it is carried out once");
  out->callback([&] { action = [&] { return send(o.common, o.send); }; });
}

void add_channels(CLI::App& app, Options& o, Action& action) {
  CLI::App* open = app.add_subcommand("open", "Open a client's channel with a proxy");
  open->add_option("--proxy", o.channel.proxy, "The proxy's account")->required();
  open->add_option("--deposit", o.channel.amount, "Like \"20 TON\"; the rent comes on top")
      ->required();
  open->callback([&] { action = [&] { return open_channel(o.common, o.channel); }; });

  CLI::App* more = app.add_subcommand("top-up", "Raise the deposit of a client's channel");
  more->add_option("--proxy", o.channel.proxy, "The proxy's account")->required();
  more->add_option("--total", o.channel.amount, "What is to be deposited in all, like \"30 TON\"")
      ->required();
  more->callback([&] { action = [&] { return top_up(o.common, o.channel); }; });

  CLI::App* end = app.add_subcommand(
      "leave", "Close a client's channel: starts the delay, and finishes once it is over");
  end->add_option("--proxy", o.channel.proxy, "The proxy's account")->required();
  end->callback([&] { action = [&] { return leave(o.common, o.channel); }; });
}

void add_proxy(CLI::App& app, Options& o, Action& action) {
  CLI::App* more = app.add_subcommand("stake", "Deploy a proxy's contract, or raise its stake");
  more->add_option("--total", o.stake, "What is to be staked in all, like \"10 TON\"")->required();
  more->callback([&] { action = [&] { return stake(o.common, o.stake); }; });

  CLI::App* fees = app.add_subcommand("fees", "Take a proxy's unlocked fees");
  fees->callback([&] { action = [&] { return take_fees(o.common); }; });

  CLI::App* claim = app.add_subcommand(
      "redeem", "Claim what clients have signed for, at any worth; the proxy must be stopped");
  claim->callback([&] { action = [&] { return redeem(o.common); }; });

  CLI::App* end = app.add_subcommand(
      "withdraw", "Close a proxy's contract: starts the delay, and finishes once it is over");
  end->add_flag("--leave-unpaid", o.leave_unpaid,
                "Withdraw although workers have no voucher for some of what they are owed");
  end->callback([&] { action = [&] { return withdraw(o.common, o.leave_unpaid); }; });
}

void add_worker(CLI::App& app, Options& o, Action& action) {
  CLI::App* cash = app.add_subcommand(
      "cash-out", "Be paid what proxies have signed for, at any worth; the worker must be stopped");
  cash->callback([&] { action = [&] { return cash_out(o.common); }; });
}

void add_reputation(CLI::App& app, Options& o, Action& action) {
  CLI::App* check = app.add_subcommand(
      "reputation", "Compare a proxy's page of /v1/cocoon/reputation with the ledger's digest");
  check->add_option("page", o.page, "The saved page")->type_name("FILE")->required();
  check->callback([&] { action = [&] { return check_reputation(o.common, o.page); }; });
}

void add_registry(CLI::App& app, Options& o, Action& action) {
  CLI::App* registry =
      app.add_subcommand("registry", "What nodes work with, and who has signed it");
  registry->require_subcommand(1);
  CLI::App* s = registry->add_subcommand(
      "show", "What a node of this configuration works with, and what the ledger has beside it");
  s->add_flag("--json", o.json, "As JSON");
  s->callback([&] { action = [&] { return show_registry(o.common, o.json); }; });

  CLI::App* sign = registry->add_subcommand(
      "sign", "Add a keeper's signature to the registry that the ledger shows (TON)");
  sign->add_option("--key", o.sign.key, "The keeper's key")->type_name("FILE")->required();
  sign->add_option("--file", o.sign.file,
                   "Where the signatures are; not given: the configuration's registry_file")
      ->type_name("FILE");
  sign->add_flag("--offline", o.sign.offline,
                 "Sign what is in the file, without a look at the ledger");
  sign->callback([&] { action = [&] { return sign_registry(o.common, o.sign); }; });

  CLI::App* verify = registry->add_subcommand(
      "verify", "Check a signed registry against the configuration's keepers (TON)");
  verify->add_option("file", o.signed_file, "Not given: the configuration's registry_file");
  verify->callback([&] { action = [&] { return verify_registry(o.common, o.signed_file); }; });

  CLI::App* keeper = registry->add_subcommand(
      "keeper", "Print who a keeper's key is; make the key where there is none");
  keeper->add_option("--key", o.sign.key, "The keeper's key")->type_name("FILE")->required();
  keeper->callback([&] { action = [&] { return show_keeper(o.sign.key); }; });
}

int run(int argc, char** argv) {
  CLI::App app("Shows and moves the money of a Cocoon account.", "cocoon-wallet");
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("cocoon-wallet " COCOON_VERSION_STRING));
  app.require_subcommand(1);
  Options options;
  Action action;
  add_common(app, options);
  add_wallet(app, options, action);
  add_channels(app, options, action);
  add_proxy(app, options, action);
  add_worker(app, options, action);
  add_reputation(app, options, action);
  add_registry(app, options, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(Exit::misuse);
  }
  if (const Status ready = crypto::initialise(); !ready) {
    print_error("cocoon-wallet", ready.error());
    return static_cast<int>(Exit::refused);
  }
  const Result<Exit> exit = action();
  if (exit) return static_cast<int>(*exit);
  const Error& error = exit.error();
  print_error("cocoon-wallet", error);
  const bool misuse = error.code() == "bad_value" || error.code() == "bad_amount" ||
                      error.code() == "address_invalid" || error.code().starts_with("config_");
  return static_cast<int>(misuse ? Exit::misuse : Exit::refused);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cocoon-wallet: %s\n", e.what());
    return 1;
  }
}
