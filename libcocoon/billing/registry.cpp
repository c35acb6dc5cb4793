#include "billing/registry.h"

#include <algorithm>

#include "base/limits.h"

namespace cocoon::billing {
namespace {

constexpr std::string_view kMagic = "CCG1";

Error bad(std::string detail) {
  return Error(ErrorKind::invalid_argument, "bad_registry", std::move(detail));
}

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

template <class T, class Key>
bool strictly_sorted(const std::vector<T>& list, Key key) {
  return std::adjacent_find(list.begin(), list.end(), [&](const T& a, const T& b) {
           return !(key(a) < key(b));
         }) == list.end();
}

const Hash& hash_key(const Hash& h) {
  return h;
}
const std::string& model_key(const ModelEntry& m) {
  return m.id;
}
const AccountId& proxy_key(const ProxyEntry& p) {
  return p.account;
}

bool delay_in_range(Seconds delay) {
  return delay >= Seconds{0} && delay <= limits::kMaxCloseDelay;
}

Status check_numbers(const Registry& r) {
  if (r.kind > NetworkKind::main) return bad("the kind of network is none of dev, test, main");
  if (r.version == 0) return bad("the version must be above 0");
  if (r.effective != unix_seconds(to_unix_seconds(r.effective)) ||
      r.effective > unix_seconds(limits::kMaxUnixSeconds)) {
    return bad("the effective time must be whole seconds before the year 10000");
  }
  if (r.prices.worker_share_e4 > kE4) return bad("the worker's share is above 1");
  if (!delay_in_range(r.price_grace) || !delay_in_range(r.client_close_delay) ||
      !delay_in_range(r.proxy_close_delay)) {
    return bad("delays must be between 0 and 90 days");
  }
  if (r.proxy_close_delay <= r.client_close_delay) {
    return bad("the proxy's closing delay must be longer than the clients'");
  }
  const Nano twenty_fees{r.message_fee.value > UINT64_MAX / 20 ? UINT64_MAX
                                                               : r.message_fee.value * 20};
  if (r.min_deposit <= twenty_fees) return bad("min_deposit must exceed 20 times message_fee");
  if (r.min_payout <= twenty_fees) return bad("min_payout must exceed 20 times message_fee");
  return ok();
}

Status check_lists(const Registry& r) {
  if (r.proxy_images.size() > limits::kMaxRegistryImages ||
      r.worker_images.size() > limits::kMaxRegistryImages ||
      r.gpu_measurements.size() > limits::kMaxRegistryImages) {
    return bad("a list of images or measurements has more than 1,024 entries");
  }
  if (r.models.size() > limits::kMaxRegistryModels) return bad("there are more than 4,096 models");
  if (r.proxies.size() > limits::kMaxRegistryProxies)
    return bad("there are more than 1,024 proxies");
  if (!strictly_sorted(r.proxy_images, hash_key) || !strictly_sorted(r.worker_images, hash_key) ||
      !strictly_sorted(r.gpu_measurements, hash_key) || !strictly_sorted(r.models, model_key) ||
      !strictly_sorted(r.proxies, proxy_key)) {
    return bad("a list is not sorted or has an entry twice");
  }
  for (const ModelEntry& m : r.models) {
    if (m.id.empty() || m.id.size() > limits::kMaxModelIdBytes || !printable(m.id)) {
      return bad("a model id must have 1 to 256 printable characters without spaces");
    }
    if (m.max_output_tokens == 0) return bad("model " + m.id + " has no output limit");
  }
  for (const ProxyEntry& p : r.proxies) {
    if (p.endpoint.empty() || p.endpoint.size() > limits::kMaxEndpointBytes ||
        !printable(p.endpoint)) {
      return bad("an endpoint must have 1 to 262 printable characters, as host:port");
    }
  }
  return ok();
}

void write_hashes(ByteWriter& out, const std::vector<Hash>& list) {
  out.u16be(static_cast<std::uint16_t>(list.size()));
  for (const Hash& h : list) out.bytes(h);
}

// Counts are 16 bits and every entry is read from the bytes that came: memory stays in proportion.
std::vector<Hash> read_hashes(ByteReader& in) {
  std::vector<Hash> list;
  const std::size_t count = in.u16be();
  for (std::size_t i = 0; i < count && !in.failed(); ++i) list.push_back(in.array<32>());
  return list;
}

void write_text(ByteWriter& out, std::string_view text) {
  out.u16be(static_cast<std::uint16_t>(text.size())).bytes(as_bytes(text));
}

std::string read_text(ByteReader& in) {
  return std::string(as_text(in.take(in.u16be())));
}

void write_seconds(ByteWriter& out, Seconds s) {
  out.u32be(static_cast<std::uint32_t>(s.count()));
}

void write_head(ByteWriter& out, const Registry& r) {
  out.bytes(as_bytes(kMagic)).bytes(r.network.view()).u8(static_cast<std::uint8_t>(r.kind));
  out.u64be(r.version).u64be(to_unix_seconds(r.effective)).u64be(r.prices.per_token.value);
  for (std::uint32_t m : r.prices.multiplier_e4) out.u32be(m);
  out.u32be(r.prices.worker_share_e4);
  write_seconds(out, r.price_grace);
  write_seconds(out, r.client_close_delay);
  write_seconds(out, r.proxy_close_delay);
  out.u64be(r.min_deposit.value).u64be(r.min_payout.value).u64be(r.min_stake.value);
  out.u64be(r.message_fee.value).u64be(r.tombstone_rent.value).u32be(r.tcb_evaluation_floor);
}

// The time is checked before it is made: multiplied to milliseconds it could overflow.
bool read_head(ByteReader& in, Registry& r) {
  if (as_text(in.take(kMagic.size())) != kMagic) return false;
  r.network.bytes = in.array<16>();
  r.kind = static_cast<NetworkKind>(in.u8());
  r.version = in.u64be();
  const std::uint64_t effective = in.u64be();
  if (effective > limits::kMaxUnixSeconds) return false;
  r.effective = unix_seconds(effective);
  r.prices.per_token.value = in.u64be();
  for (std::uint32_t& m : r.prices.multiplier_e4) m = in.u32be();
  r.prices.worker_share_e4 = in.u32be();
  r.price_grace = Seconds{in.u32be()};
  r.client_close_delay = Seconds{in.u32be()};
  r.proxy_close_delay = Seconds{in.u32be()};
  r.min_deposit.value = in.u64be();
  r.min_payout.value = in.u64be();
  r.min_stake.value = in.u64be();
  r.message_fee.value = in.u64be();
  r.tombstone_rent.value = in.u64be();
  r.tcb_evaluation_floor = in.u32be();
  return !in.failed();
}

template <class T, class Key>
std::vector<T> kept(const std::vector<T>& trusted, const std::vector<T>& seen, Key key) {
  std::vector<T> out;
  for (const T& entry : trusted) {
    if (std::any_of(seen.begin(), seen.end(), [&](const T& s) { return key(s) == key(entry); })) {
      out.push_back(entry);
    }
  }
  return out;
}

}  // namespace

std::string_view to_string(NetworkKind kind) {
  switch (kind) {
    case NetworkKind::dev: return "dev";
    case NetworkKind::test: return "test";
    case NetworkKind::main: return "main";
  }
  return "unknown";
}

Prices reference_prices() {
  return Prices{Nano{20}, {10'000, 1'000, 80'000, 80'000}, 9'500};
}

const ModelEntry* Registry::find_model(std::string_view id) const {
  const auto at =
      std::lower_bound(models.begin(), models.end(), id,
                       [](const ModelEntry& m, std::string_view i) { return m.id < i; });
  return at != models.end() && at->id == id ? &*at : nullptr;
}

const ProxyEntry* Registry::find_proxy(const AccountId& account) const {
  const auto at =
      std::lower_bound(proxies.begin(), proxies.end(), account,
                       [](const ProxyEntry& p, const AccountId& a) { return p.account < a; });
  return at != proxies.end() && at->account == account ? &*at : nullptr;
}

Status Registry::validate() const {
  COCOON_CHECK(check_numbers(*this));
  return check_lists(*this);
}

Bytes Registry::encode() const {
  ByteWriter out;
  write_head(out, *this);
  write_hashes(out, proxy_images);
  write_hashes(out, worker_images);
  write_hashes(out, gpu_measurements);
  out.u16be(static_cast<std::uint16_t>(models.size()));
  for (const ModelEntry& m : models) {
    write_text(out, m.id);
    out.u32be(m.max_output_tokens).u32be(m.template_allowance_tokens);
  }
  out.u16be(static_cast<std::uint16_t>(proxies.size()));
  for (const ProxyEntry& p : proxies) {
    out.bytes(p.account.view());
    write_text(out, p.endpoint);
  }
  return out.take();
}

Result<Registry> Registry::decode(ByteView bytes) {
  const auto refuse = [](std::string why) {
    return Error(ErrorKind::protocol, "bad_registry", "the registry snapshot is wrong: " + why);
  };
  ByteReader in(bytes);
  Registry r;
  if (!read_head(in, r)) return refuse("its head is cut off or not of this format");
  r.proxy_images = read_hashes(in);
  r.worker_images = read_hashes(in);
  r.gpu_measurements = read_hashes(in);
  const std::size_t models = in.u16be();
  for (std::size_t i = 0; i < models && !in.failed(); ++i) {
    ModelEntry m;
    m.id = read_text(in);
    m.max_output_tokens = in.u32be();
    m.template_allowance_tokens = in.u32be();
    r.models.push_back(std::move(m));
  }
  const std::size_t proxies = in.u16be();
  for (std::size_t i = 0; i < proxies && !in.failed(); ++i) {
    ProxyEntry p;
    p.account.bytes = in.array<32>();
    p.endpoint = read_text(in);
    r.proxies.push_back(std::move(p));
  }
  if (!in.finished()) return refuse("its length does not fit its lists");
  if (Status valid = r.validate(); !valid) return refuse(valid.error().detail());
  return r;
}

Registry tightened(const Registry& trusted, const Registry& seen) {
  if (trusted.network != seen.network || trusted.kind != seen.kind) return trusted;
  Registry out = trusted;
  out.proxy_images = kept(trusted.proxy_images, seen.proxy_images, hash_key);
  out.worker_images = kept(trusted.worker_images, seen.worker_images, hash_key);
  out.gpu_measurements = kept(trusted.gpu_measurements, seen.gpu_measurements, hash_key);
  out.models = kept(trusted.models, seen.models, model_key);
  out.proxies = kept(trusted.proxies, seen.proxies, proxy_key);
  out.tcb_evaluation_floor = std::max(trusted.tcb_evaluation_floor, seen.tcb_evaluation_floor);
  out.client_close_delay = std::max(trusted.client_close_delay, seen.client_close_delay);
  out.proxy_close_delay = std::max(trusted.proxy_close_delay, seen.proxy_close_delay);
  return out;
}

Status RegistryHistory::adopt(Registry registry) {
  if (Status valid = registry.validate(); !valid) {
    return Error(ErrorKind::protocol, "bad_registry", valid.error().detail());
  }
  if (!current_) {
    current_ = std::move(registry);
    return ok();
  }
  if (registry.network != current_->network) {
    return Error(ErrorKind::protocol, "wrong_network", "the registry is of another network");
  }
  if (registry.version < current_->version) {
    return Error(ErrorKind::protocol, "registry_rollback",
                 "the ledger shows registry version " + std::to_string(registry.version) +
                     ", but version " + std::to_string(current_->version) + " was seen before");
  }
  if (registry.version == current_->version) {
    if (registry == tightened(*current_, registry)) {
      current_ = std::move(registry);
      return ok();
    }
    return Error(ErrorKind::protocol, "registry_forked",
                 "two registries claim version " + std::to_string(registry.version));
  }
  previous_ = std::move(current_);
  current_ = std::move(registry);
  return ok();
}

const Registry* RegistryHistory::former(UnixTime now) const {
  if (!previous_) return nullptr;
  const bool in_grace = now < current_->effective + current_->price_grace;
  return in_grace ? &*previous_ : nullptr;
}

Result<const Registry*> RegistryHistory::priced(std::uint64_t version, UnixTime now) const {
  if (!current_) {
    return Error(ErrorKind::unavailable, "no_registry", "no registry has been read yet");
  }
  if (version == current_->version) return &*current_;
  const Registry* before = former(now);
  if (before != nullptr && version == before->version) return before;
  if (version > current_->version) {
    return Error(ErrorKind::unavailable, "registry_version_unknown",
                 "this node has read registry version " + std::to_string(current_->version) +
                     " and not yet version " + std::to_string(version) +
                     ", by whose prices the request was made: try again in some seconds");
  }
  return Error(ErrorKind::invalid_argument, "registry_version_unknown",
               "prices of registry version " + std::to_string(version) +
                   " are not honoured; the current version is " +
                   std::to_string(current_->version) + ": read the registry again");
}

Status RegistryHistory::fresh() const {
  if (!stale_) return ok();
  return Error(ErrorKind::unavailable, "registry_too_old",
               "this node has not read the ledger for longer than a registry may be old, and takes "
               "no new work before it has");
}

}  // namespace cocoon::billing
