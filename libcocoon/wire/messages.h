#pragma once
/// @file Every message of protocol version 1, as values. docs/protocol.md is the normative text.
///
/// A frame is `u32` big-endian length, then one msgpack array `[type, stream, fields…]`. Control
/// messages have stream 0. Views in decoded messages point into the decoded frame.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/money.h"
#include "base/time.h"

namespace cocoon::wire {

using StreamId = std::uint32_t;

/// The versions that this library speaks.
inline constexpr std::uint64_t kLowestVersion = 1;
inline constexpr std::uint64_t kHighestVersion = 1;

enum class Role : std::uint8_t { client = 1, proxy = 2, worker = 3 };
/// "client", "proxy" or "worker".
std::string_view to_string(Role role);

enum class FrameType : std::uint8_t {
  // connection
  hello = 0,
  hello_ack = 1,
  ping = 7,
  pong = 8,
  goaway = 9,
  // streams
  open = 2,
  data = 3,
  end = 4,
  reset = 5,
  credit = 6,
  accepted = 10,
  // control
  worker_record = 16,
  worker_status = 17,
  candidates_request = 18,
  candidates = 19,
  evidence_request = 20,
  evidence = 21,
  voucher = 22,
  usage_statement = 23,
  payout = 24,
  models_request = 25,
  models = 26,
  channel_state = 27,
  settlement = 28,
  challenge = 29,
  answer = 30,
};
/// The name of a known frame type as in this enum; "unknown" for any other value.
std::string_view to_string(FrameType type);

/// First frame of the side that opened the connection.
struct Hello {
  std::uint64_t lowest_version = kLowestVersion;
  std::uint64_t highest_version = kHighestVersion;
  Role role{};
  NetworkId network;
  AccountId account;
  /// Proxy and worker: billing::EpochRecord bytes signed by the account key, binding this boot key.
  ByteView epoch_record;
  ByteView epoch_signature;
  /// Client: the channel it pays from, and billing::ChannelAuth signature over (exporter, leaf).
  std::optional<ChannelId> channel;
  ByteView channel_signature;
  std::string_view software;  ///< "libcocoon/0.1.0"; for logs only
  /// Streams that the receiver of this message may have open at once; 0: it may open none, which
  /// is what a client says.
  std::uint32_t max_streams = limits::kMaxStreamsPerConnection;
  /// Client: another connection on this channel is open and stays until its requests are done.
  /// Where none is, the proxy ends what it still holds of that channel: it is half-open.
  bool beside = false;
};

/// Answer to Hello: the chosen version and the answering side's own introduction.
struct HelloAck {
  std::uint64_t version = 0;
  Role role{};
  NetworkId network;
  AccountId account;
  ByteView epoch_record;
  ByteView epoch_signature;
  std::uint64_t registry_version = 0;
  std::string_view software;
  std::uint32_t max_streams = limits::kMaxStreamsPerConnection;  ///< as in Hello
};

struct Ping {
  std::uint64_t value = 0;
};
struct Pong {
  std::uint64_t value = 0;
};
/// No new streams are accepted; running ones finish. `reason` is a code, `detail` a sentence.
/// Where `fatal` is set the connection is over at once: `kind` is the ErrorKind.
struct GoAway {
  std::string_view reason;
  std::string_view detail;
  bool fatal = false;
  std::uint8_t kind = 0;  ///< ErrorKind; 0 where not fatal
};

/// A sealed request. Client → proxy carries one wrap per candidate of the header and
/// `first_wrap` 0; proxy → worker carries one wrap, and `first_wrap` is its index in the header.
struct Open {
  StreamId stream = 0;
  ByteView header;  ///< session::RequestHeader bytes, kept exactly
  std::vector<ByteView> wraps;
  std::uint8_t first_wrap = 0;
  /// What is left of the caller's deadline; a hint that may only shorten.
  std::uint32_t time_left_ms = 0;
};

/// Tokens used so far by a running request, by class; each only grows.
struct UsageMark {
  std::uint64_t prompt = 0;
  std::uint64_t cached = 0;
  std::uint64_t completion = 0;
  std::uint64_t reasoning = 0;
  friend bool operator==(const UsageMark&, const UsageMark&) = default;
};

/// One sealed chunk, never empty. In the answer direction it may carry the usage so far.
struct Data {
  StreamId stream = 0;
  ByteView payload;  ///< at most limits::kMaxDataBytes
  std::optional<UsageMark> mark;
};

/// The sender's direction of the stream is complete. In an answer, worker → proxy carries the
/// signed receipt, and proxy → client the channel's new cumulative charge.
struct End {
  StreamId stream = 0;
  ByteView receipt;      ///< billing::SignedReceipt, or empty
  Nano cost{};           ///< proxy → client: what this request was charged
  Nano charged_total{};  ///< proxy → client: cumulative charge on the channel
};

/// The stream is over, both directions.
struct Reset {
  StreamId stream = 0;
  std::uint8_t kind = 0;             ///< ErrorKind
  std::string_view code;             ///< Error::code
  std::string_view detail;           ///< Error::detail
  std::uint32_t retry_after_ms = 0;  ///< 0: none said
  Nano cost{};                       ///< proxy → client: what was charged all the same
  Nano charged_total{};
};

/// `stream` 0 gives credit to the whole connection.
struct Credit {
  StreamId stream = 0;
  std::uint32_t bytes = 0;
};

/// The worker has started its engine: from here on no other worker gets this request.
struct Accepted {
  StreamId stream = 0;
  std::uint8_t candidate = 0;  ///< index in the header's candidate list
  /// What a cancel costs until the answer's first usage mark: a count from bytes, in the payer's
  /// favour, where the engine has not counted yet.
  std::uint64_t prompt_tokens = 0;
};

/// Signed by the worker's attested boot key. `record` is WorkerRecord::encode.
struct SignedWorkerRecord {
  ByteView record;
  ByteView signature;
};

/// The content of a worker record (see records.h for its byte layout).
struct WorkerRecord {
  NetworkId network;
  AccountId account;
  BootKeyId boot_key;
  EvidenceDigest evidence;      ///< of the leaf certificate that carries this boot key
  ByteArray<32> sealing_key{};  ///< X25519 public key; its SHA-256 is the SealingKeyId
  UnixTime not_before{};
  UnixTime not_after{};
  std::uint32_t coefficient_e3 = 1000;  ///< asked price in 1/1000 of the registry's
  std::uint32_t capacity = 0;           ///< requests served at once
  std::vector<std::string> models;
};

/// Worker → proxy, whenever it changes: what can be given to it now.
struct WorkerStatus {
  bool ready = false;
  std::uint32_t free_slots = 0;
  std::string_view reason;  ///< why not ready, for people
};

/// What a request for candidates weighs, time or price. The public Preference has the same values.
enum class Preference : std::uint8_t { balanced = 0, cheapest = 1, fastest = 2 };

struct CandidatesRequest {
  std::uint64_t id = 0;
  std::string_view model;
  ByteArray<16> seed{};
  std::uint8_t count = 0;
  /// The worker that served this client last; honoured within a load bound.
  std::optional<AccountId> preferred;
  std::uint32_t max_coefficient_e3 = 0;  ///< 0: any
  Preference preference = Preference::balanced;
};

/// A place in the directory's Merkle tree (crypto/merkle.h).
struct Inclusion {
  std::uint32_t index = 0;
  std::vector<Hash> path;
};

struct Candidate {
  SignedWorkerRecord record;
  Inclusion inclusion;
};

/// Answer to CandidatesRequest, or unasked beside a refusal. `workers` may be empty: none eligible.
struct Candidates {
  std::uint64_t id = 0;  ///< of the request; 0: unasked
  std::string_view model;
  Hash root{};
  std::uint32_t leaves = 0;
  UnixTime root_time{};
  ByteView root_signature;  ///< by the proxy's boot key over (network, root, leaves, root_time)
  std::uint32_t retry_after_ms = 0;  ///< where `workers` is empty
  std::vector<Candidate> workers;
};

struct EvidenceRequest {
  EvidenceDigest digest;
};
/// One part of what the node of that digest shows: its leaf certificate (DER), and behind it the
/// evidence of its GPUs, where it has any. That is larger than a frame, so it travels in order in
/// parts of limits::kMaxEvidencePartBytes; see evidence_parts.h. `total` 0: unknown here. A worker
/// that owes GPU evidence sends its own before its record.
struct Evidence {
  EvidenceDigest digest;
  std::uint32_t total = 0;   ///< size of the whole
  std::uint32_t offset = 0;  ///< of this part in it
  ByteView part;
};

/// billing::Voucher bytes and the signer's signature.
struct Voucher {
  ByteView voucher;
  ByteView signature;
};
/// Proxy → client: billing::UsageStatement bytes and the proxy account's signature, with the
/// highest voucher that the proxy holds, so that a client that lost its state recovers it.
struct UsageStatement {
  ByteView statement;
  ByteView signature;
  ByteView voucher;
  ByteView voucher_signature;
};
/// What a proxy has measured of a worker, or of all workers of a model.
struct ServiceFigures {
  std::uint32_t requests = 0;  ///< that the speeds rest on; 0: nothing was measured
  std::uint32_t success_e4 = 10'000;
  std::uint32_t first_token_ms = 0;
  std::uint32_t tokens_per_second = 0;  ///< of one answer
};
/// Proxy → worker: billing::PayoutVoucher bytes and the proxy account's signature, and how the
/// proxy rates that worker. Worker → proxy, after a restart: the newest voucher that it has.
struct Payout {
  ByteView voucher;
  ByteView signature;
  ServiceFigures rating;
};
/// Proxy → client after hello: what the proxy sees of the client's channel on the ledger.
struct ChannelState {
  ChannelId channel;
  bool open = false;
  Nano deposit{};
  Nano charged_total{};
};

/// What a request that was cut is charged, and the worker's word for it. Worker → proxy: the
/// receipt of a run that the proxy reset, no amounts. Proxy → client: the charge, with the receipt
/// once it came.
struct Settlement {
  RequestHash request;
  Nano cost{};
  ByteView receipt;  ///< billing::SignedReceipt, or empty
  Nano charged_total{};
};

/// Between proxy and worker, once each: shows that you are who your certificate says, now, on this
/// connection (session/challenge.h).
struct Challenge {
  ByteArray<32> nonce{};
};
/// The place of a challenge in the tree of those that one quote answers. The quote follows as
/// Evidence messages of that digest.
struct Answer {
  Hash root{};
  std::uint32_t leaves = 0;
  Inclusion inclusion;
  EvidenceDigest quote;  ///< SHA-256
};

struct ModelsRequest {
  std::uint64_t id = 0;
};
struct ModelSummary {
  std::string_view id;
  std::uint32_t workers = 0;
  std::uint32_t capacity = 0;
  std::uint32_t free_slots = 0;
  std::uint32_t lowest_coefficient_e3 = 0;
  std::uint32_t highest_coefficient_e3 = 0;
  std::uint32_t queued = 0;  ///< requests that wait for a worker
  ServiceFigures service;    ///< of all workers together
  /// Requests and refusals for want of a free worker, by decaying averages over some minutes.
  std::uint32_t asked_per_minute = 0;
  std::uint32_t refused_per_minute = 0;
};
/// For clients and workers: what a model costs, and what is worth serving.
struct Models {
  std::uint64_t id = 0;
  std::vector<ModelSummary> models;
};

/// A frame of the extension range (type ≥ limits::kFirstExtensionType): skipped.
struct Extension {
  std::uint64_t type = 0;
};

using Message =
    std::variant<Hello, HelloAck, Ping, Pong, GoAway, Open, Data, End, Reset, Credit, Accepted,
                 SignedWorkerRecord, WorkerStatus, CandidatesRequest, Candidates, EvidenceRequest,
                 Evidence, Voucher, UsageStatement, Payout, ChannelState, ModelsRequest, Models,
                 Settlement, Challenge, Answer, Extension>;

}  // namespace cocoon::wire
