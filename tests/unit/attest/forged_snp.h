#pragma once
/// @file SEV-SNP reports and their certificates under a root of the tests' own.

#include <algorithm>
#include <map>

#include "attest/snp_verify.h"
#include "attest/text.h"
#include "unit/attest/forge384.h"

namespace cocoon::attest::test {

/// A report with its chain; a test changes what it is about, then calls report() and
/// certificates(). As it stands, everything is in order.
class ForgedSnp {
 public:
  explicit ForgedSnp(SnpProduct p = SnpProduct::milan) : product(p) {
    levels = product == SnpProduct::turin
                 ? std::map<int, std::uint8_t>{{9, 1}, {1, 3}, {2, 4}, {3, 6},
                                               {5, 0}, {6, 0}, {7, 0}, {8, 200}}
                 : std::map<int, std::uint8_t>{{1, 3}, {2, 4}, {4, 0}, {5, 0},
                                               {6, 0}, {7, 0}, {3, 6}, {8, 200}};
    const std::size_t id_bytes = product == SnpProduct::turin ? 8 : 64;
    hardware_id = Bytes(id_bytes, 0x5A);
    std::fill_n(chip_id.begin(), id_bytes, std::uint8_t{0x5A});
    tcb = product == SnpProduct::turin ? SnpTcbBytes{1, 3, 4, 6, 0, 0, 0, 200}
                                       : SnpTcbBytes{3, 4, 0, 0, 0, 0, 6, 200};
    const std::string name(to_string(product));
    ark = {"ARK-" + name, "ARK-" + name, from, to, true, -1, 1, {}};
    ask = {"SEV-" + name, "ARK-" + name, from, to, true, 0, 2, {}};
    leaf = {"SEV-VCEK", "SEV-" + name, from, to, false, -1, 0, {}};
    product_name = name + "-B0";
    reported = committed = current = launch = tcb;
  }

  /// Turns it into one that is signed with a provider's key.
  void use_vlek(const std::string& csp = "Example Cloud") {
    const std::string name(to_string(product));
    flags = 1 << 2;
    leaf.subject = "SEV-VLEK";
    ask.subject = leaf.issuer = "SEV-VLEK-" + name;
    product_name = name;
    hardware_id.reset();
    provider = csp;
    chip_id = {};
  }

  Bytes report() const {
    ByteWriter out;
    out.u32le(version).u32le(7).u64le(policy).bytes(ByteArray<32>{}).u32le(vmpl).u32le(algorithm);
    out.bytes(current).u64le(platform_info).u32le(flags).u32le(0).bytes(report_data);
    out.bytes(measurement).bytes(host_data).bytes(id_key).bytes(author_key);
    out.bytes(ByteArray<64>{}).bytes(reported);
    out.u8(version >= 3 ? cpu.family : 0).u8(version >= 3 ? cpu.model : 0);
    out.u8(version >= 3 ? cpu.stepping : 0).bytes(ByteArray<21>{});
    out.bytes(chip_id).bytes(committed);
    out.u8(firmware.build).u8(firmware.minor).u8(firmware.major).u8(0);
    out.u8(committed_firmware.build).u8(committed_firmware.minor).u8(committed_firmware.major);
    out.u8(0).bytes(launch).u64le(mitigations).u64le(mitigations);
    out.bytes(Bytes(kSnpSignedBytes - out.size(), 0));
    Bytes bytes = out.take();
    const ByteArray<96> signature = leaf_key.sign(bytes);
    bytes.resize(kSnpReportBytes, 0);
    std::reverse_copy(signature.begin(), signature.begin() + 48, bytes.begin() + 0x2A0);
    std::reverse_copy(signature.begin() + 48, signature.end(), bytes.begin() + 0x2A0 + 72);
    return bytes;
  }

  SnpCertificates certificates() const {
    ForgedCertificate filled = leaf;
    const std::string arc = "1.3.6.1.4.1.3704.1.";
    filled.extensions.emplace_back(arc + "1", der_byte(0));
    if (product_name) filled.extensions.emplace_back(arc + "2", der_text(*product_name));
    for (const auto& [level, value] : levels) {
      filled.extensions.emplace_back(arc + "3." + std::to_string(level), der_byte(value));
    }
    if (hardware_id) filled.extensions.emplace_back(arc + "4", *hardware_id);
    if (provider) filled.extensions.emplace_back(arc + "5", der_text(*provider));
    return {forge(filled, leaf_key, ask_key),
            encode_pem_certificate(forge(ask, ask_key, ark_key)) +
                encode_pem_certificate(forge(ark, ark_key, ark_key)),
            list};
  }

  /// A list of the root with these serials.
  Bytes revocation_list(const std::vector<long>& serials) const {
    return forge_list(ark.subject, from, to, serials, ark_key);
  }

  SnpRoots roots() const {
    return SnpRoots::stand_in_for_amd(product, encode_pem_certificate(forge(ark, ark_key, ark_key)))
        .value();
  }

  Verdict verify() const { return verify_snp_report(report(), certificates(), roots(), now); }

  SnpProduct product;
  ForgedKey ark_key, ask_key, leaf_key;
  UnixTime from = parse_utc("2026-01-01T00:00:00Z").value();
  UnixTime now = parse_utc("2026-03-01T00:00:00Z").value();
  UnixTime to = parse_utc("2027-01-01T00:00:00Z").value();
  ForgedCertificate ark, ask, leaf;
  std::optional<std::string> product_name;
  std::map<int, std::uint8_t> levels;  ///< last arc → value
  std::optional<Bytes> hardware_id;
  std::optional<std::string> provider;
  std::optional<Bytes> list;

  std::uint32_t version = 2;
  std::uint32_t algorithm = 1;
  std::uint64_t policy = 1ull << 17;
  std::uint32_t vmpl = 0;
  std::uint64_t platform_info = 0;
  std::uint32_t flags = 0;
  SnpTcbBytes tcb{}, reported{}, committed{}, current{}, launch{};
  SnpCpu cpu{0x19, 0x01, 1};
  SnpFirmware firmware{1, 55, 9}, committed_firmware{1, 55, 9};
  std::uint64_t mitigations = 0;
  ByteArray<64> report_data{1, 2, 3};
  SnpDigest measurement{4, 5, 6};
  Hash host_data{7};
  SnpDigest id_key{8}, author_key{9};
  ByteArray<64> chip_id{};
};

}  // namespace cocoon::attest::test
