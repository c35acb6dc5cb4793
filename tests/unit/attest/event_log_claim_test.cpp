#include "attest/event_log_claim.h"

#include <gtest/gtest.h>

#include "attest/quote.h"
#include "attest/sim/event_log.h"
#include "base/limits.h"
#include "unit/attest/codes.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

using test::code;

constexpr std::uint32_t kEventTag = 6;

Bytes log_of(std::string_view data) {
  const sim::SimEvent events[] = {{4, kEventTag, data}};
  return sim::sim_event_log(events);
}

TEST(EventLogClaim, OfALogWithoutEventsIsRefused) {
  EXPECT_EQ(code(claimable_event_log(sim::sim_event_log({}))), "event_log_malformed");
}

TEST(EventLogClaim, OfSomethingElseIsRefused) {
  EXPECT_EQ(code(claimable_event_log(Bytes(64, 0xFF))), "event_log_malformed");
}

TEST(EventLogClaim, EndsWhereTheEventsEnd) {
  const Bytes log = log_of("kernel");
  Bytes buffer = log;
  buffer.resize(buffer.size() + 1000, 0xFF);
  EXPECT_EQ(claimable_event_log(buffer).value(), log);
}

TEST(EventLogClaim, HasALargestSize) {
  const std::size_t around = log_of("").size();
  const std::string most(limits::kMaxClaimedEventLogBytes - around, 'x');
  EXPECT_EQ(claimable_event_log(log_of(most)).value().size(), limits::kMaxClaimedEventLogBytes);
  EXPECT_EQ(code(claimable_event_log(log_of(most + 'x'))), "event_log_too_large");
}

TEST(EventLogClaim, OfARealGuestIsBorneOutByItsQuote) {
  const Bytes buffer = test::read_bytes(test::vector_dir() / "eventlog" / "cos113-ccel_data.bin");
  const Bytes log = claimable_event_log(buffer).value();
  EXPECT_LT(log.size(), buffer.size());
  const Bytes quote = test::load_vector("dcap/r07-tdx4-uptodate-8000-padded").quote;
  Rtmrs registers = std::get<TdReport>(parse_quote(quote)->body).rtmr;
  EXPECT_EQ(code(check_event_log(log, registers)), "");
  for (TdxMeasurement& one : registers) {
    one[47] ^= 1;
    EXPECT_EQ(code(check_event_log(log, registers)), "event_log_mismatch");
    one[47] ^= 1;
  }
}

TEST(EventLogClaim, WithoutOneOfTheEventsIsNotBorneOut) {
  const sim::SimEvent both[] = {{1, kEventTag, "a"}, {1, kEventTag, "b"}};
  const Rtmrs registers = replay(parse_event_log(sim::sim_event_log(both)).value());
  EXPECT_EQ(code(check_event_log(sim::sim_event_log(both), registers)), "");
  EXPECT_EQ(code(check_event_log(sim::sim_event_log({both, 1}), registers)), "event_log_mismatch");
}

TEST(EventLogClaim, ThatCannotBeReadIsNotBorneOut) {
  Bytes log = log_of("kernel");
  log.pop_back();
  EXPECT_EQ(code(check_event_log(log, {})), "event_log_malformed");
}

}  // namespace
}  // namespace cocoon::attest
