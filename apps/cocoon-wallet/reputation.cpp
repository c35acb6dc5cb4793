/// A saved page of a proxy's reputation against what the ledger has of it.

#include <fmt/format.h>

#include <cmath>

#include "codec/hex.h"
#include "codec/json.h"
#include "commands.h"
#include "common/read_file.h"
#include "routing/reputation_digest.h"
#include "session.h"

namespace cocoon::app {
namespace {

/// A page of limits::kMaxReputationEntries workers, each of them twice, has half of either.
constexpr std::size_t kMaxPageBytes = 64 * 1024 * 1024;
constexpr json::Limits kPageLimits{.max_depth = 8, .max_nodes = 4 * 1024 * 1024};

/// What a page says that its proxy has published.
struct Published {
  NetworkId network;
  AccountId proxy;
  std::uint64_t epoch = 0;
  std::vector<routing::RatedWorker> workers;
};

Error bad_page(std::string_view what) {
  return Error(ErrorKind::invalid_argument, "bad_page",
               fmt::format("{}; save the page anew: curl http://ADMIN/v1/cocoon/reputation", what));
}

template <std::size_t N>
Result<ByteArray<N>> hex_member(json::Value object, std::string_view key) {
  const auto text = object.find(key).as_string();
  if (text) {
    if (const auto bytes = array_from_hex<N>(*text)) return *bytes;
  }
  return bad_page(fmt::format("\"{}\" is not {} hexadecimal digits", key, 2 * N));
}

Result<std::uint64_t> number_member(json::Value object, std::string_view key, std::uint64_t most) {
  const auto number = object.find(key).as_u64();
  if (number && *number <= most) return *number;
  return bad_page(fmt::format("\"{}\" is not a number up to {}", key, most));
}

/// In ten thousandths, as the digest has it: what has more places is not what was published.
Result<std::uint32_t> rate_member(json::Value object, std::string_view key) {
  const double value = object.find(key).as_double().value_or(-1) * 10'000;
  if (value >= 0 && value <= 10'000 && std::abs(value - std::round(value)) < 1e-6) {
    return static_cast<std::uint32_t>(std::lround(value));
  }
  return bad_page(fmt::format("\"{}\" is not a share with four decimal places", key));
}

Result<routing::RatedWorker> read_worker(json::Value entry) {
  routing::RatedWorker worker;
  const auto count = [&](std::string_view key, std::uint32_t& into) -> Status {
    COCOON_TRY(const std::uint64_t value, number_member(entry, key, UINT32_MAX));
    into = static_cast<std::uint32_t>(value);
    return ok();
  };
  COCOON_TRY(worker.account.bytes, hex_member<32>(entry, "account"));
  COCOON_CHECK(count("requests", worker.figures.requests));
  COCOON_TRY(worker.figures.success_e4, rate_member(entry, "success_rate"));
  COCOON_CHECK(count("first_token_ms", worker.figures.first_token_ms));
  COCOON_CHECK(count("tokens_per_second", worker.figures.tokens_per_second));
  return worker;
}

Result<Published> read_page(const std::string& file) {
  COCOON_TRY(const std::string text, read_file(file, kMaxPageBytes));
  const auto page = json::Document::parse(text, kPageLimits);
  if (!page) return bad_page(page.error().detail());
  const json::Value published = page->root().find("published");
  const json::Value workers = published.find("workers");
  if (!workers.is(json::Kind::array)) {
    return bad_page("the page says nothing that was published; a proxy's does once it serves");
  }
  Published out;
  COCOON_TRY(out.network.bytes, hex_member<16>(published, "network"));
  COCOON_TRY(out.proxy.bytes, hex_member<32>(published, "proxy"));
  COCOON_TRY(out.epoch, number_member(published, "epoch", UINT64_MAX));
  out.workers.reserve(workers.size());
  for (const json::Value entry : workers.elements()) {
    COCOON_TRY(out.workers.emplace_back(), read_worker(entry));
  }
  return out;
}

Error differs(std::string detail) {
  return Error(ErrorKind::invalid_argument, "reputation_differs", std::move(detail));
}

}  // namespace

Result<Exit> check_reputation(const Common& common, const std::string& file) {
  COCOON_TRY(const Published page, read_page(file));
  const Hash digest = routing::reputation_digest(page.network, page.workers);
  fmt::print("proxy      {}\nepoch      {}\ndigest     {}, of {} workers\n",
             to_hex(page.proxy.view()), page.epoch, to_hex(digest), page.workers.size());
  COCOON_TRY(const Account account, open_account(common.files));
  COCOON_TRY(Session session, Session::open(account));
  COCOON_TRY(const auto view, session.read<ports::EpochView>(ports::ReadEpoch{page.proxy}));
  if (!view.newest) return differs("the ledger has no epoch record of this proxy");
  const billing::EpochRecord& record = view.newest->value;
  if (record.network != page.network) return differs("the page is of another network");
  if (record.epoch != page.epoch) {
    return differs(fmt::format(
        "the ledger shows epoch {}: the proxy has started since, or the page is not its own",
        record.epoch));
  }
  if (record.reputation != digest) {
    return differs(
        fmt::format("the ledger has digest {}: this is not the table that the proxy has published",
                    to_hex(record.reputation)));
  }
  fmt::print("ledger     has the same\n");
  return Exit::done;
}

}  // namespace cocoon::app
