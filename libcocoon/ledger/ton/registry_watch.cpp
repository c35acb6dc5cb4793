#include "ledger/ton/registry_watch.h"

#include "base/limits.h"
#include "io/clock.h"
#include "ledger/ton/registry_files.h"

namespace cocoon::ledger {
namespace {

/// How often the time of the last look is written down: far below any sensible age.
constexpr Seconds kSavePeriod{600};

}  // namespace

Result<std::unique_ptr<RegistryWatch>> RegistryWatch::open(const io::Context& context,
                                                           Toncenter& toncenter,
                                                           RegistryWatchOptions options) {
  COCOON_CHECK(check_keepers(options.keepers));
  io::JobPoolOptions pool;
  pool.name = "cocoon-reg";
  pool.queue_bounds = {0, 0, 4};  // a file to be read and one to be written, at most
  COCOON_TRY(auto jobs, io::JobPool::start(context, pool));
  auto watch = std::unique_ptr<RegistryWatch>(
      new RegistryWatch(context, toncenter, std::move(options), std::move(jobs)));
  const std::string& cache = watch->options_.cache;
  const auto kept = read_registry_file(cache);
  const Status restored = !kept   ? Status(kept.error())
                          : *kept ? watch->keeper_.restore(**kept)
                                  : ok();
  if (!restored) {
    watch->options_.log.warning("{} is not used: {}", cache, restored.error().detail());
  }
  COCOON_TRY(const auto file, read_registry_file(watch->options_.file));
  watch->offer(file);
  return watch;
}

RegistryWatch::RegistryWatch(const io::Context& context, Toncenter& toncenter,
                             RegistryWatchOptions options, io::JobPool jobs)
    : toncenter_(toncenter),
      options_(std::move(options)),
      keeper_(options_.site.network, options_.keepers, options_.max_age),
      jobs_(std::move(jobs)),
      timer_(context, [this] { look(); }),
      alive_(std::make_shared<bool>(true)) {}

void RegistryWatch::read(Callback<void(Result<billing::Registry>)> done) {
  waiting_.push_back(std::move(done));
  look();
}

void RegistryWatch::watch(Callback<void()> changed) {
  changed_ = std::move(changed);
  watching_ = true;
  look();
}

void RegistryWatch::look() {
  if (std::exchange(looking_, true)) return;
  look_at_file();
}

void RegistryWatch::look_at_file() {
  auto file = std::make_shared<Result<std::optional<Bytes>>>(std::optional<Bytes>());
  const Status submitted = jobs_.submit(
      io::JobClass::background, [file, path = options_.file] { *file = read_registry_file(path); },
      [this, file] {
        offer(*file);
        look_at_ledger();
      });
  if (!submitted) look_at_ledger();
}

void RegistryWatch::offer(const Result<std::optional<Bytes>>& file) {
  if (!file) return options_.log.warning("{}", file.error().detail());
  if (!*file || **file == last_file_) return;
  const auto taken = keeper_.offer(**file, io::now().unix);
  // One that is too early is looked at again.
  if (!taken && taken.error().code() == "registry_not_in_force") return;
  last_file_ = **file;
  if (!taken) {
    return options_.log.error("{} is not used: {}", options_.file, taken.error().detail());
  }
  unsaved_ |= *taken;
}

void RegistryWatch::look_at_ledger() {
  toncenter_.view<RootReading>(
      options_.site.root,
      [site = options_.site](const AccountReading& account) -> Result<RootReading> {
        COCOON_TRY(auto registry, view_registry(site, account));
        return RootReading{std::move(registry), account.time};
      },
      [this](const Result<RootReading>& root) { on_root(root); });
}

void RegistryWatch::on_root(const Result<RootReading>& root) {
  const auto changed =
      root ? keeper_.on_ledger(root->registry, root->time) : Result<bool>(root.error());
  if (!changed && !away_) {
    options_.log.warning("cannot read the ledger's registry, the last one is used: {}",
                         changed.error().detail());
  }
  if (changed && away_) options_.log.info("the ledger's registry can be read again");
  away_ = !changed;
  unsaved_ |= changed && *changed;
  save_if_due();
  looked();
}

void RegistryWatch::looked() {
  looking_ = false;
  if (watching_) timer_.set_in(options_.poll);
  const auto registry = keeper_.current(io::now().unix);
  const bool changed = known_ && (usable_ != bool(registry) || (registry && *registry != *known_));
  if (registry) known_ = *registry;
  usable_ = bool(registry);
  const std::weak_ptr<bool> alive = alive_;
  for (auto& done : std::exchange(waiting_, {})) {
    done(registry);
    if (alive.expired()) return;
  }
  if (changed && changed_) changed_();
}

void RegistryWatch::save_if_due() {
  const MonoTime now = io::now().mono;
  if (!unsaved_ && now < save_at_) return;
  auto written = std::make_shared<Status>(ok());
  Bytes bytes = keeper_.save();
  if (bytes.empty()) return;
  const Status submitted = jobs_.submit(
      io::JobClass::background,
      [written, bytes = std::move(bytes), path = options_.cache] {
        *written = write_registry_file(path, bytes);
      },
      [this, written] {
        if (!*written) options_.log.error("{}", written->error().detail());
      });
  if (!submitted) return;
  unsaved_ = false;
  save_at_ = now + kSavePeriod;
}

}  // namespace cocoon::ledger
