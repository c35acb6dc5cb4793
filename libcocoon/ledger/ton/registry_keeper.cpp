#include "ledger/ton/registry_keeper.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"

namespace cocoon::ledger {
namespace {

constexpr std::string_view kMagic = "CCR1";

Error protocol_error(std::string_view code, std::string detail) {
  return Error(ErrorKind::protocol, code, std::move(detail));
}

Error damaged() {
  return Error(ErrorKind::io, "registry_cache_damaged",
               "what this node kept of the registry is damaged");
}

}  // namespace

RegistryKeeper::RegistryKeeper(NetworkId network, RegistryKeepers keepers, Seconds max_age)
    : network_(network), keepers_(std::move(keepers)), max_age_(max_age) {}

// --- On disk ---
// "CCR1" ‖ confirmed u64 (0: never) ‖ length u32 ‖ snapshot ‖ length u32 ‖ seen registry (or none)

Bytes RegistryKeeper::save() const {
  if (!signed_) return {};
  const Bytes snapshot = signed_->encode();
  const Bytes seen = seen_ ? seen_->encode() : Bytes();
  ByteWriter out;
  out.bytes(as_bytes(kMagic)).u64be(confirmed_ ? to_unix_seconds(*confirmed_) : 0);
  out.u32be(static_cast<std::uint32_t>(snapshot.size())).bytes(snapshot);
  return out.u32be(static_cast<std::uint32_t>(seen.size())).bytes(seen).take();
}

Status RegistryKeeper::restore(ByteView saved) {
  ByteReader in(saved);
  if (as_text(in.take(kMagic.size())) != kMagic) return damaged();
  const std::uint64_t confirmed = in.u64be();
  const ByteView snapshot = in.take(in.u32be());
  const ByteView seen = in.take(in.u32be());
  if (!in.finished() || confirmed > limits::kMaxUnixSeconds) return damaged();
  COCOON_TRY(RegistrySnapshot decoded, RegistrySnapshot::decode(snapshot));
  std::optional<billing::Registry> last;
  if (!seen.empty()) {
    COCOON_TRY(last, billing::Registry::decode(seen));
  }
  COCOON_CHECK(adopt(std::move(decoded)));
  seen_ = std::move(last);
  if (confirmed != 0) confirmed_ = unix_seconds(confirmed);
  return ok();
}

// --- What is signed ---

Result<bool> RegistryKeeper::offer(ByteView snapshot, UnixTime now) {
  COCOON_TRY(RegistrySnapshot decoded, RegistrySnapshot::decode(snapshot));
  if (signed_ && decoded.registry == signed_->registry) return false;
  if (decoded.registry.effective > now) {
    return Error(
        ErrorKind::unavailable, "registry_not_in_force",
        fmt::format("the signed registry version {} is not in force before Unix time {}",
                    decoded.registry.version, to_unix_seconds(decoded.registry.effective)));
  }
  COCOON_CHECK(adopt(std::move(decoded)));
  return true;
}

Status RegistryKeeper::adopt(RegistrySnapshot snapshot) {
  const billing::Registry& r = snapshot.registry;
  if (r.network != network_) {
    return protocol_error("wrong_network", "the signed registry is of another network");
  }
  COCOON_CHECK(check_signatures(snapshot, keepers_));
  if (signed_ && r.version < signed_->registry.version) {
    return protocol_error(
        "registry_rollback",
        fmt::format("the signed registry is version {}, but version {} was in use", r.version,
                    signed_->registry.version));
  }
  if (signed_ && r.version == signed_->registry.version) {
    return protocol_error(
        "registry_forked",
        fmt::format("keepers have signed two registries of version {}", r.version));
  }
  signed_ = std::move(snapshot);
  // What the ledger had taken back before is in the newer version, or was allowed again by it.
  if (seen_ && seen_->version < signed_->registry.version) seen_.reset();
  return ok();
}

// --- What the ledger shows ---

Result<bool> RegistryKeeper::on_ledger(const billing::Registry& seen, UnixTime time) {
  if (!signed_) return false;
  const billing::Registry& trusted = signed_->registry;
  if (seen.network != trusted.network || seen.kind != trusted.kind) {
    return protocol_error("wrong_network",
                          fmt::format("the ledger shows a registry of another network or kind ({})",
                                      billing::to_string(seen.kind)));
  }
  if (seen.version < trusted.version) {
    return protocol_error(
        "registry_rollback",
        fmt::format("the ledger shows registry version {}, older than the signed {}", seen.version,
                    trusted.version));
  }
  const billing::Registry before = effective();
  seen_ = seen;
  confirmed_ = confirmed_ ? std::max(*confirmed_, time) : time;
  return effective() != before;
}

billing::Registry RegistryKeeper::effective() const {
  return seen_ ? billing::tightened(signed_->registry, *seen_) : signed_->registry;
}

Result<billing::Registry> RegistryKeeper::current(UnixTime now) const {
  if (!signed_) {
    return Error(ErrorKind::unavailable, "registry_missing",
                 "this node has no registry that its keepers have signed: put the newest that the "
                 "keepers publish where registry_file under [ton] says");
  }
  if (!confirmed_) {
    return Error(ErrorKind::unavailable, "registry_missing",
                 "the ledger has not been read yet, so it may have taken back what is signed");
  }
  if (now - *confirmed_ > max_age_) {
    return Error(
        ErrorKind::unavailable, "registry_too_old",
        fmt::format("the ledger's registry was last read {} s ago, and may be {} s old at most: "
                    "check the ledger's endpoints",
                    std::chrono::duration_cast<Seconds>(now - *confirmed_).count(),
                    max_age_.count()));
  }
  return effective();
}

}  // namespace cocoon::ledger
