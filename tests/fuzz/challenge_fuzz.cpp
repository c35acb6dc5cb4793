// modules: session
// covers: libcocoon/session/challenge.cpp libcocoon/session/answer_batch.cpp
// libcocoon/attest/challenge.cpp libcocoon/wire/evidence_parts.cpp libcocoon/crypto/merkle.cpp
/// @file The challenge between proxy and worker. The first byte of the input chooses: a game of
/// four ends and whoever stands between them, who may deliver anything to anybody and change it;
/// one honest exchange with one thing changed in it; or a quote that is held against the one that
/// was shown before.

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "attest/quote.h"
#include "base/limits.h"
#include "crypto/hash.h"
#include "fuzz/require.h"
#include "session/answer_batch.h"
#include "session/challenge.h"
#include "wire/codec.h"
#include "wire/frame_splitter.h"

namespace {

using namespace cocoon;
using attest::EvidenceRole;
using fuzz::require;
using session::AnswerBatch;
using session::Challenge;
using session::ChallengeSetting;

Hash filled(std::uint8_t value) {
  Hash out{};
  out.fill(value);
  return out;
}

// --- The game ---

/// A quote: nobody can make one but the machine `node`, and it says over what it was made.
Bytes make_quote(std::uint8_t node, const ByteArray<64>& report_data, std::size_t size) {
  Bytes out = ByteWriter().u8(node).bytes(report_data).take();
  out.resize(std::max(out.size(), size), node);
  return out;
}

/// One end of a connection, with what it must have seen.
struct End {
  End(std::uint8_t bits, std::uint8_t number)
      : node(bits / 4 % 3),
        peer(bits / 16 % 3),
        setting{bits % 2 == 0 ? EvidenceRole::proxy : EvidenceRole::worker, filled(bits / 2 % 2),
                filled(node), filled(peer)},
        nonce(filled(number)),
        challenge(setting, nonce) {}

  std::uint8_t node;  // whose end it is
  std::uint8_t peer;  // whose certificate was shown to it
  ChallengeSetting setting;
  ByteArray<32> nonce;  // drawn by each for itself, so each has its own
  Challenge challenge;
  std::optional<ByteArray<32>> asked;
  std::optional<Bytes> quote;  // to be judged
  EvidenceDigest announced;
  bool accepted = false;
  bool leaf_given = false;
  bool answered = false;
  bool failed = false;
};

class Game {
 public:
  explicit Game(ByteReader in) : in_(in) {
    for (std::uint8_t i = 0; i < 4; ++i) ends_.emplace_back(in_.u8(), i);
  }

  void play() {
    for (int steps = 0; in_.remaining() >= 2 && steps < 100; ++steps) {
      const std::uint8_t op = in_.u8();
      const std::uint8_t which = in_.u8();
      act(op, which, ends_[which % 4]);
      for (const End& end : ends_) check(end);
    }
  }

 private:
  void act(std::uint8_t op, std::uint8_t which, End& end) {
    switch (op % 8) {
      case 0: return know(end.challenge.question());
      case 1: return give_leaf(end, which % 4);
      case 2: return answer_batch(which % 3, which / 3 % 8, op >= 128);
      case 3: return judge(end);
      case 4: {
        if (which >= 128) return batches_[which % 3].forget(which / 3 % 4);
        require(batches_[which % 3].give_up().empty());  // none runs between two steps
        return;
      }
      default: return deliver(end, op);
    }
  }

  void know(const wire::Message& message) {
    if (known_.size() >= 64) return;
    Bytes frame;
    wire::encode(frame, message);
    frame.erase(frame.begin(), frame.begin() + wire::kFramePrefixBytes);
    known_.push_back(std::move(frame));
  }

  void give_leaf(End& end, AnswerBatch::Asker asker) {
    const auto leaf = end.challenge.take_leaf();
    const bool time = end.setting.own == EvidenceRole::worker || end.accepted;
    require(leaf.has_value() == (end.asked && !end.leaf_given && time));
    if (!leaf) return;
    end.leaf_given = true;
    batches_[end.node].add(asker, *leaf);
  }

  void answer_batch(std::uint8_t node, std::uint8_t strangers, bool large) {
    AnswerBatch& batch = batches_[node];
    for (std::uint8_t i = 0; i < strangers; ++i) batch.add(100 + i, filled(100 + i));
    const auto report_data = batch.begin();
    require(report_data || strangers == 0);
    if (!report_data) return;
    require(!batch.begin());
    const Bytes quote = make_quote(node, *report_data, large ? 40'000 : 0);
    quotes_.push_back(quote);
    const auto answers = batch.finish(quote);
    for (const auto& [asker, answer] : answers) {
      require(attest::challenge_report_data(answer.root, answer.leaves) == *report_data);
      know(answer);
      if (asker >= 4) continue;
      require(ends_[asker].node == node && ends_[asker].leaf_given);
      ends_[asker].challenge.on_answered();
      ends_[asker].answered = true;
    }
    for (const wire::Evidence& part : wire::split_evidence(answers.front().second.quote, quote)) {
      know(part);
    }
  }

  /// As verify/ does it: the quote is genuine, of the machine that was shown, and over what the
  /// answer says.
  void judge(End& end) {
    if (!end.quote) {
      end.challenge.on_quote_accepted();  // nothing to accept: nothing happens
      return;
    }
    const Bytes quote = *std::exchange(end.quote, std::nullopt);
    const bool genuine = std::find(quotes_.begin(), quotes_.end(), quote) != quotes_.end();
    const auto over = ByteView(quote).subspan(std::min<std::size_t>(1, quote.size()));
    if (!genuine || quote[0] != end.peer ||
        !equal_public(over.first(64), end.challenge.report_data())) {
      end.failed = true;
      return;
    }
    end.challenge.on_quote_accepted();
    end.accepted = true;
    require(somebody_answered(end));
  }

  /// Whether the other end of this very connection has answered this very question.
  bool somebody_answered(const End& end) const {
    return std::any_of(ends_.begin(), ends_.end(), [&](const End& e) {
      return e.leaf_given && e.setting.own != end.setting.own && e.asked == end.nonce &&
             e.setting.exporter == end.setting.exporter && e.node == end.peer && e.peer == end.node;
    });
  }

  void deliver(End& end, std::uint8_t op) {
    if (end.failed || known_.empty()) return;
    Bytes frame = known_[in_.u8() % known_.size()];
    for (int changes = op / 8 % 4; changes > 0; --changes) {
      const std::uint16_t at = in_.u16be();
      frame[at % frame.size()] ^= in_.u8();
    }
    const auto message = wire::decode(frame);
    if (message) end.failed = !take(end, *message);
  }

  bool take(End& end, const wire::Message& message) {
    if (const auto* question = std::get_if<wire::Challenge>(&message)) {
      const Status status = end.challenge.on_challenge(*question);
      require(status.has_value() == !end.asked);
      if (status) end.asked = question->nonce;
      return status.has_value();
    }
    if (const auto* answer = std::get_if<wire::Answer>(&message)) {
      const Status status = end.challenge.on_answer(*answer);
      if (!status) return false;
      end.announced = answer->quote;
      require(end.challenge.report_data() ==
              attest::challenge_report_data(answer->root, answer->leaves));
      return true;
    }
    if (const auto* part = std::get_if<wire::Evidence>(&message)) {
      auto quote = end.challenge.on_part(*part);
      if (quote && *quote) {
        require(crypto::sha256(**quote) == end.announced.bytes && !(*quote)->empty());
        require((*quote)->size() <= limits::kMaxEvidenceBytes && !end.quote && !end.accepted);
        end.quote = std::move(**quote);
      }
      return quote.has_value();
    }
    return true;
  }

  void check(const End& end) const {
    require(end.challenge.complete() == (end.accepted && end.answered));
  }

  ByteReader in_;
  std::vector<End> ends_;
  std::vector<AnswerBatch> batches_{3};
  std::vector<Bytes> known_;   // frames that were on a wire
  std::vector<Bytes> quotes_;  // all that machines have made
};

// --- One exchange, with one thing changed ---

/// What the asker gets: an answer, and the parts of a quote.
struct Given {
  wire::Answer answer;
  std::vector<wire::Evidence> parts;
  Bytes altered;  // what a part points into, once it is altered
};

void alter(Given& given, ByteReader& in) {
  const std::uint8_t what = in.u8();
  const std::uint16_t at = in.u16be();
  const std::uint8_t by = in.u8();
  auto& path = given.answer.inclusion.path;
  wire::Evidence& part = given.parts[at % given.parts.size()];
  switch (what % 12) {
    case 0: given.answer.root[at % 32] ^= by; return;
    case 1: given.answer.leaves ^= at; return;
    case 2: given.answer.inclusion.index ^= at; return;
    case 3:
      if (!path.empty()) path[at % path.size()][by % 32] ^= by;
      return;
    case 4:
      if (!path.empty()) path.pop_back();
      return;
    case 5: path.push_back(filled(by)); return;
    case 6: given.answer.quote.bytes[at % 32] ^= by; return;
    case 7: part.digest.bytes[at % 32] ^= by; return;
    case 8: part.total ^= std::uint32_t{at} * by; return;
    case 9: part.offset ^= at; return;
    case 10:
      given.parts.erase(given.parts.begin() + at % static_cast<int>(given.parts.size()));
      return;
    default:
      given.altered = to_bytes(part.part);
      if (!given.altered.empty()) given.altered[at % given.altered.size()] ^= by;
      part.part = given.altered;
  }
}

bool same(const Given& a, const Given& b) {
  const auto& x = a.answer;
  const auto& y = b.answer;
  return x.root == y.root && x.leaves == y.leaves && x.inclusion.index == y.inclusion.index &&
         x.inclusion.path == y.inclusion.path && x.quote == y.quote &&
         std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(), b.parts.end(),
                    [](const wire::Evidence& p, const wire::Evidence& q) {
                      return p.digest == q.digest && p.total == q.total && p.offset == q.offset &&
                             equal_public(p.part, q.part);
                    });
}

/// The quote that the asker gets out of it, and takes to be over `report_data`; or nothing.
std::optional<Bytes> outcome(Challenge& asker, const Given& given,
                             const ByteArray<64>& report_data) {
  if (!asker.on_answer(given.answer)) return std::nullopt;
  std::optional<Bytes> quote;
  for (const wire::Evidence& part : given.parts) {
    auto more = asker.on_part(part);
    if (!more) {
      require(!more.error().detail().empty());
      return std::nullopt;
    }
    quote = std::move(*more);
  }
  return asker.report_data() == report_data ? quote : std::nullopt;
}

void one_exchange(ByteReader in) {
  const std::uint8_t others = in.u8();
  const std::uint8_t place = in.u8();
  const Bytes quote(in.u16be() + std::size_t{1}, 7);
  const std::uint8_t difference = in.u8();
  ChallengeSetting proxy{EvidenceRole::proxy, filled(1), filled(2), filled(3)};
  const ChallengeSetting worker{EvidenceRole::worker, filled(1), filled(3), filled(2)};
  if (difference == 1) proxy.exporter[place % 32] ^= 1;
  if (difference == 2) proxy.own_leaf[place % 32] ^= 1;
  if (difference == 3) proxy.peer_leaf[place % 32] ^= 1;
  if (difference == 4) proxy.own = EvidenceRole::worker;
  Challenge asker(proxy, filled(4));
  Challenge answerer(worker, filled(5));
  require(answerer.on_challenge(asker.question()).has_value());

  AnswerBatch batch;
  for (std::uint8_t i = 0; i < others; ++i) batch.add(i + (i < place ? 0 : 1), filled(i));
  batch.add(place, answerer.take_leaf().value());
  const ByteArray<64> report_data = batch.begin().value();
  Given good;
  for (auto& [asked_by, answer] : batch.finish(quote)) {
    if (asked_by == place) good.answer = std::move(answer);
  }
  good.parts = wire::split_evidence(good.answer.quote, quote);
  Given given = good;
  if (in.remaining() != 0) alter(given, in);

  const bool intact = same(given, good) && (difference == 0 || difference > 4);
  const auto got = outcome(asker, given, report_data);
  require(got.has_value() == intact);
  require(!got || *got == quote);
}

// --- Quotes ---

Bytes read_quote(const std::string& vector) {
  std::ifstream in(COCOON_TEST_VECTORS "/attestation/dcap-synthetic/" + vector + "/quote.bin",
                   std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Where in a quote of version 3 or 4 the report is.
constexpr std::size_t kBody = 48;

struct Range {
  std::size_t begin;
  std::size_t size;
};

/// What tells one guest, or enclave, from another: ranges of the report, as Intel lays it out.
std::vector<Range> identity_of(bool td) {
  if (td) return {{120, 400}};  // TDATTRIBUTES, XFAM, MRTD to MROWNERCONFIG, RTMR0 to RTMR3
  return {{16, 4}, {48, 16}, {64, 32}, {128, 32}, {256, 4}};
}

void a_quote(ByteReader in) {
  static const Bytes kTd = read_quote("s01-tdx4-uptodate");
  static const Bytes kSgx = read_quote("s03-sgx3-uptodate");
  const std::uint8_t kinds = in.u8();
  Bytes shown = (kinds & 1) != 0 ? kSgx : kTd;
  Bytes answer = (kinds & 2) != 0 ? kSgx : kTd;
  ByteArray<64> report_data = attest::parse_quote(answer).value().report_data();
  while (in.remaining() >= 4) {
    const std::uint8_t where = in.u8();
    const std::uint16_t at = in.u16be();
    const std::uint8_t by = in.u8();
    if (where % 4 == 0) report_data[at % 64] ^= by;
    if (where % 4 == 1) shown[at % shown.size()] ^= by;
    if (where % 4 == 2) answer[at % answer.size()] ^= by;
    if (where % 4 == 3) answer.resize(std::min<std::size_t>(answer.size(), at));
    if (answer.empty()) break;
  }
  const Status status = attest::check_answer(answer, report_data, shown);
  const auto fresh = attest::parse_quote(answer);
  const auto before = attest::parse_quote(shown);
  if (!fresh || !before || fresh->version > 4 || before->version > 4) {
    require(!status || (fresh && before));
    return;
  }
  const bool td = fresh->body_type != attest::BodyType::sgx;
  bool same = fresh->report_data() == report_data && fresh->body_type == before->body_type;
  for (const Range& range : identity_of(td)) {
    if (!same) break;
    same = equal_public(ByteView(answer).subspan(kBody + range.begin, range.size),
                        ByteView(shown).subspan(kBody + range.begin, range.size));
  }
  require(status.has_value() == same);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteReader in(ByteView(data + 1, size - 1));
  switch (data[0] % 3) {
    case 0: Game(in).play(); break;
    case 1: one_exchange(in); break;
    default: a_quote(in);
  }
  return 0;
}
