// modules: session
// covers: libcocoon/session/request_opener.cpp libcocoon/session/sealing_keys.cpp
// libcocoon/session/replay_table.cpp
/// @file What a worker makes of sealed requests. The first byte of the input chooses who is
/// hostile: a proxy that changes what a client has sealed, a client that seals another body than it
/// announces, or one that seals under any header; or what is tried is the worker's memory: its keys
/// as time passes, and the requests that it has seen.

#include <algorithm>
#include <map>

#include "crypto/hash.h"
#include "fuzz/require.h"
#include "unit/session/fixtures.h"

namespace {

using namespace cocoon;
using namespace cocoon::session;
using fuzz::require;
using test::Carried;
using test::Network;

/// One for all inputs, because its keys and exporter secrets cost public-key work; of the last
/// input it forgets the time, the random bytes and the requests.
Network& fresh_network() {
  static Network net;
  net.now = test::at_second(100);
  net.random = test::SeededRandom(2);
  for (test::Worker& worker : net.workers) worker.replays = ReplayTable();
  return net;
}

std::string code_of(const Status& status) {
  return status ? "" : std::string(status.error().code());
}

// --- A hostile proxy ---

void flip(Bytes& bytes, std::size_t at, std::uint8_t by) {
  if (!bytes.empty()) bytes[at % bytes.size()] ^= by;
}

void change(Carried& c, Network& net, ByteReader& in) {
  const std::uint8_t what = in.u8();
  const std::uint16_t at = in.u16be();
  const std::uint8_t by = in.u8();
  if (what % 8 == 0) return flip(c.header, at, by);
  if (what % 8 == 1) return flip(c.wraps[what / 8 % c.wraps.size()], at, by);
  if (what % 8 == 2) return c.wraps[what / 8 % c.wraps.size()].resize(at % 256);
  if (what % 8 == 3) return c.wraps.front().swap(c.wraps.back());
  if (what % 8 == 4) {
    net.now.unix += Millis(at) * by;
    return;
  }
  if (c.chunks.empty()) return;
  const auto chunk = c.chunks.begin() + what / 8 % static_cast<std::ptrdiff_t>(c.chunks.size());
  if (what % 8 == 5) return flip(*chunk, at, by);
  if (what % 8 == 6) return chunk->resize(by < 128 ? at : chunk->size() + by - 127);
  if (by % 3 == 0) {
    c.chunks.erase(chunk);
  } else if (by % 3 == 1) {
    c.chunks.insert(c.chunks.begin() + at % static_cast<std::ptrdiff_t>(c.chunks.size() + 1),
                    Bytes(*chunk));
  } else {
    std::swap(*chunk, c.chunks[at % c.chunks.size()]);
  }
}

/// Whatever came in it: the first failure is for good, and there is no body before the end.
std::string feed(RequestOpener& opener, const std::vector<Bytes>& chunks) {
  for (const Bytes& chunk : chunks) {
    require(opener.complete() || opener.body().empty());
    const std::string code = code_of(opener.add_chunk(chunk));
    if (code.empty()) continue;
    require(code == "bad_body_chunk" || code == "bad_body_length");
    for (const Bytes& more : chunks) require(code_of(opener.add_chunk(more)) == "bad_body_chunk");
    return code;
  }
  require(opener.complete() || opener.body().empty());
  return "";
}

/// The worker's answer opens with the answer key of its own candidate only.
void check_answer(const SealedRequest& request, const RequestOpener& opener) {
  AnswerSealer sealer = opener.answer(RunId{{1}});
  require(sealer.add_head({.status = 200}));
  Bytes chunk;
  sealer.flush(chunk);
  for (std::size_t i = 0; i < request.candidates(); ++i) {
    require(request.answer(i).open(chunk).has_value() == (i == opener.candidate()));
  }
}

void hostile_proxy(ByteReader in) {
  Network& net = fresh_network();
  const std::size_t candidates = in.u8() % 3 + 1u;
  const std::size_t candidate = in.u8() % candidates;
  const std::string body(in.u16be(), 'b');
  const SealedRequest request = net.seal(body, candidates);
  const Carried good = test::carry(request);
  Carried given = good;
  for (int changes = 0; in.remaining() >= 4 && changes < 8; ++changes) change(given, net, in);

  auto opener = net.open(given, candidate, candidate);
  const bool in_time =
      net.now.unix <= test::at_second(100).unix + Seconds(300) + limits::kClockSkew;
  const bool opens =
      in_time && given.header == good.header && given.wraps[candidate] == good.wraps[candidate];
  require(opener.has_value() == opens);
  require(net.workers[candidate].replays.size() == (opens ? 1 : 0));
  if (!opener) return;
  require(opener->hash() == request.hash() && opener->candidate() == candidate);
  require(encode_request_header(opener->header()).value() == good.header);
  require(net.open(given, candidate, candidate).error().code() == "replayed_request");

  const std::string failure = feed(*opener, given.chunks);
  const bool intact = given.chunks == good.chunks;
  require((failure.empty() && opener->complete()) == intact ||
          (given.chunks.size() > good.chunks.size() &&
           std::equal(good.chunks.begin(), good.chunks.end(), given.chunks.begin())));
  if (!intact) return;
  require(as_text(opener->body()) == body);
  require(opener->body_digest() == crypto::sha256(as_bytes(body)));
  check_answer(request, *opener);
  // A request that no engine has begun may be tried again.
  net.workers[candidate].replays.forget(opener->hash());
  require(net.receive(given, candidate, candidate).has_value());
}

// --- A hostile client ---

struct Wrapped {
  Bytes wrap;
  crypto::Secret<kWrapSecretBytes> secrets;
};

Wrapped wrap_for(Network& net, const RequestHash& hash) {
  Wrapped out;
  net.random.fill(out.secrets.writable());
  out.wrap = net.exporters.seal(net.workers[0].recipient(), hash, out.secrets, net.random, net.now)
                 .value();
  return out;
}

/// A body of a client that cuts, ends and fills as it likes.
struct Sealing {
  Bytes plaintext;
  std::size_t cut = 1;
  bool ends = true;         // its last chunk is sealed as the last
  bool ends_twice = false;  // so is its first
};

std::vector<Bytes> seal(const Sealing& s, const crypto::Secret<32>& key) {
  std::vector<Bytes> out;
  Bytes chunk;
  std::optional<crypto::StreamSealer> stream;
  for (std::size_t at = 0; at < s.plaintext.size() || out.empty();) {
    if (!stream) {
      stream.emplace(key);
      if (out.empty()) append(chunk, stream->header());
    }
    const std::size_t size = std::min(s.cut, s.plaintext.size() - at);
    const bool last = at + size == s.plaintext.size();
    const bool final = (last && s.ends) || (out.empty() && s.ends_twice);
    require(stream
                ->seal(ByteView(s.plaintext).subspan(at, size), {},
                       final ? crypto::Chunk::final : crypto::Chunk::more, chunk)
                .has_value());
    if (final) stream.reset();
    out.push_back(std::exchange(chunk, {}));
    at += size;
  }
  return out;
}

/// The one plaintext for `body`.
Bytes padded(ByteView body) {
  Bytes out = ByteWriter().u32be(static_cast<std::uint32_t>(body.size())).bytes(body).take();
  out.resize(padded_body_length(body.size()));
  return out;
}

Sealing read_sealing(ByteReader& in, std::size_t announced) {
  Sealing s;
  const std::uint8_t flags = in.u8();
  s.ends = (flags & 1) == 0;
  s.ends_twice = (flags & 2) != 0;
  s.cut = (flags & 4) != 0 ? in.u16be() + std::size_t{1} : kMaxChunkPlaintext;
  const std::size_t size = (flags & 8) != 0 ? in.u16be() : announced;
  // Where the body is to be long, its length is named and its bytes are not in the input.
  const std::size_t length = (flags & 16) != 0 ? in.u16be() : in.remaining();
  s.plaintext = ByteWriter().u32be(static_cast<std::uint32_t>(length)).take();
  s.plaintext.resize(4 + std::min<std::size_t>(length, UINT16_MAX), 'b');
  const ByteView given = in.rest();
  std::copy_n(given.begin(), std::min(given.size(), s.plaintext.size()), s.plaintext.begin());
  s.plaintext.resize(size);
  s.cut = std::max(s.cut, s.plaintext.size() / 64 + 1);  // at most 64 chunks
  return s;
}

void hostile_client(ByteReader in) {
  Network& net = fresh_network();
  RequestHeader header = net.header();
  header.request_id = net.random.array<16>();
  header.candidates = {net.workers[0].keys.id()};
  header.padded_body_length = request_class(in.u16be());
  const Sealing sealing = read_sealing(in, header.padded_body_length);
  Carried given{.header = encode_request_header(header).value()};
  const RequestHash hash = request_hash(given.header);
  const Wrapped wrapped = wrap_for(net, hash);
  given.wraps.push_back(wrapped.wrap);
  given.chunks = seal(sealing, crypto::hkdf_key(wrapped.secrets.view().first<32>(), {},
                                                {hash.view(), as_bytes("request")}));

  RequestOpener opener = net.open(given, 0, 0).value();
  const std::string failure = feed(opener, given.chunks);
  const bool one_chunk = sealing.plaintext.size() <= kMaxChunkPlaintext;
  // As the rules have it: only then may the body be taken.
  const bool cut_well =
      sealing.cut == kMaxChunkPlaintext || (one_chunk && sealing.cut >= sealing.plaintext.size());
  const bool ends_well =
      one_chunk ? sealing.ends || sealing.ends_twice : sealing.ends && !sealing.ends_twice;
  if (!opener.complete()) {
    const ByteView bytes(sealing.plaintext);
    const std::size_t length = ByteReader(bytes).u32be();
    const bool sound = cut_well && ends_well && bytes.size() == header.padded_body_length &&
                       length + 4 <= bytes.size() &&
                       padded(bytes.subspan(4, length)) == sealing.plaintext;
    require(!sound && opener.body().empty());
    // An end that comes too early is seen as it comes, not when nothing follows.
    require(!failure.empty() || (!sealing.ends && !sealing.ends_twice));
    return;
  }
  const std::size_t announced = header.padded_body_length;
  require(padded(opener.body()) ==
          Bytes(sealing.plaintext.begin(),
                sealing.plaintext.begin() + static_cast<std::ptrdiff_t>(announced)));
  // What comes after a whole body is refused.
  const bool more = sealing.plaintext.size() > announced;
  require(failure.empty() != more && (more || (cut_well && ends_well)));
}

// --- Any header ---

/// The worker's own rules for a header that decodes, in no order.
bool admits(const RequestHeader& h, std::size_t candidate, const OpenPolicy& policy,
            const Network& net) {
  const auto ahead = h.not_after - net.now.unix;
  return h.network == policy.network && h.proxy == policy.proxy && ahead >= -limits::kClockSkew &&
         ahead <= limits::kMaxNotAfter + limits::kClockSkew && candidate < h.candidates.size() &&
         h.candidates[candidate] == net.workers[0].keys.id() &&
         h.padded_body_length <= request_class(4 + policy.max_body_bytes);
}

void any_header(ByteReader in) {
  Network& net = fresh_network();
  OpenPolicy policy = net.policy();
  policy.max_body_bytes = in.u32be() % (limits::kHighestMaxRequestBytes + 1);
  const std::uint8_t candidate = in.u8();
  const std::uint8_t flags = in.u8();
  RequestHeader header = net.header();
  header.not_after = test::at_second(100).unix + Seconds(in.u16be()) - Seconds(1000);
  header.padded_body_length = request_class(in.u32be() % limits::kHighestMaxRequestBytes);
  for (int i = 0; i < flags % 4; ++i) {
    header.candidates.push_back(i == flags / 4 % 4 ? net.workers[0].keys.id()
                                                   : net.workers[1].keys.id());
  }
  auto encoded = encode_request_header(header);
  Bytes bytes = encoded ? std::move(encoded).value() : Bytes();
  for (ByteView flips = in.rest(); flips.size() >= 3; flips = flips.subspan(3)) {
    flip(bytes, std::size_t{flips[0]} << 8 | flips[1], flips[2]);
  }

  const auto decoded = decode_request_header(bytes);
  const RequestHash hash = request_hash(bytes);
  const Wrapped wrapped = wrap_for(net, hash);
  ReplayTable& replays = net.workers[0].replays;
  const auto opener = open_request(bytes, wrapped.wrap, candidate, policy, net.workers[0].keys,
                                   replays, net.now.unix);
  require(opener.has_value() == (decoded && admits(*decoded, candidate, policy, net)));
  require(replays.size() == (opener ? 1 : 0));
  if (!opener) {
    require(!opener.error().detail().empty());
    return;
  }
  require(opener->header() == *decoded && opener->hash() == hash && !opener->complete());
  Bytes altered = wrapped.wrap;
  flip(altered, bytes.back(), 1);
  replays.forget(hash);
  const auto refused =
      open_request(bytes, altered, candidate, policy, net.workers[0].keys, replays, net.now.unix);
  require(!refused && refused.error().code() == "bad_wrap" && replays.size() == 0);
}

// --- Keys as time passes ---

struct Kept {
  SealingKeyId key;
  RequestHash hash;
  Wrapped wrapped;
  MonoTime key_made{};
};

void keys_over_time(ByteReader in) {
  Network& net = fresh_network();
  Now now = net.now;
  SealingKeys keys(net.id, net.random, now);
  ExporterCache exporters(net.id);
  MonoTime made = now.mono;
  std::vector<Kept> kept;
  for (int steps = 0; in.remaining() >= 2 && steps < 24; ++steps) {
    const std::uint8_t what = in.u8();
    const std::uint8_t by = in.u8();
    if (what % 4 == 0) {
      now.mono += Seconds(60) * by;
      now.unix += Seconds(60) * by;
      const bool due = now.mono >= made + limits::kSealingKeyRotation;
      const SealingKeyId before = keys.id();
      require(keys.maintain(net.random, now) == due && (keys.id() != before) == due);
      if (due) made = now.mono;
      require(keys.next_rotation() > now.mono);
    } else if (what % 4 == 1 && kept.size() < 8) {
      Kept one{keys.id(), RequestHash{net.random.array<32>()}, {}, made};
      net.random.fill(one.wrapped.secrets.writable());
      one.wrapped.wrap = exporters
                             .seal({keys.public_key(), keys.not_after()}, one.hash,
                                   one.wrapped.secrets, net.random, now)
                             .value();
      kept.push_back(std::move(one));
    } else if (!kept.empty()) {
      const Kept& one = kept[what / 4 % kept.size()];
      Bytes wrap = one.wrapped.wrap;
      if (what % 4 == 3) flip(wrap, by, 1);
      const auto opened = keys.open_wrap(one.key, wrap, one.hash);
      // Each is wiped when its time is over, however many came after it.
      const bool held = now.mono < one.key_made + limits::kSealingKeyLifetime + limits::kClockSkew;
      require(keys.holds(one.key) == held);
      require(opened.has_value() == (held && what % 4 != 3));
      require(!opened || equal_public(opened->view(), one.wrapped.secrets.view()));
      require(opened || opened.error().code() == (held ? "bad_wrap" : "unknown_sealing_key"));
    }
  }
}

// --- The requests that were seen ---

void replays(ByteReader in) {
  constexpr std::size_t kCapacity = 4;
  ReplayTable table(kCapacity);
  std::map<std::uint8_t, UnixTime> model;  // until when each is remembered
  UnixTime latest{};
  while (in.remaining() >= 4) {
    const std::uint8_t number = in.u8() % 8;
    RequestHash hash;
    hash.bytes[0] = number;
    const std::uint8_t what = in.u8();
    if (what % 8 == 0) {
      table.forget(hash);
      model.erase(number);
      continue;
    }
    const UnixTime now = unix_seconds(1'700'000'000 + in.u8());
    const UnixTime not_after = now + Seconds(in.u8()) - Seconds(100);
    latest = std::max(latest, now);
    std::erase_if(model, [latest](const auto& one) { return one.second < latest; });
    const std::string code = code_of(table.add(hash, not_after, now));
    if (not_after + limits::kClockSkew < latest) {
      require(code == "request_expired");
    } else if (model.contains(number)) {
      require(code == "replayed_request");
    } else if (model.size() == kCapacity) {
      require(code == "replay_table_full");
    } else {
      require(code.empty());
      model.emplace(number, not_after + limits::kClockSkew);
    }
    require(table.size() == model.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  require(crypto::initialise().has_value());
  const ByteReader in(ByteView(data + 1, size - 1));
  switch (data[0] % 5) {
    case 0: hostile_proxy(in); break;
    case 1: hostile_client(in); break;
    case 2: any_header(in); break;
    case 3: keys_over_time(in); break;
    default: replays(in);
  }
  return 0;
}
