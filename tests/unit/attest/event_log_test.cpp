#include "attest/event_log.h"

#include <gtest/gtest.h>

#include "attest/quote.h"
#include "attest/text.h"
#include "base/limits.h"
#include "crypto/hash.h"
#include "unit/attest/vectors.h"

namespace cocoon::attest {
namespace {

Bytes log_file(const char* name) {
  return test::read_bytes(test::vector_dir() / "eventlog" / name);
}

/// A log of one SHA-384 bank with the given events.
class LogWriter {
 public:
  LogWriter() {
    ByteWriter id;
    id.bytes(as_bytes(std::string_view("Spec ID Event03\0", 16))).bytes(Bytes(8));
    id.u32le(1).u16le(0x000C).u16le(48).u8(0);
    const Bytes event = id.take();
    out_.u32le(1).u32le(kNoActionEvent).bytes(Bytes(20));
    out_.u32le(static_cast<std::uint32_t>(event.size())).bytes(event);
  }
  LogWriter& event(std::uint32_t index, std::uint32_t type, std::uint8_t digest) {
    out_.u32le(index).u32le(type).u32le(1).u16le(0x000C).bytes(Bytes(48, digest));
    out_.u32le(2).bytes(Bytes{1, 2});
    return *this;
  }
  Bytes take() { return out_.take(); }

 private:
  ByteWriter out_;
};

void expect_malformed(ByteView log, const char* what) {
  const auto parsed = parse_event_log(log);
  ASSERT_FALSE(parsed) << what;
  EXPECT_EQ(parsed.error().code(), "event_log_malformed") << what;
}

TEST(EventLog, OfARealGuestReplaysToItsQuotesRegisters) {
  const Bytes log = log_file("cos113-ccel_data.bin");
  const auto events = parse_event_log(log).value();
  EXPECT_EQ(events.size(), 43u);  // MANIFEST.md
  const Bytes quote = test::load_vector("dcap/r07-tdx4-uptodate-8000-padded").quote;
  EXPECT_EQ(replay(events), std::get<TdReport>(parse_quote(quote)->body).rtmr);
}

TEST(EventLog, OfADirectBootReplaysToItsRegisters) {
  const Rtmrs rtmrs = replay(parse_event_log(log_file("ovmf-ccel_data.bin")).value());
  EXPECT_EQ(encode_hex(rtmrs[0]).substr(0, 32), "8566f998798db09443b244c62de9a304");
  EXPECT_EQ(encode_hex(rtmrs[1]).substr(0, 32), "775b9f6bfe99f8a31396f0d0218e67ff");
  EXPECT_EQ(encode_hex(rtmrs[2]).substr(0, 32), "94eaf7a7bf398ed8d888c91057ae0261");
  EXPECT_EQ(rtmrs[3], TdxMeasurement{});
}

TEST(EventLog, WithAnotherDigestReplaysToOtherRegisters) {
  Bytes log = log_file("cos113-ccel_data.bin");
  const Rtmrs genuine = replay(parse_event_log(log).value());
  const auto events = parse_event_log(log).value();
  // 48 bytes of digest and 4 of length stand before an event's data.
  log[static_cast<std::size_t>(events[5].data.data() - log.data()) - 52] ^= 1;
  EXPECT_NE(replay(parse_event_log(log).value()), genuine);
}

TEST(EventLog, ExtendsTheRegisterThatEachEventNames) {
  const Bytes log = LogWriter().event(1, 4, 0xAA).event(4, 4, 0xBB).take();
  const Rtmrs rtmrs = replay(parse_event_log(log).value());
  Bytes first(96);
  std::fill(first.begin() + 48, first.end(), std::uint8_t{0xAA});
  EXPECT_EQ(rtmrs[0], crypto::sha384(first));
  EXPECT_EQ(rtmrs[1], TdxMeasurement{});
  EXPECT_NE(rtmrs[3], TdxMeasurement{});
}

TEST(EventLog, MeasuresNeitherInformationNorTheBuildTimeRegister) {
  const Bytes log = LogWriter().event(1, kNoActionEvent, 0xAA).event(0, 4, 0xBB).take();
  EXPECT_EQ(replay(parse_event_log(log).value()), Rtmrs{});
}

TEST(EventLog, EndsWithItsBytesOrAtTheMark) {
  LogWriter writer;
  Bytes log = writer.event(1, 4, 0xAA).take();
  EXPECT_EQ(parse_event_log(log)->size(), 1u);
  log.insert(log.end(), 4, 0xFF);
  log.insert(log.end(), 100, 0x77);
  EXPECT_EQ(parse_event_log(log)->size(), 1u);
}

TEST(EventLog, IsRefusedWhereItIsCut) {
  const Bytes log = LogWriter().event(1, 4, 0xAA).event(2, 4, 0xBB).take();
  const std::size_t header = LogWriter().take().size();
  const std::size_t first = LogWriter().event(1, 4, 0xAA).take().size();
  for (std::size_t size = 0; size < log.size(); ++size) {
    if (size == header || size == first) continue;
    expect_malformed(ByteView(log).first(size), "cut");
  }
}

TEST(EventLog, IsRefusedWithARegisterThatDoesNotExist) {
  expect_malformed(LogWriter().event(5, 4, 0).take(), "register 5");
}

TEST(EventLog, IsRefusedWithDigestsOfAnotherAlgorithm) {
  Bytes log = LogWriter().event(1, 4, 0).take();
  const std::size_t algorithm_at = LogWriter().take().size() + 12;
  log[algorithm_at] = 0x0B;  // SHA-256
  expect_malformed(log, "unnamed algorithm");
}

TEST(EventLog, IsRefusedWithMoreDigestsThanAlgorithms) {
  Bytes log = LogWriter().event(1, 4, 0).take();
  log[LogWriter().take().size() + 8] = 2;
  expect_malformed(log, "two digests of one algorithm");
}

TEST(EventLog, IsRefusedOverTheLimit) {
  expect_malformed(Bytes(limits::kMaxEventLogBytes + 1), "limit");
}

TEST(CcelTable, OfARealGuestSaysWhereItsLogLies) {
  const CcelTable table = parse_ccel_table(log_file("cos113-ccel_table.bin")).value();
  EXPECT_EQ(table.type, 2);
  EXPECT_EQ(table.log_bytes, 262144u);
  EXPECT_NE(table.log_address, 0u);
}

TEST(CcelTable, IsRefusedWithAnyByteChanged) {
  const Bytes good = log_file("cos113-ccel_table.bin");
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= 0x10;
    EXPECT_FALSE(parse_ccel_table(bad)) << i;
  }
  EXPECT_FALSE(parse_ccel_table(ByteView(good).first(55)));
}

}  // namespace
}  // namespace cocoon::attest
