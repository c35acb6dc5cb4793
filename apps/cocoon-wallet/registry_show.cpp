#include <fmt/format.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "io/clock.h"
#include "ledger/local_ledger.h"
#include "ledger/ton/contract_views.h"
#include "ledger/ton/registry_files.h"
#include "ledger/ton/registry_keeper.h"
#include "registry/formats.h"
#include "registry/registry_text.h"
#include "registry_commands.h"
#include "registry_signatures.h"
#include "ton/contract_state.h"
#include "ton_desk/ton_desk.h"
#include "ton_place.h"

namespace cocoon::app {
namespace {

using billing::Registry;

/// All that there is to be shown.
struct Picture {
  std::optional<Registry> in_use;  ///< what a node works with
  std::optional<ledger::RegistrySnapshot> newest;
  std::optional<Registry> shown;    ///< by the ledger
  std::optional<Registry> waiting;  ///< the ledger's next one
  std::optional<Error> problem;     ///< why nothing is in use, or the ledger does not count
};

Result<Picture> on_this_machine(const std::string& file) {
  COCOON_TRY(ledger::LocalLedger ledger, ledger::LocalLedger::open(file));
  const UnixTime now = io::now().unix;
  Picture p;
  COCOON_TRY(p.in_use, ledger.registry(now));
  COCOON_TRY(p.waiting, ledger.pending_registry(now));
  p.shown = p.in_use;
  return p;
}

/// The registry that follows the one in force, if the root has one.
Result<std::optional<Registry>> next_of(const ledger::TonSite& site,
                                        const ledger::AccountReading& root, UnixTime in_force) {
  COCOON_TRY(const auto data, ton::parse_root_data(root.data));
  if (!data.next) return std::optional<Registry>();
  ledger::AccountReading later = root;
  later.time = UnixTime::max();  // when what waits is in force
  COCOON_TRY(Registry next, view_registry(site, later));
  if (next.effective <= in_force) return std::optional<Registry>();
  return std::optional(std::move(next));
}

Status look_at_root(const ledger::TonLedgerOptions& options, ledger::RegistryKeeper& keeper,
                    Picture& p) {
  COCOON_TRY(TonDesk desk, TonDesk::open(options));
  COCOON_TRY(const auto root, desk.account(options.site.root));
  COCOON_TRY(p.shown, view_registry(options.site, root));
  COCOON_TRY(p.waiting, next_of(options.site, root, root.time));
  COCOON_TRY(const bool changed, keeper.on_ledger(*p.shown, root.time));
  (void)changed;
  return ok();
}

/// What a node would do at its start, without leaving a trace: its cache, the keepers' file, and a
/// look at the ledger.
Result<Picture> on_ton(const ledger::TonLedgerOptions& options) {
  COCOON_CHECK(check_keepers(options.keepers));
  const UnixTime now = io::now().unix;
  ledger::RegistryKeeper keeper(options.site.network, options.keepers, options.registry_max_age);
  Picture p;
  COCOON_TRY(const auto cache, ledger::read_registry_file(options.registry_cache));
  // One that is not good is as good as none, as for a node.
  if (cache) (void)keeper.restore(*cache);
  COCOON_TRY(const auto file, ledger::read_registry_file(options.registry_file));
  if (file) {
    if (const auto taken = keeper.offer(*file, now); !taken) {
      p.problem = Error(taken.error()).within(options.registry_file);
    }
  }
  if (const Status looked = look_at_root(options, keeper, p); !looked) p.problem = looked.error();
  p.newest = keeper.newest_signed();
  auto current = keeper.current(now);
  if (current) {
    p.in_use = std::move(*current);
  } else if (!p.problem) {
    p.problem = current.error();
  }
  return p;
}

void print_lines(std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  fmt::print("\n{}\n", title);
  for (const std::string& line : lines) fmt::print("{}\n", line);
}

void print(const Picture& p, const ledger::RegistryKeepers& keepers) {
  if (p.in_use) {
    for (const std::string& line : registry_lines(*p.in_use)) fmt::print("{}\n", line);
  }
  if (p.newest) {
    fmt::print("\n{:<17}version {}; {} of {} keepers are needed\n", "signed",
               p.newest->registry.version, keepers.needed, keepers.keys.size());
    print_signatures(*p.newest, keepers);
    if (p.in_use) {
      print_lines("The ledger has taken back or tightened since:",
                  changed_lines(p.newest->registry, *p.in_use));
    }
  }
  if (p.shown) fmt::print("\n{:<17}version {}\n", "ledger", p.shown->version);
  if (p.newest && p.in_use && p.shown && p.shown->version > p.newest->registry.version) {
    print_lines(fmt::format("What the ledger's version {} changes waits for the keepers:",
                            p.shown->version),
                changed_lines(*p.in_use, *p.shown));
  }
  if (p.shown && p.waiting) {
    print_lines(fmt::format("Version {} counts on the ledger from {} on:", p.waiting->version,
                            format_time(p.waiting->effective)),
                changed_lines(*p.shown, *p.waiting));
  }
}

void write(json::Writer& out, std::string_view key, const std::optional<Registry>& registry) {
  out.key(key);
  if (registry) {
    write_registry(out, *registry);
  } else {
    out.null();
  }
}

void print_json(const Picture& p, const ledger::RegistryKeepers& keepers) {
  json::Writer out;
  out.begin_object();
  write(out, "in_use", p.in_use);
  write(out, "signed", p.newest ? std::optional(p.newest->registry) : std::nullopt);
  write(out, "ledger", p.shown);
  write(out, "waiting", p.waiting);
  out.key("keepers_needed").u64(keepers.needed).key("keepers").begin_array();
  for (const AccountId& keeper : keepers.keys) {
    const bool good = p.newest && state_of(*p.newest, keeper) == KeeperState::signed_it;
    out.begin_object().key("keeper").string(to_hex(keeper.view()));
    out.key("signed").boolean(good).end_object();
  }
  fmt::print("{}\n", out.end_array().end_object().take());
}

}  // namespace

Result<Exit> show_registry(const Common& common, bool json) {
  COCOON_TRY(const Place place, read_place(common.files));
  Picture picture;
  ledger::RegistryKeepers keepers;
  if (place.ledger.ton) {
    COCOON_TRY(const auto options, ton_options(place, "this"));
    keepers = options.keepers;
    COCOON_TRY(picture, on_ton(options));
  } else {
    COCOON_TRY(picture, on_this_machine(place.ledger.path));
  }
  json ? print_json(picture, keepers) : print(picture, keepers);
  if (picture.problem && !picture.in_use) return *picture.problem;
  if (picture.problem) {
    fmt::print(stderr, "cocoon-wallet: {}\n", picture.problem->detail());
  }
  return Exit::done;
}

}  // namespace cocoon::app
