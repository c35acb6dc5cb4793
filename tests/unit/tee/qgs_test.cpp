#include "tee/qgs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/qgs_server.h"
#include "unit/store/temporary_folder.h"

namespace cocoon::tee {
namespace {

using test::QgsServer;
using ::testing::HasSubstr;

/// For servers that will never answer. The others have as long as the product gives them.
constexpr Millis kShortDeadline{50};

class Qgs : public ::testing::Test {
 protected:
  QgsAddress address() const { return {.unix_path = folder_.file("qgs.socket")}; }
  Result<Bytes> ask(Millis deadline = limits::kQgsDeadline) const {
    return qgs_quote(address(), Bytes(1024, 0x5A), deadline);
  }
  /// The error of a question to a server that sends `pieces`.
  Error refusal(std::vector<Bytes> pieces) const {
    const QgsServer server(address().unix_path, [&](const Bytes&) { return pieces; });
    const auto quote = ask();
    EXPECT_FALSE(quote);
    return quote ? Error(ErrorKind::internal, "none", "") : quote.error();
  }

  test::TemporaryFolder folder_;
};

TEST_F(Qgs, NobodyThere) {
  const auto quote = ask();
  ASSERT_FALSE(quote);
  EXPECT_EQ(quote.error().code(), "qgs_unreachable");
  EXPECT_THAT(quote.error().detail(), HasSubstr(address().to_text()));
  EXPECT_THAT(quote.error().detail(), HasSubstr("start qgsd"));
}

TEST_F(Qgs, AFileThatIsNoSocket) {
  std::ofstream(address().unix_path) << "no socket";
  const auto quote = ask();
  ASSERT_FALSE(quote);
  EXPECT_EQ(quote.error().code(), "qgs_unreachable");
}

TEST_F(Qgs, NobodyOnTheVsock) {
  // 1 is this machine itself, whether or not its kernel can loop vsock back.
  const auto quote = qgs_quote({.cid = 1, .port = 1}, Bytes(1024));
  ASSERT_FALSE(quote);
  EXPECT_EQ(quote.error().code(), "qgs_unreachable");
  EXPECT_THAT(quote.error().detail(), HasSubstr("vsock:1:1"));
  EXPECT_THAT(quote.error().detail(), HasSubstr("; "));
}

TEST_F(Qgs, ClosesWithoutAnAnswer) {
  EXPECT_EQ(refusal({}).code(), "qgs_connection_lost");
}

TEST_F(Qgs, ClosesWithinTheLength) {
  EXPECT_EQ(refusal({Bytes(3)}).code(), "qgs_connection_lost");
}

TEST_F(Qgs, ClosesWithinTheAnswer) {
  Bytes answer = QgsServer::quote_answer(Bytes(5000, 1));
  answer.pop_back();
  EXPECT_EQ(refusal({answer}).code(), "qgs_connection_lost");
}

TEST_F(Qgs, AnnouncesMoreThanAnyQuoteHas) {
  ByteWriter out;
  out.u32be(limits::kMaxQgsAnswerBytes + 1);
  EXPECT_EQ(refusal({out.take()}).code(), "quote_too_large");
}

TEST_F(Qgs, AnnouncesLessThanAHeader) {
  EXPECT_EQ(refusal({Bytes(4)}).code(), "qgs_answer_malformed");
}

TEST_F(Qgs, ItsErrorsComeThrough) {
  const Error error = refusal({QgsServer::message(Bytes(8), 0x12001)});
  EXPECT_EQ(error.code(), "qgs_refused");
  EXPECT_THAT(error.detail(), HasSubstr("0x12001"));
}

TEST_F(Qgs, IsSilent) {
  const QgsServer server(
      address().unix_path, [](const Bytes&) { return std::vector<Bytes>(); },
      QgsServer::End::wait_for_client);
  const auto quote = ask(kShortDeadline);
  ASSERT_FALSE(quote);
  EXPECT_EQ(quote.error().kind(), ErrorKind::timeout);
  EXPECT_THAT(quote.error().detail(), HasSubstr("does not answer within 0.05 s"));
}

TEST_F(Qgs, FallsSilentWithinItsAnswer) {
  const QgsServer server(
      address().unix_path,
      [](const Bytes&) {
        Bytes answer = QgsServer::quote_answer(Bytes(5000, 1));
        answer.pop_back();
        return std::vector<Bytes>{answer};
      },
      QgsServer::End::wait_for_client);
  const auto quote = ask(kShortDeadline);
  ASSERT_FALSE(quote);
  EXPECT_EQ(quote.error().kind(), ErrorKind::timeout);
}

TEST_F(Qgs, GetsTheReportAndGivesItsQuote) {
  Bytes asked;
  const Bytes made(5000, 0x51);
  Result<Bytes> quote = Bytes();
  {
    const QgsServer server(address().unix_path, [&](const Bytes& question) {
      asked = question;
      return std::vector<Bytes>{QgsServer::quote_answer(made)};
    });
    quote = ask();
  }
  ASSERT_TRUE(quote) << quote.error().detail();
  EXPECT_EQ(*quote, made);
  EXPECT_EQ(to_bytes(ByteView(asked).last(1024)), Bytes(1024, 0x5A));
}

TEST_F(Qgs, MaySendByteByByte) {
  const Bytes made(600, 0x51);
  const QgsServer server(address().unix_path, [&](const Bytes&) {
    std::vector<Bytes> pieces;
    for (const std::uint8_t byte : QgsServer::quote_answer(made)) pieces.push_back({byte});
    return pieces;
  });
  const auto quote = ask();
  ASSERT_TRUE(quote) << quote.error().detail();
  EXPECT_EQ(*quote, made);
}

TEST_F(Qgs, TheLargestQuoteComesThrough) {
  const Bytes made(limits::kMaxQuoteBytes, 0x51);
  const QgsServer server(address().unix_path, [&](const Bytes&) {
    return std::vector<Bytes>{QgsServer::quote_answer(made)};
  });
  const auto quote = ask();
  ASSERT_TRUE(quote) << quote.error().detail();
  EXPECT_EQ(*quote, made);
}

}  // namespace
}  // namespace cocoon::tee
