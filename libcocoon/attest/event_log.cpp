#include "attest/event_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/limits.h"
#include "crypto/hash.h"

namespace cocoon::attest {

namespace {

constexpr std::uint32_t kEndOfLog = 0xFFFFFFFF;
constexpr std::uint16_t kSha384 = 0x000C;  // TPM_ALG_SHA384 (TCG Algorithm Registry)
constexpr std::size_t kSha1Bytes = 20;
constexpr std::size_t kMostAlgorithms = 16;
constexpr std::size_t kSignatureBytes = 16;
constexpr std::size_t kCcelBytes = 56;

/// Digest sizes by algorithm, from the log's first event.
using Algorithms = std::map<std::uint16_t, std::size_t>;

Error malformed(std::size_t at, std::string_view what) {
  return Error(ErrorKind::attestation, "event_log_malformed",
               fmt::format("The event log is refused at byte {}: {}.", at, what));
}

/// TCG_EfiSpecIDEvent.
Result<Algorithms> read_algorithms(ByteView event) {
  constexpr std::string_view kSignature("Spec ID Event03\0", kSignatureBytes);
  ByteReader in(event);
  const bool signature = as_text(in.take(kSignatureBytes)) == kSignature;
  (void)in.take(8);  // platform class, versions, errata, size of a native integer
  const std::uint32_t count = in.u32le();
  if (in.failed() || !signature || count == 0 || count > kMostAlgorithms) {
    return malformed(0, "its first event does not describe a crypto-agile log");
  }
  Algorithms out;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint16_t algorithm = in.u16le();
    out[algorithm] = in.u16le();
  }
  (void)in.take(in.u8());  // vendor information
  const auto sha384 = out.find(kSha384);
  if (!in.finished() || sha384 == out.end() ||
      sha384->second != std::tuple_size_v<TdxMeasurement>) {
    return malformed(0, "its first event names no SHA-384 digests");
  }
  return out;
}

/// TCG_PCR_EVENT, the header of the log in the old form.
Result<Algorithms> read_header(ByteReader& in) {
  (void)in.u32le();
  const std::uint32_t type = in.u32le();
  (void)in.take(kSha1Bytes);
  const ByteView event = in.take(in.u32le());
  if (in.failed() || type != kNoActionEvent) {
    return malformed(0, "it has no first event in the old form");
  }
  return read_algorithms(event);
}

/// The SHA-384 digest among those of one event.
Result<TdxMeasurement> read_digest(ByteReader& in, const Algorithms& algorithms) {
  const std::size_t at = in.position();
  const std::uint32_t count = in.u32le();
  if (count > algorithms.size()) return malformed(at, "an event has too many digests");
  std::optional<TdxMeasurement> out;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto algorithm = algorithms.find(in.u16le());
    if (in.failed() || algorithm == algorithms.end()) {
      return malformed(at, "an event has a digest of an algorithm that the log does not name");
    }
    const ByteView digest = in.take(algorithm->second);
    if (algorithm->first == kSha384) out = to_array<48>(digest);
  }
  if (!out) return malformed(at, "an event has no SHA-384 digest");
  return *out;
}

}  // namespace

Result<std::vector<MeasuredEvent>> parse_event_log(ByteView log) {
  if (log.size() > limits::kMaxEventLogBytes) return malformed(0, "it is too long");
  ByteReader in(log);
  COCOON_TRY(const Algorithms algorithms, read_header(in));
  std::vector<MeasuredEvent> out;
  while (in.remaining() > 0) {
    const std::size_t at = in.position();
    MeasuredEvent event;
    event.register_index = in.u32le();
    if (event.register_index == kEndOfLog) break;
    event.type = in.u32le();
    COCOON_TRY(event.digest, read_digest(in, algorithms));
    event.data = in.take(in.u32le());
    if (in.failed()) return malformed(at, "it ends within an event");
    if (event.register_index > std::tuple_size_v<Rtmrs>) {
      return malformed(at, "an event names a register that does not exist");
    }
    out.push_back(event);
  }
  return out;
}

Rtmrs replay(const std::vector<MeasuredEvent>& events) {
  Rtmrs out{};
  for (const MeasuredEvent& event : events) {
    if (event.type == kNoActionEvent || event.register_index == 0) continue;
    TdxMeasurement& rtmr = out[event.register_index - 1];
    Bytes both = to_bytes(rtmr);
    append(both, event.digest);
    rtmr = crypto::sha384(both);
  }
  return out;
}

Result<CcelTable> parse_ccel_table(ByteView table) {
  const auto refuse = [](std::string_view what) {
    return Error(ErrorKind::attestation, "ccel_malformed",
                 fmt::format("The ACPI table CCEL is refused: {}.", what));
  };
  ByteReader in(table);
  const bool signature = as_text(in.take(4)) == "CCEL";
  const std::uint32_t size = in.u32le();
  (void)in.take(28);  // the rest of the common header
  CcelTable out;
  out.type = in.u8();
  (void)in.take(3);  // subtype, reserved
  out.log_bytes = in.u64le();
  out.log_address = in.u64le();
  if (!in.finished() || !signature || size != kCcelBytes) {
    return refuse("it is not 56 bytes that begin with CCEL");
  }
  std::uint8_t sum = 0;
  for (const std::uint8_t byte : table) sum = static_cast<std::uint8_t>(sum + byte);
  if (sum != 0) return refuse("its bytes do not add up to zero");
  return out;
}

}  // namespace cocoon::attest
