#include "attest/sim/event_log.h"

#include "attest/event_log.h"
#include "crypto/hash.h"

namespace cocoon::attest::sim {

namespace {

constexpr std::uint16_t kSha384 = 0x000C;  // TPM_ALG_SHA384 (TCG Algorithm Registry)

/// TCG_EfiSpecIDEvent: one bank, of SHA-384.
Bytes spec_id() {
  constexpr std::string_view kSignature("Spec ID Event03\0", 16);
  ByteWriter out;
  out.bytes(as_bytes(kSignature)).bytes(Bytes(8)).u32le(1);
  out.u16le(kSha384).u16le(std::tuple_size_v<TdxMeasurement>).u8(0);
  return out.take();
}

void write_data(ByteWriter& out, ByteView data) {
  out.u32le(static_cast<std::uint32_t>(data.size())).bytes(data);
}

}  // namespace

Bytes sim_event_log(std::span<const SimEvent> events) {
  ByteWriter out;
  out.u32le(1).u32le(kNoActionEvent).bytes(Bytes(20));  // TCG_PCR_EVENT with a SHA-1 of zeros
  write_data(out, spec_id());
  for (const SimEvent& event : events) {
    out.u32le(event.register_index).u32le(event.type).u32le(1).u16le(kSha384);
    out.bytes(crypto::sha384(as_bytes(event.data)));
    write_data(out, as_bytes(event.data));
  }
  return out.take();
}

}  // namespace cocoon::attest::sim
