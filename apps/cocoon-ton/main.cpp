/// cocoon-ton: looks at TON's formats without a network.
///
/// Exit codes: 0 done, 1 a file cannot be read, 2 malformed input or misuse of the command line.

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
  cocoon-ton boc block.boc --json
  cocoon-ton address EQAs9VlT6S776tq3unJcP5Ogsj-ELLunLXuOb1EKcOQi4wJB
  cocoon-ton wallet --version v5r1 --public-key 22fc...74b6

A FILE with a bag of cells holds its bytes, or the same as hexadecimal or base64 text; - is standard
input.
Exit codes: 0 done, 1 a file cannot be read, 2 malformed input or misuse.)";

using Action = std::function<Status()>;

struct Options {
  std::string file;
  std::string address;
  WalletCommand wallet;
  bool json = false;
};

void add_commands(CLI::App& app, Options& o, Action& action) {
  CLI::App* b = app.add_subcommand("boc", "Print hash, depth, level and size of a bag's roots");
  b->add_option("file", o.file, "The bag of cells")->required();
  b->add_flag("--json", o.json, "As JSON");
  b->callback([&] { action = [&] { return show_boc(o.file, o.json); }; });

  CLI::App* a = app.add_subcommand("address", "Check an address and print it in every form");
  a->add_option("address", o.address, "Raw or friendly")->required();
  a->add_flag("--json", o.json, "As JSON");
  a->callback([&] { action = [&] { return show_address(o.address, o.json); }; });

  CLI::App* w = app.add_subcommand("wallet", "Print the address of a key's first wallet");
  o.wallet.version = "v4r2";
  w->add_option("--public-key", o.wallet.public_key, "64 hexadecimal digits")->required();
  w->add_option("--version", o.wallet.version, "v3r2, v4r2 or v5r1")->capture_default_str();
  w->add_option("--workchain", o.wallet.workchain, "0, or -1 for the masterchain")
      ->check(CLI::Range(-1, 0))
      ->capture_default_str();
  w->add_flag("--testnet", o.wallet.testnet, "For the test network (another wallet with v5r1)");
  w->add_flag("--json", o.wallet.json, "As JSON");
  w->callback([&] { action = [&] { return show_wallet(o.wallet); }; });
}

int run(int argc, char** argv) {
  CLI::App app("Looks at TON's bags of cells, addresses and wallets, without a network.",
               "cocoon-ton");
  app.footer(kExamples);
  app.set_version_flag("--version", std::string("cocoon-ton " COCOON_VERSION_STRING));
  app.require_subcommand(1);
  Options options;
  Action action;
  add_commands(app, options, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  const Status status = action();
  if (status) return 0;
  const Error& error = status.error();
  print_error("cocoon-ton", error);
  return error.kind() == ErrorKind::io ? 1 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cocoon-ton: %s\n", e.what());
    return 1;
  }
}
