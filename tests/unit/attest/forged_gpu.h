#pragma once
/// @file NVIDIA GPU evidence under a root of the tests' own.

#include <map>

#include "attest/gpu_verify.h"
#include "attest/text.h"
#include "unit/attest/forge384.h"

namespace cocoon::attest::test {

/// One GPU's evidence with sets that it fits. A test changes what it is about and calls verify().
class ForgedGpu {
 public:
  ForgedGpu() {
    root = {"NVIDIA Device Identity CA", "NVIDIA Device Identity CA", from, to, true, -1, 1, {}};
    identity = {"NVIDIA GH100 Identity", root.subject, from, to, true, -1, 2, {}};
    device = {"GH100 A01 GSP BROM", identity.subject, from, to, true, -1, 3, {}};
    leaf = {"GH100 A01 GSP FMC LF", device.subject, from, to, false, -1, 4, {}};
    fwid->fill(0x77);
    certified_fwid = fwid;
    nonce.fill(0x11);
    for (std::uint8_t index = 0; index < 40; ++index) {
      measured[index].fill(static_cast<std::uint8_t>(index + 1));
    }
    for (const std::uint8_t index : Bytes{2, 9, 35}) driver[index] = {measured[index]};
    for (const std::uint8_t index : Bytes{1, 12}) vbios[index] = {measured[index]};
    opaque = {{3, text("550.90.07")}, {6, {0x00, 0x9F, 0x00, 0x96, 0x01, 0, 0, 0}},
              {17, text("1010")},     {18, text("0200")},
              {15, text("882")},      {12, Bytes(256, 0)},
              {11, {0xAA}},           {21, {0x55}},
              {36, {0x01, 0x00}}};
  }

  static Bytes text(const std::string& value) {
    Bytes out = to_bytes(as_bytes(value));
    out.push_back(0);
    return out;
  }

  /// The extension as Hopper has it.
  static Bytes composite(const GpuDigest& fwid) {
    Bytes out{0x30, 0x42, 0x02, 0x01, 0x01, 0x30, 0x3D, 0x06, 0x09, 0x60,
              0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x04, 0x30};
    append(out, fwid);
    return out;
  }

  /// The extension as Blackwell has it: a vendor, then a list of which the first counts.
  static Bytes tcb_info(const GpuDigest& fwid) {
    Bytes out{0x30, 0x81, 0x83, 0x80, 0x02, 'N', 'V', 0xA6, 0x7E};
    for (const GpuDigest& one : {fwid, GpuDigest{}}) {
      append(out, Bytes{0x30, 0x3D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                        0x02, 0x04, 0x30});
      append(out, one);
    }
    out[2] = static_cast<std::uint8_t>(out.size() - 3);
    return out;
  }

  Bytes opaque_bytes() const {
    ByteWriter out;
    for (const auto& [type, value] : opaque) {
      out.u16le(type).u16le(static_cast<std::uint16_t>(value.size())).bytes(value);
    }
    if (fwid) out.u16le(20).u16le(48).bytes(*fwid);
    return out.take();
  }

  Bytes report() const {
    ByteWriter records;
    for (const auto& [index, digest] : measured) {
      records.u8(static_cast<std::uint8_t>(index + 1)).u8(1).u16le(51).u8(1).u16le(48);
      records.bytes(digest);
    }
    ByteWriter out;
    out.bytes(Bytes{0x11, 0xE0, 0x01, 0xFF}).bytes(nonce).u8(0);
    out.bytes(Bytes{0x11, 0x60, 0x00, 0x00}).u8(static_cast<std::uint8_t>(measured.size()));
    out.u16le(static_cast<std::uint16_t>(records.size())).u8(0).bytes(records.take());
    const Bytes opaque_data = opaque_bytes();
    out.bytes(Hash{0x22}).u16le(static_cast<std::uint16_t>(opaque_data.size()));
    Bytes bytes = out.bytes(opaque_data).take();
    append(bytes, leaf_key.sign(bytes));
    return bytes;
  }

  std::string certificates() const {
    ForgedCertificate filled = leaf;
    if (certified_fwid) {
      filled.extensions.emplace_back(
          "2.23.133.5.4.1", blackwell ? tcb_info(*certified_fwid) : composite(*certified_fwid));
    }
    return encode_pem_certificate(forge(filled, leaf_key, device_key)) +
           encode_pem_certificate(forge(device, device_key, identity_key)) +
           encode_pem_certificate(forge(identity, identity_key, root_key)) +
           encode_pem_certificate(forge(root, root_key, root_key));
  }

  GpuEvidence evidence() const { return {report(), certificates(), nonce}; }

  std::vector<GpuMeasurementSet> sets() const {
    return {GpuMeasurementSet::create(GpuPart::driver, "GH100", "550.90.07", driver).value(),
            GpuMeasurementSet::create(GpuPart::vbios, "GH100", "96.00.9F.00.01", vbios).value()};
  }

  GpuRoot trusted() const {
    return GpuRoot::stand_in_for_nvidia(encode_pem_certificate(forge(root, root_key, root_key)))
        .value();
  }

  GpuVerdict verify() const {
    return verify_gpu_evidence(evidence(), nonce, sets(), trusted(), now);
  }

  ForgedKey root_key, identity_key, device_key, leaf_key;
  UnixTime from = parse_utc("2026-01-01T00:00:00Z").value();
  UnixTime now = parse_utc("2026-03-01T00:00:00Z").value();
  UnixTime to = parse_utc("2027-01-01T00:00:00Z").value();
  ForgedCertificate root, identity, device, leaf;
  bool blackwell = false;
  std::optional<GpuDigest> fwid = GpuDigest{};
  std::optional<GpuDigest> certified_fwid;
  Hash nonce{};
  std::map<std::uint8_t, GpuDigest> measured;
  GpuMeasurementSet::Digests driver, vbios;
  std::vector<std::pair<std::uint16_t, Bytes>> opaque;
};

}  // namespace cocoon::attest::test
