#include "ledger/ton/toncenter_codec.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "base/limits.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "ton/boc.h"

namespace cocoon::ledger {
namespace {

/// The one shard of the masterchain, as toncenter writes it: a signed number.
constexpr std::string_view kWholeShard = "-9223372036854775808";

Error wrong(std::string_view field, std::string_view expected) {
  return Error(ErrorKind::upstream, "ledger_answer_wrong",
               fmt::format("its answer has no good \"{}\": expected {}", field, expected));
}

/// The API's own words, fit for a log.
std::string cleaned(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, limits::kMaxTonErrorBytes)) {
    out += c >= ' ' && c < '\x7f' ? c : '?';
  }
  return out;
}

/// A whole number, or one written as a string of decimal digits: toncenter does either.
template <class T>
std::optional<T> integer(json::Value v) {
  std::string_view text = v.raw();
  if (const auto quoted = v.as_string()) {
    text = *quoted;
  } else if (!v.is(json::Kind::number)) {
    return std::nullopt;
  }
  T out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

Result<Hash> hash(json::Value object, std::string_view field) {
  const auto text = object.find(field).as_string();
  if (text) {
    const auto bytes = from_base64(*text);
    const auto fixed = bytes ? to_array<32>(*bytes) : std::nullopt;
    if (fixed) return *fixed;
  }
  return wrong(field, "32 bytes in base64");
}

Result<UnixTime> time(json::Value object, std::string_view field) {
  const auto seconds = integer<std::uint64_t>(object.find(field));
  if (!seconds || *seconds == 0 || *seconds > limits::kMaxUnixSeconds) {
    return wrong(field, "a time in Unix seconds");
  }
  return unix_seconds(*seconds);
}

Result<std::uint32_t> seqno(json::Value object) {
  const auto number = integer<std::uint32_t>(object.find("seqno"));
  if (!number) return wrong("seqno", "a whole number of 32 bits");
  return *number;
}

Result<ton::CellRef> cell(json::Value object, std::string_view field) {
  const auto text = object.find(field).as_string();
  if (!text) return wrong(field, "a bag of cells in base64");
  const auto bytes = from_base64(*text);
  if (!bytes) return wrong(field, "base64");
  auto root = ton::parse_boc_root(*bytes);
  if (!root) return wrong(field, "one bag of cells; " + root.error().detail());
  return std::move(*root);
}

/// An answer, parsed, with its envelope taken off.
class Answer {
 public:
  static Result<Answer> open(int status, std::string_view body) {
    if (status == 429) {
      return Error(ErrorKind::busy, "ledger_busy", "it takes no more requests for now (429)");
    }
    auto document =
        json::Document::parse(body, {.max_depth = 16, .max_nodes = limits::kMaxTonAnswerNodes});
    if (!document) {
      return Error(ErrorKind::upstream, "ledger_answer_wrong",
                   fmt::format("status {}, and no JSON of toncenter's API: {}", status,
                               document.error().detail()));
    }
    const auto good = document->root().find("ok").as_bool();
    if (!good) return wrong("ok", "true or false");
    if (!*good || status != 200) {
      const auto said = document->root().find("error").as_string();
      return Error(ErrorKind::upstream, "ledger_refused",
                   fmt::format("status {}: {}", status, said ? cleaned(*said) : "no reason given"));
    }
    return Answer(std::move(*document));
  }

  json::Value result() const { return document_.root().find("result"); }

 private:
  explicit Answer(json::Document document) : document_(std::move(document)) {}
  json::Document document_;
};

/// A block's name: that it is the masterchain's, and which.
Status check_masterchain(json::Value id) {
  const auto workchain = integer<std::int32_t>(id.find("workchain"));
  if (!workchain || *workchain != ton::kMasterchain) return wrong("workchain", "-1");
  if (id.find("shard").as_string() != kWholeShard) return wrong("shard", std::string(kWholeShard));
  return ok();
}

/// An account that never was has a balance of -1 in some versions of the API.
Result<Nano> balance(json::Value result) {
  const json::Value v = result.find("balance");
  if (const auto amount = integer<std::uint64_t>(v)) return Nano{*amount};
  if (integer<std::int64_t>(v) == -1) return Nano{0};
  return wrong("balance", "nanotons as a whole number of 64 bits");
}

Result<AccountStatus> account_status(json::Value result) {
  const auto state = result.find("state").as_string();
  if (state == "active") return AccountStatus::active;
  if (state == "frozen") return AccountStatus::frozen;
  if (state == "uninitialized") return AccountStatus::none;
  return wrong("state", "active, uninitialized or frozen");
}

Status read_last_transaction(json::Value result, AccountReading& out) {
  const json::Value id = result.find("last_transaction_id");
  const auto lt = integer<std::uint64_t>(id.find("lt"));
  if (!lt) return wrong("last_transaction_id.lt", "a whole number of 64 bits");
  out.last_lt = *lt;
  COCOON_TRY(out.last_hash, hash(id, "hash"));
  return ok();
}

}  // namespace

ApiQuery ask_head() {
  return {"getMasterchainInfo", {}};
}

ApiQuery ask_block(std::uint32_t seqno) {
  return {fmt::format("getBlockHeader?workchain=-1&shard={}&seqno={}", kWholeShard, seqno), {}};
}

ApiQuery ask_account(const ton::Address& address) {
  return {"getAddressInformation?address=" + ton::to_friendly(address), {}};
}

ApiQuery hand_in(ByteView message) {
  json::Writer out;
  out.begin_object().key("boc").string(to_base64(message)).end_object();
  return {"sendBoc", out.take()};
}

Result<ChainHead> read_head(int status, std::string_view body) {
  COCOON_TRY(const Answer answer, Answer::open(status, body));
  const json::Value last = answer.result().find("last");
  COCOON_CHECK(check_masterchain(last));
  ChainHead out;
  COCOON_TRY(out.seqno, seqno(last));
  COCOON_TRY(out.root_hash, hash(last, "root_hash"));
  return out;
}

Result<BlockReading> read_block(int status, std::string_view body, std::uint32_t asked) {
  COCOON_TRY(const Answer answer, Answer::open(status, body));
  const json::Value id = answer.result().find("id");
  COCOON_CHECK(check_masterchain(id));
  BlockReading out;
  COCOON_TRY(out.seqno, seqno(id));
  if (out.seqno != asked) return wrong("seqno", fmt::format("the block {}", asked));
  COCOON_TRY(out.root_hash, hash(id, "root_hash"));
  COCOON_TRY(out.time, time(answer.result(), "gen_utime"));
  return out;
}

Result<AccountReading> read_account(int status, std::string_view body) {
  COCOON_TRY(const Answer answer, Answer::open(status, body));
  const json::Value result = answer.result();
  AccountReading out;
  COCOON_TRY(out.status, account_status(result));
  COCOON_TRY(out.balance, balance(result));
  COCOON_TRY(out.time, time(result, "sync_utime"));
  COCOON_CHECK(read_last_transaction(result, out));
  if (out.status == AccountStatus::active) {
    COCOON_TRY(out.code, cell(result, "code"));
    COCOON_TRY(out.data, cell(result, "data"));
  }
  return out;
}

Status read_handed_in(int status, std::string_view body) {
  const auto answer = Answer::open(status, body);
  if (!answer) return answer.error();
  return ok();
}

}  // namespace cocoon::ledger
