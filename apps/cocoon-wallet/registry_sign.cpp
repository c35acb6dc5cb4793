/// What keepers do: sign a registry, and check who has.

#include <fmt/format.h>

#include <algorithm>

#include "ask_first.h"
#include "codec/hex.h"
#include "io/clock.h"
#include "ledger/ton/contract_views.h"
#include "ledger/ton/registry_files.h"
#include "node/account_key.h"
#include "registry/formats.h"
#include "registry/registry_text.h"
#include "registry_commands.h"
#include "registry_signatures.h"
#include "ton_desk/ton_desk.h"
#include "ton_place.h"

namespace cocoon::app {
namespace {

using ledger::RegistrySnapshot;

Result<billing::Registry> on_ledger(const ledger::TonLedgerOptions& options) {
  COCOON_TRY(TonDesk desk, TonDesk::open(options));
  COCOON_TRY(const auto root, desk.account(options.site.root));
  return view_registry(options.site, root);
}

/// What is to be signed, with the signatures that it has.
Result<RegistrySnapshot> to_be_signed(const ledger::TonLedgerOptions& options,
                                      const std::string& file,
                                      const std::optional<RegistrySnapshot>& there, bool offline) {
  if (offline && there) return *there;
  if (offline) {
    return Error(ErrorKind::not_found, "registry_missing",
                 file + " does not exist: with --offline it is what is signed");
  }
  COCOON_TRY(billing::Registry shown, on_ledger(options));
  if (!there || there->registry.version < shown.version) {
    return RegistrySnapshot{std::move(shown), {}};
  }
  if (there->registry == shown) return *there;
  return Error(ErrorKind::protocol, "registry_forked",
               fmt::format("{} has version {}, and the ledger shows another registry of version "
                           "{}. Name another --file to sign what the ledger shows, or give "
                           "--offline to sign what is in this one",
                           file, there->registry.version, shown.version));
}

void print_changes(const std::optional<RegistrySnapshot>& before,
                   const billing::Registry& registry) {
  for (const std::string& line : registry_lines(registry)) fmt::print("{}\n", line);
  if (!before || before->registry == registry) return;
  fmt::print("\nChanges since version {}:\n", before->registry.version);
  for (const std::string& line : changed_lines(before->registry, registry)) {
    fmt::print("{}\n", line);
  }
}

}  // namespace

Result<Exit> sign_registry(const Common& common, const SignCommand& command) {
  COCOON_TRY(const Place place, read_place(common.files));
  COCOON_TRY(const auto options, ton_options(place, "signing a registry"));
  COCOON_TRY(const auto key, node::load_key(command.key));
  const auto& keepers = options.keepers.keys;
  const std::string own = to_hex(key.account_id().view());
  if (std::find(keepers.begin(), keepers.end(), key.account_id()) == keepers.end()) {
    return Error(ErrorKind::invalid_argument, "bad_value",
                 fmt::format("{} holds the key {}, which is none of the keepers that the "
                             "configuration names",
                             command.key, own));
  }
  const std::string file = command.file.empty() ? options.registry_file : command.file;
  COCOON_TRY(const auto there, read_signed(file, options.site.network));
  COCOON_TRY(RegistrySnapshot snapshot, to_be_signed(options, file, there, command.offline));
  print_changes(there, snapshot.registry);
  fmt::print("\n");
  if (state_of(snapshot, key.account_id()) != KeeperState::signed_it) {
    COCOON_CHECK(ask_first(fmt::format("Keeper {} signs version {}: nodes admit what is listed, "
                                       "and nothing else",
                                       own, snapshot.registry.version),
                           common.yes));
    COCOON_CHECK(add_signature(snapshot, key));
    COCOON_CHECK(ledger::write_registry_file(file, snapshot.encode()));
  }
  print_signatures(snapshot, options.keepers);
  if (check_signatures(snapshot, options.keepers)) {
    fmt::print("{} has all that nodes need.\n", file);
  } else {
    fmt::print("{} are needed: pass {} on to the next keeper.\n", options.keepers.needed, file);
  }
  return Exit::done;
}

Result<Exit> verify_registry(const Common& common, const std::string& named) {
  COCOON_TRY(const Place place, read_place(common.files));
  COCOON_TRY(const auto options, ton_options(place, "a signed registry"));
  const std::string file = named.empty() ? options.registry_file : named;
  COCOON_TRY(const auto snapshot, read_signed(file, options.site.network));
  if (!snapshot) {
    return Error(ErrorKind::not_found, "registry_missing", file + " does not exist");
  }
  for (const std::string& line : registry_lines(snapshot->registry)) fmt::print("{}\n", line);
  print_signatures(*snapshot, options.keepers);
  COCOON_CHECK(check_signatures(*snapshot, options.keepers));
  if (snapshot->registry.effective > io::now().unix) {
    fmt::print("It is not in force before {}.\n", format_time(snapshot->registry.effective));
  }
  fmt::print("Enough keepers have signed.\n");
  return Exit::done;
}

Result<Exit> show_keeper(const std::string& path) {
  COCOON_TRY(const auto key, node::load_or_create_key(path));
  fmt::print("{:<17}{}\n{:<17}{}\n", "keeper", to_hex(key.account_id().view()), "key", path);
  return Exit::done;
}

}  // namespace cocoon::app
