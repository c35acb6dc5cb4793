#include "config/snp_policy.h"

#include <utility>

#include "attest/text.h"

namespace cocoon::config {

namespace {

constexpr std::uint64_t kMaxByte = std::numeric_limits<std::uint8_t>::max();
/// AMD's processors have four privilege levels, 0 to 3.
constexpr std::uint64_t kMaxVmpl = 3;

void read_part(Table& table, std::string_view key, std::uint8_t& out) {
  table.require(key, "the least security patch level of that part, 0 for any");
  table.integer(key, out, {0, kMaxByte});
}

void read_floor(Table& floors, SnpProduct product, std::vector<SnpFloor>& out) {
  Table& table = floors.table(to_string(product));
  if (!table.present()) return;
  SnpFloor floor{product, {}};
  if (product == SnpProduct::turin) read_part(table, "fmc", floor.tcb.fmc);
  read_part(table, "boot_loader", floor.tcb.boot_loader);
  read_part(table, "tee", floor.tcb.tee);
  read_part(table, "snp", floor.tcb.snp);
  read_part(table, "microcode", floor.tcb.microcode);
  out.push_back(floor);
}

std::optional<SnpDigest> parse_digest(std::string_view text) {
  return attest::decode_hex_array<std::tuple_size_v<SnpDigest>>(text);
}

void read_keys(Table& table, std::string_view key, std::optional<std::vector<SnpDigest>>& out) {
  if (!table.has(key)) return;
  table.parsed_list<SnpDigest>(key, out.emplace(), "a key's digest of 96 hexadecimal digits",
                               parse_digest);
}

}  // namespace

void read_snp_policy(Table& table, SnpPolicy& policy) {
  Table& floors = table.table("minimum_tcb");
  for (const SnpProduct product : {SnpProduct::milan, SnpProduct::genoa, SnpProduct::turin}) {
    read_floor(floors, product, policy.minimum_tcb);
  }
  table.integer("min_abi_major", policy.min_abi_major, {0, kMaxByte});
  table.integer("min_abi_minor", policy.min_abi_minor, {0, kMaxByte});
  table.integer("max_vmpl", policy.max_vmpl, {0, kMaxVmpl});
  table.boolean("allow_smt", policy.allow_smt);
  table.boolean("allow_multiple_sockets", policy.allow_multiple_sockets);
  table.boolean("allow_provisional_firmware", policy.allow_provisional_firmware);
  table.boolean("allow_masked_chip_id", policy.allow_masked_chip_id);
  table.boolean("allow_missing_revocation_list", policy.allow_missing_revocation_list);
  table.boolean("require_alias_check", policy.require_alias_check);
  table.texts("vlek_providers", policy.vlek_providers);
  read_keys(table, "id_keys", policy.id_keys);
  read_keys(table, "author_keys", policy.author_keys);
}

}  // namespace cocoon::config
