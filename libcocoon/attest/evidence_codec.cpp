#include <fmt/format.h>

#include <set>

#include "attest/evidence.h"
#include "codec/cbor.h"
#include "crypto/hash.h"

namespace cocoon::attest {

namespace {

constexpr std::uint64_t kSha256 = 1;
/// The longest unix time that fits UnixTime: the year 9999.
constexpr std::uint64_t kLatestTime = 253'402'300'799;

Error malformed(std::string_view what) {
  return Error(ErrorKind::attestation, "evidence_malformed",
               fmt::format("The evidence is malformed: {}.", what));
}

template <std::size_t N>
ByteArray<N> fixed(cbor::Reader& in) {
  const auto bytes = to_array<N>(in.byte_string());
  if (!bytes) in.fail();
  return bytes.value_or(ByteArray<N>{});
}

std::uint64_t small(cbor::Reader& in, std::uint64_t largest) {
  const std::uint64_t value = in.unsigned_integer();
  if (value > largest) in.fail();
  return in.failed() ? 0 : value;
}

/// Reads a map with text keys, none twice, handing each key's value to `read_value`, which says
/// whether it knew the key; unknown values are passed over. Returns the keys.
template <class ReadValue>
std::set<std::string_view> read_map(cbor::Reader& in, ReadValue read_value) {
  std::set<std::string_view> keys;
  for (std::size_t pairs = in.map(); pairs > 0 && !in.failed(); --pairs) {
    const std::string_view key = in.text_string();
    if (!in.failed() && !keys.insert(key).second) in.fail();
    if (!in.failed() && !read_value(key)) (void)in.skip();
  }
  return keys;
}

EvidenceRole read_role(cbor::Reader& in) {
  const std::string_view name = in.text_string();
  for (const EvidenceRole role : {EvidenceRole::proxy, EvidenceRole::worker}) {
    if (name == to_string(role)) return role;
  }
  in.fail();
  return {};
}

std::vector<std::string> read_models(cbor::Reader& in) {
  const std::size_t count = in.array();
  if (count > limits::kMaxClaimedModels) in.fail();
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    const std::string_view id = in.text_string();
    if (id.empty() || id.size() > limits::kMaxModelIdBytes) in.fail();
    out.emplace_back(id);
  }
  return out;
}

Beacon read_beacon(cbor::Reader& in) {
  Beacon out;
  if (in.array() != 3) in.fail();
  out.row = in.unsigned_integer();
  out.hash = fixed<32>(in);
  out.time = unix_seconds(small(in, kLatestTime));
  return out;
}

std::optional<Claims> read_cocoon(cbor::Reader& in) {
  Claims out;
  const auto keys = read_map(in, [&](std::string_view key) {
    if (key == "role") {
      out.role = read_role(in);
    } else if (key == "network") {
      out.network.bytes = fixed<16>(in);
    } else if (key == "account") {
      out.account.bytes = fixed<32>(in);
    } else if (key == "gpu") {
      out.gpu_evidence = fixed<32>(in);
    } else if (key == "models") {
      out.models = read_models(in);
    } else if (key == "event-log") {
      out.event_log = to_bytes(in.byte_string());
      if (out.event_log.empty() || out.event_log.size() > limits::kMaxClaimedEventLogBytes) {
        in.fail();
      }
    } else if (key == "config") {
      out.config = fixed<32>(in);
    } else if (key == "beacon") {
      out.beacon = read_beacon(in);
    } else {
      return false;
    }
    return true;
  });
  for (const char* required : {"role", "network", "account", "models", "config", "beacon"}) {
    if (keys.count(required) == 0) in.fail();
  }
  return in.failed() ? std::nullopt : std::optional(std::move(out));
}

KeyHash read_key_hash(cbor::Reader& in) {
  cbor::Reader inner(in.byte_string());
  KeyHash out;
  if (inner.array() != 2) inner.fail();
  out.algorithm = inner.unsigned_integer();
  out.digest = to_bytes(inner.byte_string());
  if (!inner.finished()) in.fail();
  return out;
}

Status read_claims(ByteView bytes, Evidence& out) {
  cbor::Reader in(bytes);
  const auto keys = read_map(in, [&](std::string_view key) {
    if (key == "pubkey-hash") {
      out.key_hash = read_key_hash(in);
    } else if (key == "cocoon") {
      out.claims = read_cocoon(in);
    } else {
      return false;
    }
    return true;
  });
  if (!in.finished()) return malformed("its claims are no map of the kind that is expected");
  if (keys.count("pubkey-hash") == 0) return malformed("its claims name no public key");
  return ok();
}

}  // namespace

std::string_view to_string(EvidenceRole role) {
  switch (role) {
    case EvidenceRole::proxy: return "proxy";
    case EvidenceRole::worker: return "worker";
  }
  return "unknown";
}

Bytes encode_claims(const Claims& claims, ByteView spki) {
  // Keys in the order of RFC 8949 section 4.2.1: shorter ones first, then bytewise.
  cbor::Writer cocoon;
  cocoon.map(6u + (claims.gpu_evidence ? 1u : 0u) + (claims.event_log.empty() ? 0u : 1u));
  if (claims.gpu_evidence) cocoon.text_string("gpu").byte_string(*claims.gpu_evidence);
  cocoon.text_string("role").text_string(to_string(claims.role));
  cocoon.text_string("beacon").array(3).unsigned_integer(claims.beacon.row);
  cocoon.byte_string(claims.beacon.hash).unsigned_integer(to_unix_seconds(claims.beacon.time));
  cocoon.text_string("config").byte_string(claims.config);
  cocoon.text_string("models").array(claims.models.size());
  for (const std::string& model : claims.models) cocoon.text_string(model);
  cocoon.text_string("account").byte_string(claims.account.bytes);
  cocoon.text_string("network").byte_string(claims.network.bytes);
  if (!claims.event_log.empty()) cocoon.text_string("event-log").byte_string(claims.event_log);

  const Bytes key_hash =
      cbor::Writer().array(2).unsigned_integer(kSha256).byte_string(crypto::sha256(spki)).take();
  return cbor::Writer()
      .map(2)
      .text_string("cocoon")
      .raw(cocoon.take())
      .text_string("pubkey-hash")
      .byte_string(key_hash)
      .take();
}

Bytes build_evidence_extension(ByteView quote, ByteView claims) {
  return cbor::Writer()
      .tag(kQuoteEvidenceTag)
      .array(2)
      .byte_string(quote)
      .byte_string(claims)
      .take();
}

Result<Evidence> parse_evidence_extension(ByteView value) {
  if (value.size() > limits::kMaxEvidenceBytes) {
    return Error(ErrorKind::too_large, "evidence_too_large",
                 fmt::format("The evidence has {} bytes, and {} are allowed.", value.size(),
                             limits::kMaxEvidenceBytes));
  }
  cbor::Reader in(value);
  const std::uint64_t tag = in.tag();
  if (in.failed()) return malformed("it is not tagged CBOR");
  if (tag != kQuoteEvidenceTag) {
    return Error(ErrorKind::attestation, "evidence_unsupported",
                 fmt::format("The evidence has CBOR tag {}; only {} (a quote) is supported.", tag,
                             kQuoteEvidenceTag));
  }
  Evidence out;
  if (in.array() != 2) return malformed("it is not a pair of quote and claims");
  out.quote = to_bytes(in.byte_string());
  out.claims_bytes = to_bytes(in.byte_string());
  if (!in.finished()) return malformed("it is not a pair of quote and claims");
  COCOON_CHECK(read_claims(out.claims_bytes, out));
  return out;
}

}  // namespace cocoon::attest
