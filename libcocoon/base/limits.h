#pragma once
/// @file Every bound of the product, each with its reason. Nothing else in the tree names a limit
/// of its own: a number that bounds input from outside belongs here.

#include <cstddef>
#include <cstdint>

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

// --- Requests (defaults.md "Wire and limits") ---

inline constexpr std::size_t kDefaultMaxRequestBytes = 8 * 1024 * 1024;
inline constexpr std::size_t kHighestMaxRequestBytes = 32 * 1024 * 1024;
inline constexpr std::size_t kMaxHttpHeaderBytes = 32 * 1024;
inline constexpr std::size_t kMaxJsonDepth = 64;
/// Values and keys of one JSON text. A prompt of a million token ids fits; the tree of a text is
/// bounded by 24 MiB whatever the text.
inline constexpr std::size_t kMaxJsonNodes = 1024 * 1024;
/// Longest model id: fits every registry entry and bounds headers.
inline constexpr std::size_t kMaxModelIdBytes = 256;
inline constexpr Seconds kFirstByteDeadline{120};
inline constexpr Seconds kProgressDeadline{60};
inline constexpr Seconds kRequestDeadline{600};
/// `not_after` may lie at most this far ahead; bounds the worker's replay table.
inline constexpr Seconds kMaxNotAfter{600};
/// Clock difference tolerated between honest machines.
inline constexpr Seconds kClockSkew{30};
/// The proxy keeps a sealed body up to this size until a worker accepts.
inline constexpr std::size_t kMaxHeldBodyBytes = 256 * 1024;
inline constexpr std::size_t kMaxCandidates = 3;
inline constexpr std::size_t kDefaultCandidates = 2;

// --- Evidence (defaults.md, protocol.md "TLS and evidence") ---

inline constexpr std::size_t kMaxEvidenceBytes = 64 * 1024;
/// OpenSSL's own default of about 100 KiB refuses large evidence; this is what one handshake may
/// make us hold.
inline constexpr std::size_t kMaxCertificateChainBytes = 256 * 1024;
inline constexpr Seconds kCertificateLifetime{24 * 3600};
inline constexpr Seconds kHandshakeDeadline{10};

}  // namespace cocoon::limits
