/// cocoon-ton: looks at TON's formats, and at contracts on TON.
///
/// Exit codes: 0 done, 1 a file cannot be read or no server answers, 2 malformed input or misuse of
/// the command line.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "cocoon/version.h"
#include "commands.h"
#include "common/print_error.h"
#include "crypto/system_random.h"

namespace {

using namespace cocoon;
using namespace cocoon::app;

constexpr const char* kExamples = R"(
Examples:
  cocoon-ton boc block.boc --json
  cocoon-ton address EQAs9VlT6S776tq3unJcP5Ogsj-ELLunLXuOb1EKcOQi4wJB
  cocoon-ton wallet --version v5r1 --public-key 22fc...74b6
  cocoon-ton inspect EQAs9VlT6S776tq3unJcP5Ogsj-ELLunLXuOb1EKcOQi4wJB --api-key-file toncenter.key
  cocoon-ton inspect --data channel.boc --json

A FILE with a bag of cells holds its bytes, or the same as hexadecimal or base64 text; - is standard
input.
Exit codes: 0 done, 1 a file cannot be read or no server answers, 2 malformed input or misuse.)";

using Action = std::function<Status()>;

struct Options {
  std::string file;
  std::string address;
  WalletCommand wallet;
  InspectCommand inspect;
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

void add_inspect(CLI::App& app, Options& o, Action& action) {
  CLI::App* i = app.add_subcommand(
      "inspect", "Print an account, and what it holds if it is a contract of a Cocoon network");
  o.inspect.api = "https://toncenter.com/api/v2";
  i->add_option("address", o.inspect.address, "Raw or friendly");
  i->add_option("--data", o.inspect.data,
                "Instead, without a network: a bag of cells with a contract's data")
      ->type_name("FILE");
  i->add_option("--api", o.inspect.api, "A server with toncenter's API, version 2")
      ->type_name("URL")
      ->capture_default_str();
  i->add_option("--api-key-file", o.inspect.api_key_file, "The key for that server, in a file")
      ->type_name("FILE");
  i->add_option("--ca-file", o.inspect.ca_file,
                "Certificates (PEM) that vouch for that server in place of the system's")
      ->type_name("FILE");
  i->add_flag("--json", o.inspect.json, "As JSON");
  i->callback([&] { action = [&] { return inspect(o.inspect); }; });
}

/// Whether it is the world's fault, and not the input's.
bool is_outside(ErrorKind kind) {
  return kind == ErrorKind::io || kind == ErrorKind::unavailable || kind == ErrorKind::timeout ||
         kind == ErrorKind::busy || kind == ErrorKind::upstream;
}

int run(int argc, char** argv) {
  CLI::App app("Looks at TON's bags of cells, addresses and wallets, and at contracts on TON.",
               "cocoon-ton");
  app.footer(kExamples);
  app.set_version_flag("--version", std::string("cocoon-ton " COCOON_VERSION_STRING));
  app.require_subcommand(1);
  Options options;
  Action action;
  add_commands(app, options, action);
  add_inspect(app, options, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (const Status ready = crypto::initialise(); !ready) {
    print_error("cocoon-ton", ready.error());
    return 1;
  }
  const Status status = action();
  if (status) return 0;
  const Error& error = status.error();
  print_error("cocoon-ton", error);
  return is_outside(error.kind()) ? 1 : 2;
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
