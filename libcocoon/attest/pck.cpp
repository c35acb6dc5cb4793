#include "attest/pck.h"

#include <fmt/format.h>

#include <set>

#include "attest/der.h"

namespace cocoon::attest {

namespace {

/// 1.2.840.113741.1.13.1 in DER: what every identifier in the extension begins with.
constexpr ByteArray<9> kPrefix{0x2A, 0x86, 0x48, 0x86, 0xF8, 0x4D, 0x01, 0x0D, 0x01};

constexpr std::size_t kComponents = 16;
// Last arcs below 1.2.840.113741.1.13.1.2 (TCB).
constexpr std::uint8_t kPceSvn = 17;
constexpr std::uint8_t kCpuSvn = 18;

Error refuse(std::string_view what) {
  return Error(ErrorKind::attestation, "pck_extension_invalid",
               fmt::format("The SGX extension of a PCK certificate is refused: {}.", what));
}

/// The next pair { identifier, value } of a list; reads the identifier and returns its last arc
/// below `prefix`, 0 where it lies elsewhere.
std::uint8_t read_identifier(der::Reader& pair, ByteView prefix) {
  const ByteView oid = pair.read(der::Tag::object_identifier);
  const bool below =
      oid.size() == prefix.size() + 1 && equal_public(oid.first(prefix.size()), prefix);
  return below ? oid.back() : std::uint8_t{0};
}

template <std::size_t N>
ByteArray<N> read_octets(der::Reader& in, bool& valid) {
  const auto value = to_array<N>(in.read(der::Tag::octet_string));
  if (!value) valid = false;
  return value.value_or(ByteArray<N>{});
}

Status read_tcb(der::Reader list, PckExtension& out) {
  Bytes prefix = to_bytes(kPrefix);
  prefix.push_back(2);
  std::set<std::uint8_t> seen;
  bool valid = true;
  while (!list.at_end()) {
    der::Reader pair = list.sequence();
    const std::uint8_t arc = read_identifier(pair, prefix);
    if (arc != 0 && !seen.insert(arc).second) return refuse("a TCB element occurs twice");
    if (arc >= 1 && arc <= kComponents) {
      const std::uint32_t svn = pair.small_integer();
      if (svn > 0xFF) return refuse("a component SVN does not fit a byte");
      out.sgx_components[arc - 1u] = static_cast<std::uint8_t>(svn);
    } else if (arc == kPceSvn) {
      const std::uint32_t svn = pair.small_integer();
      if (svn > 0xFFFF) return refuse("the PCE SVN does not fit two bytes");
      out.pce_svn = static_cast<std::uint16_t>(svn);
    } else if (arc == kCpuSvn) {
      out.cpu_svn = read_octets<16>(pair, valid);
    } else {
      (void)pair.any();
    }
    if (!pair.finished()) valid = false;
  }
  if (list.failed() || !valid) return refuse("its TCB is malformed");
  if (seen.size() < kComponents + 2) return refuse("its TCB is incomplete");
  return ok();
}

Status read_configuration(der::Reader list, PckExtension& out) {
  Bytes prefix = to_bytes(kPrefix);
  prefix.push_back(7);
  std::set<std::uint8_t> seen;
  while (!list.at_end()) {
    der::Reader pair = list.sequence();
    const std::uint8_t arc = read_identifier(pair, prefix);
    if (arc != 0 && !seen.insert(arc).second) return refuse("a configuration flag occurs twice");
    switch (arc) {
      case 1: out.dynamic_platform = pair.boolean(); break;
      case 2: out.cached_keys = pair.boolean(); break;
      case 3: out.smt_enabled = pair.boolean(); break;
      default: (void)pair.any();
    }
    if (!pair.finished()) return refuse("its configuration is malformed");
  }
  if (list.failed()) return refuse("its configuration is malformed");
  return ok();
}

/// One element of the outer list.
Status read_element(std::uint8_t arc, der::Reader& pair, PckExtension& out) {
  bool valid = true;
  switch (arc) {
    case 1: out.ppid.bytes = read_octets<16>(pair, valid); break;
    case 2: COCOON_CHECK(read_tcb(pair.sequence(), out)); break;
    case 3: out.pce_id = read_octets<2>(pair, valid); break;
    case 4: out.fmspc = read_octets<6>(pair, valid); break;
    case 5: out.sgx_type = pair.small_integer(der::Tag::enumerated); break;
    case 6: out.platform_instance_id = PlatformId{read_octets<16>(pair, valid)}; break;
    case 7: COCOON_CHECK(read_configuration(pair.sequence(), out)); break;
    default: (void)pair.any();
  }
  if (!valid || !pair.finished()) {
    return refuse(fmt::format("its element {} is malformed", unsigned{arc}));
  }
  return ok();
}

}  // namespace

Result<PckExtension> parse_pck_extension(ByteView der) {
  der::Reader outer(der);
  der::Reader list = outer.sequence();
  if (!outer.finished()) return refuse("it is no DER sequence");
  PckExtension out;
  std::set<std::uint8_t> seen;
  while (!list.at_end()) {
    der::Reader pair = list.sequence();
    const std::uint8_t arc = read_identifier(pair, kPrefix);
    if (arc != 0 && !seen.insert(arc).second) return refuse("an element occurs twice");
    COCOON_CHECK(read_element(arc, pair, out));
  }
  if (list.failed()) return refuse("it is malformed");
  for (const int required : {1, 2, 3, 4, 5}) {
    if (seen.count(static_cast<std::uint8_t>(required)) == 0)
      return refuse(fmt::format("its element {} is missing", required));
  }
  return out;
}

}  // namespace cocoon::attest
