#pragma once
/// @file The GPUs of the stand-in for NVIDIA's library: their keys are the same in every process,
/// so that a test can trust their root and list their measurement sets.

#include "unit/attest/forged_gpu.h"

namespace cocoon::test {

/// GPU number `index`, which signs `nonce`. Its certificates are valid from 2020 to 2049.
inline attest::test::ForgedGpu stand_in_gpu(unsigned index, const Hash& nonce) {
  using attest::test::ForgedKey;
  attest::test::ForgedGpu out;
  const auto number = static_cast<std::uint8_t>(index);
  out.root_key = ForgedKey::fixed(1);
  out.identity_key = ForgedKey::fixed(2);
  out.device_key = ForgedKey::fixed(static_cast<std::uint8_t>(0x40 + number));
  out.leaf_key = ForgedKey::fixed(static_cast<std::uint8_t>(0x80 + number));
  for (attest::test::ForgedCertificate* c : {&out.root, &out.identity, &out.device, &out.leaf}) {
    c->from = attest::parse_utc("2020-01-01T00:00:00Z").value();
    c->to = attest::parse_utc("2049-01-01T00:00:00Z").value();
  }
  out.nonce = nonce;
  return out;
}

}  // namespace cocoon::test
