#include "wire/records.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "codec/utf8.h"

namespace cocoon::wire {
namespace {

constexpr std::uint8_t kRecordVersion = 1;
constexpr std::string_view kRecordDomain("cocoon-worker-record-v1\0", 24);
constexpr std::string_view kRootDomain("cocoon-directory-root-v1\0", 25);

Error bad_record(ErrorKind kind, std::string_view field) {
  return Error(kind, "bad_worker_record",
               fmt::format("a worker record's {} is missing or out of bounds.", field));
}

/// The field that no valid record has, or nothing.
std::string_view first_bad_field(const WorkerRecord& record) {
  const std::uint64_t not_after = to_unix_seconds(record.not_after);
  if (to_unix_seconds(record.not_before) >= not_after || not_after > limits::kMaxUnixSeconds) {
    return "validity";
  }
  if (record.coefficient_e3 == 0) return "coefficient";
  if (record.models.empty() || record.models.size() > limits::kMaxModelsPerWorker) return "models";
  for (const std::string& model : record.models) {
    if (model.empty() || model.size() > limits::kMaxModelIdBytes || !is_utf8(model)) {
      return "model id";
    }
  }
  // Sorted and distinct: one record, one byte string.
  const auto unordered = std::adjacent_find(record.models.begin(), record.models.end(),
                                            [](const auto& a, const auto& b) { return a >= b; });
  if (unordered != record.models.end()) return "order of models";
  return {};
}

}  // namespace

Result<Bytes> encode_worker_record(WorkerRecord record) {
  std::sort(record.models.begin(), record.models.end());
  const std::string_view bad = first_bad_field(record);
  if (!bad.empty()) return bad_record(ErrorKind::invalid_argument, bad);
  ByteWriter out;
  out.u8(kRecordVersion)
      .bytes(record.network.view())
      .bytes(record.account.view())
      .bytes(record.boot_key.view())
      .bytes(record.evidence.view())
      .bytes(record.sealing_key)
      .u64be(to_unix_seconds(record.not_before))
      .u64be(to_unix_seconds(record.not_after))
      .u32be(record.coefficient_e3)
      .u32be(record.capacity)
      .u8(static_cast<std::uint8_t>(record.models.size()));
  for (const std::string& model : record.models) {
    out.u16be(static_cast<std::uint16_t>(model.size())).bytes(as_bytes(model));
  }
  return out.take();
}

Result<WorkerRecord> decode_worker_record(ByteView bytes) {
  ByteReader in(bytes);
  const std::uint8_t version = in.u8();
  WorkerRecord record;
  record.network.bytes = in.array<16>();
  record.account.bytes = in.array<32>();
  record.boot_key.bytes = in.array<32>();
  record.evidence.bytes = in.array<32>();
  record.sealing_key = in.array<32>();
  const std::uint64_t not_before = in.u64be();
  const std::uint64_t not_after = in.u64be();
  record.coefficient_e3 = in.u32be();
  record.capacity = in.u32be();
  const std::uint8_t models = in.u8();
  if (in.failed() || version != kRecordVersion) return bad_record(ErrorKind::protocol, "version");
  if (not_before > limits::kMaxUnixSeconds || not_after > limits::kMaxUnixSeconds) {
    return bad_record(ErrorKind::protocol, "validity");
  }
  record.not_before = unix_seconds(not_before);
  record.not_after = unix_seconds(not_after);
  if (models > limits::kMaxModelsPerWorker) return bad_record(ErrorKind::protocol, "models");
  for (std::uint8_t i = 0; i < models && !in.failed(); ++i) {
    record.models.emplace_back(as_text(in.take(in.u16be())));
  }
  if (!in.finished()) return bad_record(ErrorKind::protocol, "end");
  const std::string_view bad = first_bad_field(record);
  if (!bad.empty()) return bad_record(ErrorKind::protocol, bad);
  return record;
}

Bytes worker_record_signing_bytes(ByteView record) {
  return ByteWriter().bytes(as_bytes(kRecordDomain)).bytes(record).take();
}

Bytes directory_leaf(const SignedWorkerRecord& record) {
  return ByteWriter().bytes(record.record).bytes(record.signature).take();
}

Bytes directory_root_signing_bytes(const NetworkId& network, const Hash& root, std::uint32_t leaves,
                                   UnixTime root_time) {
  return ByteWriter()
      .bytes(as_bytes(kRootDomain))
      .bytes(network.view())
      .bytes(root)
      .u32be(leaves)
      .u64be(to_unix_seconds(root_time))
      .take();
}

}  // namespace cocoon::wire
