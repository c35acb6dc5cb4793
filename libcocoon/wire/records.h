#pragma once
/// @file What is signed in the directory, byte by byte (docs/protocol.md "Directory and
/// candidates"). Every signing input starts with a domain string of its own, so that a signature
/// for one thing is never one for another.

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "cocoon/result.h"
#include "wire/messages.h"

namespace cocoon::wire {

/// The one byte string for `record`: times in whole seconds, models sorted.
/// Errors: invalid_argument/bad_worker_record, where decode_worker_record() would refuse it.
Result<Bytes> encode_worker_record(WorkerRecord record);
/// Strict inverse: what it accepts encodes to the same bytes.
/// Errors: protocol/bad_worker_record.
Result<WorkerRecord> decode_worker_record(ByteView bytes);

/// What the worker's boot key signs: "cocoon-worker-record-v1" ‖ 0x00 ‖ record.
Bytes worker_record_signing_bytes(ByteView record);

/// A leaf of the directory's tree, before crypto::merkle_leaf(): record ‖ signature (64 bytes).
Bytes directory_leaf(const SignedWorkerRecord& record);

/// What the proxy's boot key signs every minute:
/// "cocoon-directory-root-v1" ‖ 0x00 ‖ network ‖ root ‖ u32 leaves ‖ u64 root_time (s).
Bytes directory_root_signing_bytes(const NetworkId& network, const Hash& root, std::uint32_t leaves,
                                   UnixTime root_time);

}  // namespace cocoon::wire
