#pragma once
/// @file Every bound of the product, each with its reason. Nothing else in the tree names a limit
/// of its own: a number that bounds input from outside belongs here.

#include <cstddef>
#include <cstdint>

#include "base/scheduling_limits.h"
#include "base/time.h"

namespace cocoon::limits {

// --- Frames and streams (protocol.md "Frames") ---

/// Largest frame body. Bounds the read buffer of a connection; no message needs more, because
/// bodies are cut into data frames and evidence travels in parts.
inline constexpr std::size_t kMaxFrameBytes = 64 * 1024;
/// Largest payload of one data frame: one sealed chunk. Four fit in a frame-sized buffer, so one
/// bulk stream cannot delay the others for long.
inline constexpr std::size_t kMaxDataBytes = 16 * 1024;
/// Credit that a stream starts with: one round trip of 100 ms at 20 Mbit/s.
inline constexpr std::uint32_t kStreamCreditBytes = 256 * 1024;
/// Credit that a connection starts with: four streams at full speed.
inline constexpr std::uint32_t kConnectionCreditBytes = 1024 * 1024;
/// Frame types from here on are extensions: unknown ones are skipped, not fatal.
inline constexpr std::uint64_t kFirstExtensionType = 128;
/// Streams open at once on a connection; protects the peer's memory.
inline constexpr std::size_t kMaxStreamsPerConnection = 4096;
/// Silence after which a ping is sent, and after which the peer counts as dead.
inline constexpr Seconds kPingAfter{15};
inline constexpr Seconds kDeadAfter{45};
/// From the end of the TLS handshake (and of verification) to the peer's hello or hello_ack. The
/// acceptor may have to ask a ledger before it answers.
inline constexpr Seconds kHelloDeadline{30};
/// Most credit that a peer may have given us for one stream or connection: keeps sums in 32 bits.
inline constexpr std::uint32_t kMaxCreditBytes = 0x7fffffff;
/// Output waiting in a connection above which its owner reads no more from that peer: pongs and
/// resets answer frames without credit, so a peer that never reads could make us grow.
inline constexpr std::size_t kMaxPendingOutputBytes = 4 * 1024 * 1024;

// --- Fields of messages (docs/protocol.md "Messages") ---

/// A sealed header: fixed fields, the longest model id and three candidates, with room to grow.
inline constexpr std::size_t kMaxSealedHeaderBytes = 1024;
/// A wrap: 112 bytes in suite 1, with room for another suite.
inline constexpr std::size_t kMaxWrapBytes = 256;
/// Vouchers, statements and epoch records: small fixed layouts.
inline constexpr std::size_t kMaxStatementBytes = 512;
/// A signed receipt with its Merkle path.
inline constexpr std::size_t kMaxReceiptBytes = 4096;
/// Reasons and codes: snake_case words.
inline constexpr std::size_t kMaxCodeBytes = 64;
/// Details: a sentence or two for people. Longer ones are cut when sent.
inline constexpr std::size_t kMaxDetailBytes = 512;
/// Software names in hello, for logs.
inline constexpr std::size_t kMaxSoftwareBytes = 64;
/// Models in one worker record: a record stays under 9 KiB, so four fit a candidates frame.
inline constexpr std::size_t kMaxModelsPerWorker = 32;
inline constexpr std::size_t kMaxWorkerRecordBytes = 9 * 1024;
/// Candidates in one answer: those of a request, and one to spare.
inline constexpr std::size_t kMaxCandidatesPerAnswer = 4;
/// A path in a tree of kMaxMerkleLeaves = 2^20 leaves.
inline constexpr std::size_t kMaxMerklePath = 20;
/// Dates on the wire end with the year 9999: far from where milliseconds overflow 64 bits.
inline constexpr std::uint64_t kMaxUnixSeconds = 253402300799;
/// Models in one answer: with the longest ids they fill a frame.
inline constexpr std::size_t kMaxModelsPerAnswer = 200;
/// One part of a certificate with its evidence; leaves room for the frame around it.
inline constexpr std::size_t kMaxEvidencePartBytes = 32 * 1024;

// --- Requests (protocol.md "Sealed requests") ---

inline constexpr std::size_t kDefaultMaxRequestBytes = 8 * 1024 * 1024;
inline constexpr std::size_t kHighestMaxRequestBytes = 32 * 1024 * 1024;
inline constexpr std::size_t kMaxHttpHeaderBytes = 32 * 1024;
/// A request line: our paths are short, and a query is passed to nobody.
inline constexpr std::size_t kMaxHttpRequestLineBytes = 8 * 1024;
/// Header fields of one request: browsers and SDKs send about 20.
inline constexpr std::size_t kMaxHttpHeaders = 100;
/// Chunk extensions of a whole request body: nobody uses them, but they are to be ignored.
inline constexpr std::size_t kMaxHttpChunkExtensionBytes = 1024;
/// One server-sent event. The last one of a Responses stream repeats the whole answer: 256 Ki
/// tokens of text, escaped.
inline constexpr std::size_t kMaxSseEventBytes = 4 * 1024 * 1024;
/// Tokens that an engine may report in one class: far above any context, far below where sums of
/// 64 bits overflow.
inline constexpr std::uint64_t kMaxReportedTokens = std::uint64_t{1} << 40;
inline constexpr std::size_t kMaxJsonDepth = 64;
/// Values and keys of one JSON text. A prompt of a million token ids fits; the tree of a text is
/// bounded by 24 MiB whatever the text.
inline constexpr std::size_t kMaxJsonNodes = 1024 * 1024;
/// Longest model id: fits every registry entry and bounds headers.
inline constexpr std::size_t kMaxModelIdBytes = 256;
inline constexpr Seconds kFirstByteDeadline{120};
inline constexpr Seconds kProgressDeadline{60};
inline constexpr Seconds kRequestDeadline{600};
/// The deadline is the client's to keep: it knows what it has seen of the answer. The proxy ends
/// the request by itself only so much later, the worker after twice that.
inline constexpr Seconds kDeadlineGrace{2};
/// A sealed body of which nothing more comes for so long is given up.
inline constexpr Seconds kBodyDeadline{30};
/// A worker's engine may take so long to its first byte: its client hears of it before it gives up.
inline constexpr Seconds kEngineFirstByteDeadline{90};
/// `not_after` may lie at most this far ahead; bounds the worker's replay table.
inline constexpr Seconds kMaxNotAfter{600};
/// How far ahead a client puts it: time to wait at a proxy (kMaxQueueWait), to be refused and
/// offered again, and for clocks. No more, because a worker remembers every request for as long.
inline constexpr Seconds kSealedFor{120};
/// Clock difference tolerated between honest machines.
inline constexpr Seconds kClockSkew{30};
/// The proxy keeps a sealed body up to this size until a worker accepts.
inline constexpr std::size_t kMaxHeldBodyBytes = 256 * 1024;
/// Accounts and channels of new connections that a proxy reads from its ledger at once: the rest
/// wait with the proxy, the newest in front, since the oldest have given up by then.
inline constexpr std::size_t kMaxLookups = 16;
/// A channel is read again for a refused request, or a top-up, at most so often.
inline constexpr Seconds kChannelReread{5};
/// How often a proxy looks for vouchers to redeem and to raise, and writes its accounts: money at
/// risk grows by what one second earns.
inline constexpr Seconds kSettlementInterval{1};
/// How often a proxy writes the averages of its workers while they change: 0.7 MB of 9,000 workers.
inline constexpr Seconds kReputationInterval{60};
/// First and longest wait before a role tries a proxy again; doubled at each failure, with jitter,
/// so that a restarted proxy is found soon and not trampled.
inline constexpr Millis kReconnectFirst{200};
inline constexpr Millis kReconnectLongest{30'000};
/// A connection that lasted so long ends the row of failures.
inline constexpr Seconds kConnectionProved{10};
/// How often a worker reads what it was paid; it cashes as soon as enough is owed to be worth it.
inline constexpr Seconds kPayoutInterval{10};
/// What a worker holds of an answer that waits for credit before it pauses its engine.
inline constexpr std::size_t kMaxPendingAnswerBytes = 64 * 1024;
/// How long a client uses a set of candidates: long enough to keep the question off most requests,
/// short enough that load follows the proxy's choices.
inline constexpr Seconds kCandidatesFresh{30};
/// How long a client waits for candidates before it asks again.
inline constexpr Seconds kCandidatesDeadline{10};
/// How long refused evidence stays refused before it is looked at again.
inline constexpr Seconds kRefusalRemembered{60};
/// Certificates whose verdict a client remembers; about 20 KiB each with their JSON, and more
/// for those that show GPUs or an event log.
inline constexpr std::size_t kMaxKnownEvidence = 4096;
/// Attempts of one request, each under a new id, before any worker has accepted it.
inline constexpr std::uint32_t kMaxAttempts = 3;
/// How long client and proxy remember a request that was cut, for the receipt that proves its
/// charge: its worker's connection is dead by then, or the receipt was on its way.
inline constexpr Seconds kCutRemembered{600};
/// Cut requests that a proxy remembers at once, each charged: about 1 KiB each.
inline constexpr std::size_t kMaxCutsRemembered = 32'768;
/// `Retry-After` where no proxy can be reached.
inline constexpr Seconds kRetryAfterNoProxy{5};
/// How often a core looks for silent connections; far below kPingAfter.
inline constexpr Seconds kLivenessInterval{1};
inline constexpr std::size_t kMaxCandidates = 3;
inline constexpr std::size_t kDefaultCandidates = 2;
/// Choices (`n`) of one request: OpenAI's own bound.
inline constexpr std::uint32_t kMaxChoices = 128;
/// Longest content type of an answer.
inline constexpr std::size_t kMaxContentTypeBytes = 128;
/// An HPKE exporter secret is used for so many requests, and for so long (protocol.md "Sealed
/// requests" 2): requests under one `enc` can be linked by that worker.
inline constexpr std::uint32_t kMaxExporterUses = 1000;
inline constexpr Seconds kMaxExporterAge{600};
/// Exporter secrets that a client keeps per proxy connection, one per worker that it seals to.
inline constexpr std::size_t kMaxClientExporters = 1024;
/// Exporter secrets that a worker keeps per sealing key: one per client connection that it sees.
inline constexpr std::size_t kMaxWorkerExporters = 16384;
/// Request hashes that a worker remembers: 150 s (kSealedFor, kClockSkew) of 1,700 requests a
/// second, about 150 bytes each. Full = refuse.
inline constexpr std::size_t kMaxReplayEntries = 262144;
/// A worker's sealing key is replaced after the first and forgotten after the second: every few
/// hours, with an overlap for records that are still in directories.
inline constexpr Seconds kSealingKeyRotation{2 * 3600};
inline constexpr Seconds kSealingKeyLifetime{3 * 3600};

// --- Evidence (attestation.md, protocol.md "Transport") ---

/// Connections of one address that may be between accept and admission: enough for a rack behind
/// one address, too few to fill the verification queue alone.
inline constexpr std::size_t kMaxHandshakesPerAddress = 1024;
/// How often a node looks whether the evidence of its peers still holds. A removed image is gone
/// within this time at the latest; a registry change is acted on at once.
inline constexpr Seconds kEvidenceReview{30};
/// How long a closing connection waits for its peer.
inline constexpr Millis kFarewellPatience{2000};
/// How often a starting node asks a ledger that does not answer.
inline constexpr Seconds kLedgerRetry{2};
/// How often a draining node looks whether it is done, and how long it then waits for the ledger to
/// take its last vouchers.
inline constexpr Millis kDrainPoll{20};
inline constexpr Millis kSettlePatience{3000};
/// Threads that verify quotes: a verification takes half a millisecond at most, and the loop needs
/// the rest of a small machine.
inline constexpr unsigned kVerifyThreads = 1;
/// Peers that may wait for verification, per class; at 0.5 ms each, a second's work.
inline constexpr std::size_t kMaxQueuedVerifications = 2048;
/// Verdicts that a node remembers: one per worker of a large proxy.
inline constexpr std::size_t kMaxCachedVerdicts = 16 * 1024;
inline constexpr std::size_t kMaxEvidenceBytes = 64 * 1024;
/// The whole leaf certificate: the evidence and what X.509 puts around it.
inline constexpr std::size_t kMaxLeafCertificateBytes = kMaxEvidenceBytes + 4 * 1024;
/// OpenSSL's own default of about 100 KiB refuses large evidence; this is what one handshake may
/// make us hold.
inline constexpr std::size_t kMaxCertificateChainBytes = 256 * 1024;
inline constexpr Seconds kCertificateLifetime{24 * 3600};
/// A connection is replaced when its peer's evidence has less than this left. The peer has renewed
/// its certificate 6 h before the end, so a new one is there; running requests have time to finish.
inline constexpr Seconds kRenewalMargin{3600};
/// Connections are replaced up to so much earlier, at random: all peers of a proxy know the same
/// certificate of it, and must not come back all at once.
inline constexpr Seconds kRenewalSpread{1800};
/// How soon a connection is replaced at the earliest, and a certificate that could not be renewed
/// tried again: often enough within kRenewalMargin, and no load where a peer has nothing newer.
inline constexpr Seconds kRenewalPause{600};
/// How long a worker's older connection may take to show that it is alive, once a newer one has
/// taken its place: a round trip over a bad line. One that is silent for longer is half-open.
inline constexpr Seconds kHandoverGrace{5};
/// Connections of one account that a proxy admits: two while one replaces the other, some that a
/// bad line has left half-open, and a few processes that share an account. One account cannot fill
/// the proxy.
inline constexpr std::size_t kMaxConnectionsPerAccount = 16;
/// One in so many peers of a full proxy may have a second connection at a time. Renewals are spread
/// over kRenewalSpread, and most old connections end within seconds.
inline constexpr std::size_t kRenewalRoom = 8;
inline constexpr Seconds kHandshakeDeadline{10};
/// From the opening of a connection between proxy and worker to the end of their challenges: the
/// quote of a batch that has begun and the next one (kQgsDeadline each, at worst), and a busy
/// verifier. A machine whose quotes take so long serves nobody anyway.
inline constexpr Seconds kChallengeDeadline{90};
/// Arrays, maps and tags of CBOR inside one another. Evidence needs four; others' claims that are
/// only skipped get some room.
inline constexpr std::size_t kMaxCborDepth = 16;
/// Longest quote. Today's have 5 KB; the kernel's ABI text of 2026 announces up to about 100 KB.
inline constexpr std::size_t kMaxQuoteBytes = 128 * 1024;
/// How often a starting node asks a machine that gives it no evidence: the host's service may start
/// later than its guests.
inline constexpr Seconds kAttestRetry{30};
/// From the question to a Quote Generation Service to its answer: what Linux waits, too
/// (drivers/virt/coco/tdx-guest, GETQUOTE_TIMEOUT).
inline constexpr Millis kQgsDeadline{30'000};
/// An answer of that service: the longest quote, 24 bytes of header, and the 16 bytes of the key id
/// that it chose, with room.
inline constexpr std::size_t kMaxQgsAnswerBytes = kMaxQuoteBytes + 1024;
/// The kernel's short texts beside a quote: the name of a driver, a number.
inline constexpr std::size_t kMaxTsmTextBytes = 128;
/// How often a quote is asked for where somebody else's request, or the removal of our entry, came
/// between; and the pause after the first time, which doubles: 0.3 s in all.
inline constexpr int kTsmAttempts = 5;
inline constexpr Millis kTsmFirstPause{20};
/// Entries of one process id in configfs: its jobs at once, and those of other containers'
/// processes that have the same number.
inline constexpr int kMaxTsmEntries = 256;
/// Certificates of one PEM chain: Intel's have two or three.
inline constexpr std::size_t kMaxChainCertificates = 8;
/// One DER certificate of Intel's chains; they have 1.3 KB or less.
inline constexpr std::size_t kMaxChainCertificateBytes = 8 * 1024;
/// The name of a cloud provider in a VLEK certificate: AMD's have a word or two.
inline constexpr std::size_t kMaxSnpProviderBytes = 128;
/// One GPU's SPDM report: 255 measurement blocks of 55 bytes and opaque data have 15 KB; today's
/// have 4 KB.
inline constexpr std::size_t kMaxGpuReportBytes = 32 * 1024;
/// GPUs of one node: the largest boards have 16.
inline constexpr std::size_t kMaxGpus = 32;
/// A GPU evidence file as JSON, in base64: 32 reports and chains of 8 KB each, with room.
inline constexpr std::size_t kMaxGpuEvidenceBytes = 2 * 1024 * 1024;
/// Digests that one measurement may have in a measurement set: NVIDIA's manifests have up to 4.
inline constexpr std::size_t kMaxGpuAlternatives = 64;
/// A measurement set as text, or the XML that it is made of: 255 measurements with four
/// alternatives have 100 KB, today's XML 21 KB.
inline constexpr std::size_t kMaxGpuMeasurementsBytes = 256 * 1024;
/// What NVIDIA's service answers about a manifest: JSON with the XML in base64.
inline constexpr std::size_t kMaxRimAnswerBytes = 2 * kMaxGpuMeasurementsBytes;
/// A RIM id: NVIDIA's have 30 to 50 characters.
inline constexpr std::size_t kMaxRimIdBytes = 128;
/// An OCSP answer about one certificate, with the certificates of who signed it: 2 KB, or 8 with
/// RSA.
inline constexpr std::size_t kMaxOcspAnswerBytes = 64 * 1024;
/// From a question to NVIDIA's services to the whole answer; they take a second.
inline constexpr Seconds kNvidiaDeadline{30};
/// Measurement sets that a worker shows beside its GPUs' evidence: a driver and a VBIOS for each of
/// two kinds of board, and as many again while both are updated.
inline constexpr std::size_t kMaxGpuSets = 8;
/// A worker's GPU evidence as it travels: NVML hands out 13 KB per GPU at most, 32 of them have
/// 416 KB, and sets of today's size have 6 KB each.
inline constexpr std::size_t kMaxGpuBundleBytes = 512 * 1024;
/// What a node shows: its certificate, and behind it the evidence of its GPUs.
inline constexpr std::size_t kMaxShownEvidenceBytes = kMaxLeafCertificateBytes + kMaxGpuBundleBytes;
/// Evidence that a proxy puts into a client's connection in one turn: a client that starts asks for
/// some 60 workers of 16 GPUs at once. Beyond that one is asking without reading.
inline constexpr std::size_t kMaxEvidencePerTurnBytes = 16 * 1024 * 1024;
/// TCB info or QE identity as text. Intel's largest has about 20 KB.
inline constexpr std::size_t kMaxCollateralJsonBytes = 256 * 1024;
/// A DER revocation list: room for 25,000 entries of 40 bytes.
inline constexpr std::size_t kMaxCrlBytes = 1024 * 1024;
/// A collateral.json with everything in it: two lists in hex, two documents, chains.
inline constexpr std::size_t kMaxCollateralFileBytes = 6 * 1024 * 1024;
/// Platforms (FMSPC, CA, TEE) whose collateral a node holds: far more than Intel has products with
/// SGX or TDX; about 200 KiB each.
inline constexpr std::size_t kMaxCollateralPlatforms = 256;
/// Peers that may wait for collateral, all platforms together: as many as may wait for a verifier.
inline constexpr std::size_t kMaxCollateralWaiters = kMaxQueuedVerifications;
/// How long a peer waits for the collateral of a new platform. Intel's service takes a second; the
/// rest of kAdmissionDeadline is for the verifier. The fetch goes on, for the peer's next attempt.
inline constexpr Seconds kCollateralPatience{10};
/// Collateral is got anew after so long, or after half of what is left of it, if that is less.
/// Intel issues it daily, so a new TCB recovery is known within two days.
inline constexpr Seconds kCollateralRefresh{24 * 3600};
/// The same for collateral of unknown age, from a file: soon, and not by all nodes at once.
inline constexpr Seconds kCollateralRecheck{600};
/// The first and longest wait after a failure; doubled each time, with jitter. Refused peers come
/// again and ask again: a service that has recovered should be noticed soon.
inline constexpr Seconds kCollateralRetryFirst{5};
inline constexpr Seconds kCollateralRetryLongest{300};
/// Connections to the service: two platforms' four questions at once.
inline constexpr std::size_t kCollateralConnections = 8;
/// A boot event log. Firmware reserves 64 to 256 KiB.
inline constexpr std::size_t kMaxEventLogBytes = 1024 * 1024;
/// The events of one among a node's claims: a cloud guest's have 18 KiB, and the certificate has to
/// hold a quote beside them.
inline constexpr std::size_t kMaxClaimedEventLogBytes = 32 * 1024;
/// A guest's firmware: OVMF has 2 to 4 MiB, and QEMU takes 8 MiB unless told otherwise.
inline constexpr std::size_t kMaxFirmwareBytes = 16 * 1024 * 1024;
/// Sections of its TDX metadata: OVMF's have six or seven, td-shim's a dozen.
inline constexpr std::size_t kMaxFirmwareSections = 64;
/// Memory that these sections fill at a guest's start, all together: OVMF's have 4 MiB. We hash
/// 1.5 bytes for each.
inline constexpr std::size_t kMaxFirmwareMemoryBytes = 64 * 1024 * 1024;
/// A kernel as an EFI program: distributions' have 8 to 20 MiB, with an initrd inside ten times
/// that.
inline constexpr std::size_t kMaxKernelBytes = 256 * 1024 * 1024;
/// Sections of such a program: kernels have four to six, unified images a dozen.
inline constexpr std::size_t kMaxKernelSections = 96;
/// An initrd, held in memory as a whole. One with drivers for GPUs has 200 MiB.
inline constexpr std::size_t kMaxInitrdBytes = 1024 * 1024 * 1024;
/// A kernel's command line: Linux takes 2,047 characters on x86 (COMMAND_LINE_SIZE).
inline constexpr std::size_t kMaxCommandLineBytes = 2047;
/// Parsed certificates and checked signatures that a verifier keeps: a proxy's 10,000 workers with
/// a PCK certificate each, twice.
inline constexpr std::size_t kMaxCachedCertificates = 20'000;
/// Models that one node may claim in its evidence; with the longest ids they fill 16 KiB.
inline constexpr std::size_t kMaxClaimedModels = 64;
/// Age of the ledger beacon in evidence: a certificate's lifetime and an hour of slack.
inline constexpr Seconds kMaxBeaconAge{25 * 3600};

// --- Billing (economics.md) ---

/// Images or GPU measurement sets of a kind: releases of some years, each in some variants.
inline constexpr std::size_t kMaxRegistryImages = 1024;
/// Models of the registry; with the longest ids the list has 1 MiB.
inline constexpr std::size_t kMaxRegistryModels = 4096;
/// Ten times the number of proxies that we design for.
inline constexpr std::size_t kMaxRegistryProxies = 1024;
/// "host:port" with the longest host name, brackets and the longest port.
inline constexpr std::size_t kMaxEndpointBytes = 262;
/// Longest delay that a registry may set: funds locked for longer are as good as lost, and times
/// that are computed with it stay in range.
inline constexpr Seconds kMaxCloseDelay{90 * 24 * 3600};
/// Path of a receipt under its batch's root: a batch is what completes in one turn of a loop, far
/// below 65,536.
inline constexpr std::size_t kMaxReceiptPath = 16;

// --- TON (ton/) ---

/// Largest bag of cells: a block of the main net has 2 MiB at most, with its proofs twice that.
inline constexpr std::size_t kMaxBocBytes = 16 * 1024 * 1024;
/// Cells of one bag. Blocks have up to 100,000; a cell costs us about 200 bytes, so the smallest
/// hostile cells (three bytes each) make us hold 50 MiB at most.
inline constexpr std::size_t kMaxBocCells = 256 * 1024;
/// Roots of one bag: proofs have two, lists of transactions some hundred.
inline constexpr std::size_t kMaxBocRoots = 1024;
/// Entries that one walk through a dictionary reports. A few shared cells can spell 2^256 entries;
/// real ones are 10,000 workers of a proxy, or 4,096 models.
inline constexpr std::size_t kMaxDictEntries = 64 * 1024;
/// Validators of one set: the network's parameter allows 1,000 (ConfigParam 16).
inline constexpr std::size_t kMaxTonValidators = 1024;

// --- TLS (protocol.md "Transport") ---

/// Ciphertext that waits in an endpoint before it asks for a pause. While a peer is unverified
/// nothing is opened, so this is what an eager peer can make us hold: one frame.
inline constexpr std::size_t kTlsInputHighWater = 64 * 1024;
/// Where the connection fails: the caller kept feeding an endpoint that had asked for a pause. The
/// high water mark and one more read of the size that sockets give.
inline constexpr std::size_t kMaxTlsInputBytes = 256 * 1024;
/// Ciphertext waiting to be sent over which an endpoint asks for a pause in reading: a peer that
/// never reads must not make us answer without end (TLS 1.3 key updates demand answers).
inline constexpr std::size_t kTlsOutputHighWater = 1024 * 1024;

/// Extensions of a certificate that parse_certificate() lists: real ones have about ten.
inline constexpr int kMaxCertificateExtensions = 64;

// --- Files (store/, ledger/) ---

/// A node's store: far above 10,000 channels and workers at a few hundred bytes each. Keeps a fault
/// from filling the disk.
inline constexpr std::uint64_t kMaxStoreBytes = std::uint64_t{4} << 30;
/// How long one process waits for another's transaction on a shared ledger file. They take
/// milliseconds; a disk that is flushing takes seconds.
inline constexpr Millis kFileBusyTimeout{15'000};
/// Calls to the ledger that wait for its thread: every channel and worker of a proxy at start-up.
inline constexpr std::size_t kMaxLedgerCalls = 32'768;
/// How often the local ledger's file is looked at for changes by others: a removal from the
/// registry must reach streams within 30 s, and a look costs microseconds.
inline constexpr Millis kLedgerPollInterval{500};

// --- The ledger on TON (ledger/ton/) ---

/// One answer of an HTTP API: the data of a proxy contract that has paid 10,000 workers is 0.8 MiB
/// in base64, with as much again for growth and code.
inline constexpr std::size_t kMaxTonAnswerBytes = 4 * 1024 * 1024;
/// Values and keys of such an answer: accounts have about 30, block headers 60.
inline constexpr std::size_t kMaxTonAnswerNodes = 2048;
/// What we repeat of an API's own words in an error.
inline constexpr std::size_t kMaxTonErrorBytes = 256;
/// Endpoints of one node: more are no safer, only harder to keep right.
inline constexpr std::size_t kMaxTonEndpoints = 16;
/// Longest URL and API key of an endpoint; real ones have 50 and 64 characters.
inline constexpr std::size_t kMaxTonUrlBytes = 1024;
inline constexpr std::size_t kMaxTonApiKeyBytes = 256;
/// Connections to all endpoints together: their rates are the bound, not these.
inline constexpr std::size_t kTonConnections = 16;
/// From a question to an endpoint to its whole answer; toncenter itself gives up after 10 s.
inline constexpr Seconds kTonAnswerDeadline{15};
/// How long a question may wait for its turn (rate limits, endpoints that rest) and its answer.
inline constexpr Seconds kTonPatience{60};
/// Questions that wait for their turn: every channel of a proxy at start-up.
inline constexpr std::size_t kMaxTonQuestions = kMaxLedgerCalls;
/// First and longest rest of an endpoint that failed; doubled each time. With a second endpoint
/// nobody notices; a single one is asked again soon.
inline constexpr Millis kTonRestFirst{500};
inline constexpr Millis kTonRestLongest{60'000};
/// Rest of an endpoint that answered 429 without saying how long, and the most that it may ask for.
inline constexpr Seconds kTonRateRest{2};
inline constexpr Seconds kTonRateRestLongest{300};
/// Requests per second to one endpoint where nothing is set: toncenter's own limit without a key is
/// 1, with a free key 10.
inline constexpr double kTonRateWithoutKey = 1;
inline constexpr double kTonRateWithKey = 10;
/// By how much an endpoint may be behind what another one has shown: endpoints follow the chain at
/// their own pace, a dozen blocks apart at the worst.
inline constexpr Seconds kTonLag{60};
/// By how much the ledger's time may differ from this machine's, either way: an API that is further
/// behind shows the past, one that is ahead lies, or this machine's clock is wrong.
inline constexpr Seconds kTonClockTolerance{300};
/// Accounts whose newest state is remembered (40 bytes each), to notice answers that go backwards.
inline constexpr std::size_t kMaxTonAccounts = 64 * 1024;

/// Messages in one signed transfer. The wallet allows 255; the network takes external messages of
/// up to 64 KiB, and each of ours has about 400 bytes.
inline constexpr std::size_t kMaxTonBatch = 64;
/// Messages that wait in a node's wallet.
inline constexpr std::size_t kMaxTonOrders = kMaxLedgerCalls;
/// How long a signed transfer is good for, by the ledger's clock: a dozen blocks, and the lag of
/// the API that told us the time.
inline constexpr Seconds kTonTransferLifetime{90};
/// A transfer that is not carried is sent again so often, until it expires: to other endpoints too,
/// as the one that took it may have dropped it.
inline constexpr Seconds kTonResend{10};
/// How often a wallet with a transfer under way, or a write that waits for its effect, reads the
/// state again: about a block.
inline constexpr Millis kTonPoll{3000};
/// How long a write waits for its effect once the wallet has sent it: two or three hops take some
/// seconds each, a busy network a minute.
inline constexpr Seconds kTonEffectPatience{120};
/// What is attached to each message for gas and forwarding; the rest comes back. Ten times what the
/// dearest costs (docs/contracts.md "What it costs"), so that contracts whose rent is used up, and
/// a network whose prices have risen, are paid for, too.
inline constexpr std::uint64_t kTonMessageNano = 200'000'000;
/// What a wallet keeps for its own fees beside what its messages bring.
inline constexpr std::uint64_t kTonWalletReserveNano = 20'000'000;
/// Channels of one client with one proxy that are looked for, one after the other: each was closed
/// before the next was opened.
inline constexpr std::uint32_t kMaxTonChannelsPerPair = 256;
/// How often the root is read: a removal must reach streams within 30 s.
inline constexpr Seconds kTonRegistryPoll{10};
/// Keepers whose keys may be pinned.
inline constexpr std::size_t kMaxRegistryKeepers = 32;
/// A signed snapshot: the largest registry (1,024 entries in three lists, 4,096 models and 1,024
/// proxies with the longest texts) and all keepers' signatures.
inline constexpr std::size_t kMaxRegistrySnapshotBytes = 2 * 1024 * 1024;
/// How long a node works with what it last read of the registry where nothing is set: a
/// certificate's lifetime, after which it could not show itself to anybody anyway.
inline constexpr Seconds kRegistryMaxAge{24 * 3600};

// --- Cryptography ---

/// Leaves of a Merkle tree that a verifier accepts: a hundred directories of the largest size we
/// design for (10,000 workers). Bounds a path to 20 hashes.
inline constexpr std::uint64_t kMaxMerkleLeaves = 1 << 20;

// --- Sockets and loop (io/) ---

/// Scratch memory for reads, one per role: a system call's worth at loopback speed.
inline constexpr std::size_t kSocketReadBytes = 64 * 1024;
/// Reads of one connection before the others of the turn get their share.
inline constexpr int kMaxReadsPerTurn = 4;
/// Unsent bytes at which a connection reports pressure, and at which it reports relief: a stream's
/// credit, and the quarter of it that keeps the socket busy until the producer has woken up.
inline constexpr std::size_t kWriteHighBytes = kStreamCreditBytes;
inline constexpr std::size_t kWriteLowBytes = kStreamCreditBytes / 4;
/// Connections that the kernel queues for a listener; Linux caps it at net.core.somaxconn.
inline constexpr int kListenBacklog = 1024;
/// Connections accepted in one turn before others get their share.
inline constexpr int kMaxAcceptsPerTurn = 64;
/// Pause of a listener after the process has run out of descriptors: long enough not to spin,
/// short against a client's connect timeout.
inline constexpr Millis kAcceptBackOff{100};
inline constexpr Seconds kConnectDeadline{10};
/// From the end of a TLS handshake to the verdict on the peer: a full verification queue ahead of
/// it and a fetch of collateral.
inline constexpr Seconds kAdmissionDeadline{30};
/// Connections of one HTTP client: more than the engine of a worker runs at once.
inline constexpr std::size_t kHttpClientConnections = 256;
/// Bytes of an HTTP answer that are held while its consumer pauses; the rest stays in the kernel.
inline constexpr std::size_t kHttpInboxBytes = 64 * 1024;
/// What libcurl reads at once: most answers that an engine has ready as a whole.
inline constexpr std::size_t kHttpReadBytes = 32 * 1024;
/// libcurl's handles that are kept between requests, 40 KiB each.
inline constexpr std::size_t kIdleHttpHandles = 32;
/// Idle time after which a kept HTTP connection is not used again: less than the 5 s after which
/// uvicorn (vLLM, SGLang) closes it, so that a request does not meet the closing.
inline constexpr Seconds kHttpKeepIdle{4};
// --- The inference engine (engine/) ---

/// A probe of an engine: it answers from memory, so silence means that it is busy or hangs.
inline constexpr Seconds kEngineProbeDeadline{5};
/// Between two probes of an engine that is ready, and at most of one that is not.
inline constexpr Seconds kEngineProbeInterval{5};
/// First pause after a failed probe; it doubles. Short, because a machine's start-up waits for it.
inline constexpr Millis kEngineProbeFirstRetry{100};
/// Answer to GET /v1/models: hundreds of models with their permissions.
inline constexpr std::size_t kMaxModelListBytes = 1024 * 1024;

// --- Names ---

/// RFC 1035 section 2.3.4.
inline constexpr std::size_t kMaxHostNameBytes = 255;
/// sockaddr_un::sun_path on Linux, less the terminating zero.
inline constexpr std::size_t kMaxUnixPathBytes = 107;

// --- The HTTP gateway (gateway/) ---

/// From the first byte of a request's head to its end: a head is one packet or two, so who needs
/// longer holds a connection on purpose.
inline constexpr Seconds kHttpHeadDeadline{10};
/// From the end of the head to the end of the body: the largest body at 1 Mbit/s, twice.
inline constexpr Seconds kHttpBodyDeadline{120};
/// An open connection without a request. Longer than the idle times of client libraries, so that
/// they close first and no request meets our closing.
inline constexpr Seconds kHttpIdleDeadline{75};
/// A caller that takes nothing for so long while its output waits has gone.
inline constexpr Seconds kHttpStalledDeadline{300};
/// What a caller may send ahead while its request is being answered; then it is read no further.
inline constexpr std::size_t kMaxPipelinedBytes = 64 * 1024;
/// An answer that is not a stream is held up to this size, so that its cost stands in a header.
inline constexpr std::size_t kMaxHeldAnswerBytes = 256 * 1024;
/// Bodies being received, all connections together: eight of the largest setting.
inline constexpr std::size_t kMaxReceivedBodiesBytes = 8 * kHighestMaxRequestBytes;
/// Headers that a preflight may ask for: those of the openai package are 300 bytes.
inline constexpr std::size_t kMaxPreflightHeaderBytes = 1024;

// --- Configuration files (config/) ---

/// Largest configuration file: one that lists the platform ids of 100,000 machines.
inline constexpr std::size_t kMaxConfigBytes = 4 * 1024 * 1024;
/// A drain longer than the longest request only keeps a dead process alive.
inline constexpr Seconds kMaxDrain{3600};
/// Longest collateral age that can be demanded; Intel's own validity is 30 days.
inline constexpr Seconds kMaxCollateralAge{366 * 24 * 3600};
/// Smallest setting of the largest request body: a short prompt with its tools still fits.
inline constexpr std::size_t kLowestMaxRequestBytes = 1024;
/// Most peers or callers that one process can be set to hold: half of the 20,000 descriptors that
/// a process has by default on the systems we know.
inline constexpr std::uint32_t kMaxConnectionsSetting = 10'000;
/// Most requests at once that a worker's engine, or one client of a proxy, can be allowed.
inline constexpr std::uint32_t kMaxRequestsSetting = 4096;
/// Requests a second of one client: more is no bound.
inline constexpr std::uint32_t kMaxRateSetting = 1'000'000;

}  // namespace cocoon::limits
